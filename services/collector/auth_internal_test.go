package collector

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/keyring"
)

// While the keys are not read, one of the configuration works at once, also one that looks like ours; any other of that form
// is asked to come again, for nobody knows yet whether it is one.
func TestKeysThatAreNotReadYet(t *testing.T) {
	configured, text, err := access.NewKey("mine", "default")
	if err != nil {
		t.Fatal(err)
	}
	ring := keyring.New(keyring.Config{
		Bus: bus.Config{Brokers: []string{"127.0.0.1:1"}}, Service: "test", Now: time.Now, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	}) // it never runs, so it is never ready
	gin.SetMode(gin.ReleaseMode) // as the server does; else it prints its routes
	router := gin.New()
	router.Use((&doorman{access.NewKeys(configured), ring, newMetrics(prometheus.NewRegistry())}).authenticate)
	router.GET("/", func(c *gin.Context) { c.Status(http.StatusNoContent) })
	for _, c := range []struct {
		authorization string
		status        int
		code          string
	}{
		{"", 401, "no_key"},
		{"Bearer " + text, 204, ""},
		{"Bearer nothing", 403, "wrong_key"},
		{"Bearer plk_crm_" + strings.Repeat("0", 64), 503, "starting"},
		{"Bearer plk_mine_" + strings.Repeat("0", 64), 503, "starting"},
	} {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", http.NoBody)
		req.Header.Set("Authorization", c.authorization)
		res := httptest.NewRecorder()
		router.ServeHTTP(res, req)
		if res.Code != c.status || !strings.Contains(res.Body.String(), c.code) || (res.Header().Get("Retry-After") == "") == (c.status == 503) {
			t.Errorf("%.20s: %d %s, Retry-After %q", c.authorization, res.Code, res.Body, res.Header().Get("Retry-After"))
		}
	}
}
