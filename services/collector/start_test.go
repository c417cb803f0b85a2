package collector_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // this test starts a broker late, which a shared one can not
	"plumbline/pkg/process"
	"plumbline/services/collector"
)

// A collector that starts before the broker is alive and not ready, and tells clients to come again; then it takes events.
func TestStartsBeforeTheBroker(t *testing.T) {
	ports := make([]string, 2)
	for i := range ports {
		l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ports[i] = l.Addr().String()
		_ = l.Close()
	}
	cfg := config(t)
	cfg.Bus = bus.Config{Brokers: ports[:1], Partitions: 3}
	s := &served{cfg: cfg, url: "http://" + ports[1]}
	ctx, stop := context.WithCancel(t.Context())
	ended, listens := make(chan error, 1), make(chan struct{})
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	go func() {
		ended <- process.Server{Addr: ports[1], Log: log, Ready: func(string) { close(listens) }}.Run(ctx, func(m *process.Mount) error {
			listens <- struct{}{} // it listens before it is there
			return collector.Run(ctx, cfg, m)
		})
	}()
	<-listens
	if a := s.post(t, structured, one("early", nil)); a.Status != http.StatusServiceUnavailable || a.Code != "starting" || a.Header.Get("Retry-After") == "" {
		t.Errorf("early: %d %s", a.Status, a.Body)
	}
	if a := s.do(t, http.MethodGet, "/readyz", "", nil); a.Status != http.StatusServiceUnavailable || !strings.Contains(a.Body, `"starting"`) {
		t.Errorf("ready: %d %s", a.Status, a.Body)
	}
	if a := s.do(t, http.MethodGet, "/healthz", "", nil); a.Status != http.StatusOK {
		t.Errorf("alive: %d %s", a.Status, a.Body)
	}
	_, port, err := net.SplitHostPort(ports[0])
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		t.Fatal(err)
	}
	broker, err := embedded.StartBroker(t.Context(), embedded.BrokerConfig{Dir: filepath.Join(t.TempDir(), "kafka"), Port: n})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = broker.Stop(context.WithoutCancel(t.Context())) }()
	<-listens
	s.ready(t, http.StatusOK)
	if a := s.post(t, structured, one("early", nil)); a.Status != http.StatusAccepted {
		t.Errorf("afterwards: %d %s", a.Status, a.Body)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
