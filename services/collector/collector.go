// Package collector takes events in: it reads them from HTTP in all three modes of CloudEvents, validates and seals
// them, writes them to the log, and answers for each one when the log has it. What it does not take it keeps, with the
// reason, on the topic of rejects.
//
// It stores nothing itself and never asks the warehouse whether an event is new: that is the loader's to know. The
// warehouse is only asked where an event is, and may be away without stopping the intake.
package collector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/keyring"
	"plumbline/pkg/process"
	"plumbline/pkg/tail"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/waves"
)

// The limits of a request; those of one event are in package event.
const (
	// MaxEvents is the most events of a request.
	MaxEvents = 1000
	// MaxBody is the most bytes of a request, unpacked.
	MaxBody = 4 << 20
	// probeLife is how long an answer of readiness, which really writes, is good.
	probeLife = 3 * time.Second
)

// Config is what a collector needs.
type Config struct {
	// Listen is the address of a collector that runs alone.
	Listen    string            `name:"listen" default:"127.0.0.1:8081" help:"address to listen on, host:port"`
	TLS       process.TLSConfig `name:"tls"`
	Log       process.LogConfig `name:"log"`
	Bus       bus.Config        `name:"kafka"`
	Warehouse warehouse.Config  `name:"clickhouse"`
	Secret    event.Secret      `name:"secret" required:"true" help:"key of the hashes of persons and payloads, at least 32 characters; never change it"`
	// WriteKeys are texts of keys for the default workspace; Keys are further ones of any workspace.
	// Without any, only API keys of the installation may send.
	WriteKeys []string `name:"write-key" help:"keys that may send events, by comma, beside the API keys of the installation"`
	Workspace string   `name:"workspace" default:"default" help:"workspace of the write keys"`
	Keys      []access.Key
	// URL is the address that the world calls, which HubSpot signs; HubSpot are the secrets of its apps.
	URL     string     `name:"url" help:"public address of this collector, such as https://plumbline.example.com, which HubSpot signs"`
	HubSpot AppSecrets `name:"hubspot-secret" secret:"true" help:"client secrets of HubSpot apps by comma, SECRET for the connection hubspot or CONNECTION=SECRET"`
	// InboxWorkspaces are those that the inbox may name beside the workspaces of the keys. A name that nobody here knows
	// would make a typing error a number that is silently too small.
	InboxWorkspaces []string `name:"inbox-workspace" help:"further workspaces that messages of the inbox may name, by comma"`
	// MaxInFlightBytes bounds the memory of the requests that are being worked on: their bodies, and what becomes of them.
	// One workspace may take three quarters of it.
	MaxInFlightBytes int64 `name:"max-in-flight-bytes" default:"134217728" help:"most memory of requests at a time, bytes"`
	// ProduceTimeout is how long a request waits for the broker.
	ProduceTimeout time.Duration `name:"produce-timeout" default:"10s" help:"how long a request waits for the broker"`
	// Now is the clock that judges whether an event lies in the future; nil is the real one.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Workspace == "" {
		c.Workspace = "default"
	}
	if c.MaxInFlightBytes == 0 {
		c.MaxInFlightBytes = 128 << 20
	}
	if c.ProduceTimeout == 0 {
		c.ProduceTimeout = 10 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// Validate reports everything that is wrong with the config.
func (c Config) Validate() error {
	d := c.withDefaults()
	errs := []error{d.Bus.Validate(), d.TLS.Validate()}
	if d.Warehouse.DSN != "" { // without one it takes events and can not say where they are
		errs = append(errs, d.Warehouse.Validate())
	}
	if len(d.Secret) < event.MinSecret {
		errs = append(errs, fmt.Errorf("secret: give at least %d bytes", event.MinSecret))
	}
	if d.MaxInFlightBytes < 2*MaxBody {
		errs = append(errs, fmt.Errorf("max in-flight bytes: give at least %d, two requests", 2*MaxBody))
	}
	if d.ProduceTimeout < 0 {
		errs = append(errs, errors.New("produce timeout: it can not be negative"))
	}
	errs = append(errs, d.HubSpot.Validate(d.URL))
	for _, k := range d.Keys {
		if k.Workspace == "" {
			errs = append(errs, fmt.Errorf("key %q: it has no workspace", k.ID))
		}
	}
	return errors.Join(errs...)
}

// keys joins the two forms in which keys are configured.
func (c Config) keys() (*access.Keys, error) {
	all := append([]access.Key(nil), c.Keys...)
	for _, text := range c.WriteKeys {
		k, err := access.PlainKey(text, c.Workspace)
		if err != nil {
			return nil, fmt.Errorf("write key: %w", err)
		}
		all = append(all, k)
	}
	return access.NewKeys(all...), nil
}

// Memory is for a process that is a collector and nothing else: it keeps little (what is in flight) and makes much garbage, so that
// sweeping whenever the heap has doubled costs a good part of its time.
func Memory() process.Memory { return process.Memory{GarbagePercent: 200, Goal: 160 << 20} }

// Run makes sure that the topics are there and registers the collector on the mount. Where mount is nil it serves on
// an address of its own until ctx ends. It waits for the brokers; the warehouse may come later.
func Run(ctx context.Context, cfg Config, mount *process.Mount) error {
	if mount == nil {
		log := process.NewLogger(os.Stderr, cfg.Log)
		return process.Server{
			Addr: cfg.Listen, Log: log, TLS: cfg.TLS,
			Ready: func(addr string) { log.InfoContext(ctx, "collector listens", "address", addr) },
		}.Run(ctx, func(m *process.Mount) error { return Run(ctx, cfg, m) })
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	cfg = cfg.withDefaults()
	keys, err := cfg.keys()
	if err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	if err := bus.Await(ctx, cfg.Bus, mount.Log.With("service", "collector")); err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	return register(cfg, keys, mount)
}

// register wires the collector together.
func register(cfg Config, keys *access.Keys, mount *process.Mount) error {
	m := newMetrics(mount.Metrics)
	events, rejected := bus.NewProducer(cfg.Bus, bus.Events), bus.NewProducer(cfg.Bus, bus.Rejected)
	book := waves.New(waves.Config{
		Bus: cfg.Bus, Service: "collector", Now: cfg.Now, Metrics: mount.Metrics, Log: mount.Log.With("service", "collector"),
	})
	sealing := &seals{sealer: event.NewSealer(cfg.Secret).With(book), waves: book, timeout: cfg.ProduceTimeout, log: mount.Log}
	r := &receiver{
		parser:  event.NewParser(cfg.Now),
		seals:   sealing,
		events:  events,
		rejects: &rejects{producer: rejected, seals: sealing, now: cfg.Now, metrics: m, log: mount.Log},
		flight:  newFlight(cfg.MaxInFlightBytes, m),
		timeout: cfg.ProduceTimeout,
		metrics: m,
		log:     mount.Log,
	}
	where := &tracker{cfg: cfg.Warehouse, finder: bus.NewFinder(cfg.Bus)}
	shelf, err := newShelf()
	if err != nil {
		return fmt.Errorf("collector: %w", err)
	}
	ring := keyring.New(keyring.Config{
		Bus: cfg.Bus, Service: "collector", Now: cfg.Now, Metrics: mount.Metrics, Log: mount.Log.With("service", "collector"),
	})
	door := &doorman{keys, ring, m}
	auth := door.authenticate
	mount.Router.POST("/v1/events", auth, process.MaxBody(MaxBody), r.receive)
	mount.Router.GET("/v1/events", auth, where.one)
	mount.Router.POST("/v1/events/outcomes", auth, r.admit, process.MaxBody(MaxBody), where.many)
	registerCalls(cfg, mount, r, door)
	registerImports(mount, r, door)
	watch := tail.New(tail.Config{
		Bus: cfg.Bus, Service: "collector", Data: true, Stopping: mount.Stopping(), Metrics: mount.Metrics, Log: mount.Log.With("service", "collector"),
	})
	mount.Router.GET("/v1/tail", auth, func(c *gin.Context) { watch.Serve(c, watcherOf(c, ring)) })
	mount.Router.GET("/v1/schemas", shelf.list)
	mount.Router.GET("/v1/schemas/:kind", shelf.one)
	prober := bus.NewProber(cfg.Bus)
	mount.Health.Add("broker", process.Cached(probeLife, prober.Check))
	mount.Health.Add("keys", ring.Ready)
	mount.Health.Add("waves", book.Ready)
	mount.OnStop("collector", func(context.Context) error {
		watch.Close()
		prober.Close()
		return errors.Join(events.Close(), rejected.Close(), ring.Close(), book.Shut(), where.close())
	})
	mount.Go("keys of the collector", ring.Run)
	mount.Go("waves of the survey", book.Run)
	if len(cfg.WriteKeys)+len(cfg.Keys) == 0 {
		mount.Go("look for keys that may send", func(ctx context.Context) error {
			tellIfNobodyMaySend(ctx, ring, mount.Log.With("service", "collector"))
			return nil
		})
	}
	mount.Go("inbox gate", newGate(cfg, mount, sealing, events, rejected).run)
	return nil
}

// watcherOf is who watches, for as long as their key works.
func watcherOf(c *gin.Context, ring *keyring.Keyring) tail.Viewer {
	viewer := viewerOf(keyOf(c))
	if text := c.GetString(keyTextName); text != "" {
		viewer.Still = func(context.Context) bool {
			_, err := ring.Find(text)
			return err == nil
		}
	}
	return viewer
}

// viewerOf is who watches with a write key: it sees what it may send.
func viewerOf(key access.Key) tail.Viewer {
	return tail.Viewer{
		Workspace: key.Workspace, May: func(workspace, source string, kind event.Kind) bool {
			return workspace == key.Workspace && key.MayWrite(source) && key.MayWriteKind(string(kind))
		},
	}
}

// newGate makes the gate of the inbox, which shares the producers with the requests.
func newGate(cfg Config, mount *process.Mount, sealing *seals, events, rejected *bus.Producer) *gate {
	workspaces := map[string]bool{cfg.Workspace: true}
	for _, k := range cfg.Keys {
		workspaces[k.Workspace] = true
	}
	for _, name := range cfg.InboxWorkspaces {
		workspaces[name] = true
	}
	// Services that share a mount each have consumers.
	labelled := prometheus.WrapRegistererWith(prometheus.Labels{"service": "collector"}, mount.Metrics)
	return &gate{
		bus: cfg.Bus, parser: event.NewParser(cfg.Now), seals: sealing,
		events: events, rejects: rejected, home: cfg.Workspace, workspaces: workspaces,
		metrics: newGateMetrics(mount.Metrics), busMetrics: bus.NewMetrics(labelled),
		log: mount.Log.With("service", "collector"),
	}
}
