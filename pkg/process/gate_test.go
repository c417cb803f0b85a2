package process

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestGateBoundsWhatRuns(t *testing.T) {
	t.Parallel()
	g := NewGate(3, 100, time.Minute, prometheus.NewRegistry(), "plumbline_test_turned_total")
	var running, most atomic.Int64
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			leave, err := g.Enter(t.Context(), "one")
			if err != nil {
				t.Error(err)
				return
			}
			defer leave()
			n := running.Add(1)
			defer running.Add(-1)
			for {
				if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
					return
				}
			}
		})
	}
	all.Wait()
	if m := most.Load(); m < 1 || m > 3 {
		t.Errorf("%d ran at a time, want at most 3", m)
	}
	if len(g.here) != 0 || len(g.places) != 0 {
		t.Errorf("when all have left %d askers and %d places are still counted", len(g.here), len(g.places))
	}
}

// One asker who takes what there is for one does not shut out another; who waits for too long is told to come again.
func TestGateIsFair(t *testing.T) {
	t.Parallel()
	g := NewGate(3, 2, 20*time.Millisecond, prometheus.NewRegistry(), "plumbline_test_turned_total")
	enter := func(asker string) func() {
		t.Helper()
		leave, err := g.Enter(t.Context(), asker)
		if err != nil {
			t.Fatalf("%s: %v", asker, err)
		}
		return leave
	}
	first := enter("greedy")
	defer enter("greedy")()
	if _, err := g.Enter(t.Context(), "greedy"); !errors.Is(err, ErrTooMany) {
		t.Errorf("a third request of one who may have two: %v", err)
	}
	defer enter("modest")()
	if _, err := g.Enter(t.Context(), "late"); !errors.Is(err, ErrBusy) {
		t.Errorf("a request for which there is no place: %v", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.Enter(gone, "gone"); !errors.Is(err, context.Canceled) {
		t.Errorf("a request whose client has gone: %v", err)
	}
	first()
	enter("late")()
	for reason, want := range map[string]float64{"too_many": 1, "busy": 1} {
		if got := testutil.ToFloat64(g.turned.WithLabelValues(reason)); got != want {
			t.Errorf("%v were counted as %s, want %v", got, reason, want)
		}
	}
}

func TestGateAnswers(t *testing.T) {
	t.Parallel()
	gin.SetMode(gin.ReleaseMode)
	g := NewGate(1, 1, time.Millisecond, prometheus.NewRegistry(), "plumbline_test_turned_total")
	engine := gin.New()
	engine.GET("/", g.Handler(func(c *gin.Context) string { return c.Query("as") }), func(c *gin.Context) { c.Status(http.StatusNoContent) })
	ask := func(as string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		engine.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?as="+as, nil))
		return w
	}
	leave, err := g.Enter(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	for as, want := range map[string]int{"a": http.StatusTooManyRequests, "b": http.StatusServiceUnavailable} {
		if w := ask(as); w.Code != want || w.Header().Get("Retry-After") != "1" {
			t.Errorf("%s is answered with %d, Retry-After %q; want %d and 1", as, w.Code, w.Header().Get("Retry-After"), want)
		}
	}
	leave()
	if w := ask("a"); w.Code != http.StatusNoContent {
		t.Errorf("when there is a place: %d", w.Code)
	}
}
