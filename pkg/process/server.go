package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// The limits of a server. Routes may set others with MaxBody and Streaming.
const (
	maxBody        = 8 << 20  // bytes
	maxHeader      = 64 << 10 // bytes
	headerTimeout  = 5 * time.Second
	requestTimeout = 60 * time.Second // for reading a request, and for answering it
	idleTimeout    = 2 * time.Minute
	stopTimeout    = 10 * time.Second // for all of a graceful stop
	drainTimeout   = 5 * time.Second  // of it, for the requests that run
)

// Server is an HTTP server that stops gracefully.
type Server struct {
	// Addr is where it listens, host:port; with port 0 on a free one.
	Addr string
	// Log is the log of the server and of the mount. Nil: slog's default.
	Log *slog.Logger
	// TLS is the certificate that it is served with, if any.
	TLS TLSConfig
	// Ready, if not nil, is called once it listens, with the real address.
	Ready func(addr string)
}

// Serve is Server.Run with slog's default log.
func Serve(ctx context.Context, addr string, register func(*Mount) error, ready func(addr string)) error {
	return Server{Addr: addr, Ready: ready}.Run(ctx, register)
}

// Run listens, and calls register, which puts routes, checks, loops and stops on
// the mount and returns. Register may wait for what the service needs: until it
// has returned /healthz is well, /readyz is not, and everything else is answered
// with 503. Then Run runs the loops, and serves until ctx ends or a loop fails.
// /healthz, /readyz and /metrics are there already.
//
// A graceful stop takes at most 10 s: requests that run are finished (5 s), then
// loops end, then everything is closed. Run returns nil after a stop that ctx
// asked for, else why it ended.
func (s Server) Run(ctx context.Context, register func(*Mount) error) error {
	log := s.Log
	if log == nil {
		log = slog.Default()
	}
	if err := s.TLS.Validate(); err != nil {
		return err
	}
	engine, mount := newMount(log)
	// Before anything else: a taken address must not disturb what the loops work on.
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", s.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.Addr, err)
	}
	var current atomic.Pointer[gin.Engine]
	current.Store(starting())
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { current.Load().ServeHTTP(w, r) }),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       requestTimeout,
		WriteTimeout:      requestTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- s.serve(server, limited(listener), log) }()

	if err := register(mount); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if err = fmt.Errorf("start: %w", err); ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			err = nil // stopped while it waited for something
		}
		return errors.Join(err, server.Close(), mount.runStops(stopCtx))
	}
	engine.NoRoute(noRoute(mount))
	current.Store(engine)

	loopCtx, endLoops := context.WithCancel(context.WithoutCancel(ctx))
	defer endLoops()
	waitLoops, failed := mount.runLoops(loopCtx)
	if s.Ready != nil {
		s.Ready(listener.Addr().String())
	}

	var cause error
	select {
	case <-ctx.Done():
	case cause = <-failed:
	case err := <-served:
		cause = fmt.Errorf("serve: %w", err)
	}
	close(mount.stopping)
	log.InfoContext(ctx, "stopping")
	stopErr := gracefulStop(context.WithoutCancel(ctx), server, mount, endLoops, waitLoops)
	for cause == nil && len(failed) > 0 { // a loop that failed while it stopped
		cause = <-failed
	}
	return errors.Join(cause, stopErr)
}

// serve serves until the server is stopped.
func (s Server) serve(server *http.Server, l net.Listener, log *slog.Logger) error {
	if !s.TLS.Enabled() {
		return server.Serve(l)
	}
	server.TLSConfig = s.TLS.serverTLS(log)
	return server.ServeTLS(l, "", "")
}

// starting answers while a service is not there yet.
func starting() *gin.Engine {
	engine := gin.New()
	engine.Use(withRequestID, withSecureHeaders())
	engine.GET("/healthz", serveHealth)
	engine.GET("/readyz", func(c *gin.Context) {
		c.Header("Cache-Control", "no-store")
		c.JSON(http.StatusServiceUnavailable, gin.H{"status": "starting", "checks": gin.H{}})
	})
	engine.NoRoute(func(c *gin.Context) {
		c.Header("Retry-After", "1")
		Problem(c, http.StatusServiceUnavailable, "starting", "The service starts, or waits for its engines; send the same again a little later.", nil)
	})
	return engine
}

// gracefulStop ends requests, then loops, then closes what is open.
func gracefulStop(ctx context.Context, server *http.Server, mount *Mount, endLoops func(), waitLoops func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	drain, cancelDrain := context.WithTimeout(ctx, drainTimeout)
	defer cancelDrain()
	var errs []error
	if err := server.Shutdown(drain); err != nil {
		errs = append(errs, fmt.Errorf("stop: requests still ran after %s: %w", drainTimeout, err), server.Close())
	}
	endLoops()
	if err := waitLoops(ctx); err != nil {
		errs = append(errs, fmt.Errorf("stop: %w", err))
	}
	errs = append(errs, mount.runStops(ctx))
	return errors.Join(errs...)
}

// newMount makes the engine with all that every service has.
func newMount(log *slog.Logger) (*gin.Engine, *Mount) {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.ContextWithFallback = true
	engine.HandleMethodNotAllowed = true
	engine.RedirectTrailingSlash = false
	// No proxy is trusted to say where a request comes from.
	_ = engine.SetTrustedProxies(nil) // fails on a malformed list only

	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	mount := &Mount{
		Router:   engine,
		Health:   &Health{},
		Metrics:  registry,
		Log:      log,
		stopping: make(chan struct{}),
	}
	engine.Use(withRequestID, withSecureHeaders(), withLog(log), withMetrics(registry), withRecovery(log), withBodyLimit(maxBody))
	engine.NoMethod(func(c *gin.Context) {
		Problem(c, http.StatusMethodNotAllowed, "method_not_allowed", "This address does not take "+knownMethod(c.Request.Method)+" requests.", nil)
	})
	engine.GET("/healthz", serveHealth)
	engine.GET("/readyz", serveReady(mount.Health, mount.stopping))
	engine.GET("/metrics", gin.WrapH(promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})))
	return engine, mount
}

// noRoute answers what no route matches: with the app where there is one, and
// always with a problem below the API's paths.
func noRoute(mount *Mount) gin.HandlerFunc {
	return func(c *gin.Context) {
		read := c.Request.Method == http.MethodGet || c.Request.Method == http.MethodHead
		if mount.fallback != nil && read && !isAPI(c.Request.URL.Path) {
			// gin has set 404 here; the app decides.
			c.Status(http.StatusOK)
			mount.fallback(c)
			return
		}
		Problem(c, http.StatusNotFound, "not_found", "There is nothing at this address.", nil)
	}
}

// isAPI tells whether programs rather than browsers use a path.
func isAPI(path string) bool {
	return strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/api/")
}
