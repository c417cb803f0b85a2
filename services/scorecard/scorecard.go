// Package scorecard answers what AI is worth: the HTTP API that reads the rollups, the registry's writes, and the web
// app. Every answer is computed from one snapshot of the rollups and one state of the registry, for one viewer, under
// the privacy floor.
//
// It stores nothing: events come in through the collector, and a write to the registry travels through Kafka and the
// loader like any fact. What a number means stands in package metric; here it is asked for, dressed and written.
package scorecard

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"os"
	"runtime"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/keyring"
	"plumbline/pkg/process"
	"plumbline/pkg/tail"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/waves"
	"plumbline/pkg/webhook"
	"plumbline/services/scorecard/alerts"
	"plumbline/services/scorecard/daily"
	"plumbline/services/scorecard/mail"
	"plumbline/services/scorecard/signin"
)

// Config is what a scorecard needs. Zero values are the defaults.
type Config struct {
	// Listen is the address of a scorecard that runs alone.
	Listen    string            `name:"listen" default:"127.0.0.1:8080" help:"address to listen on, host:port"`
	TLS       process.TLSConfig `name:"tls"`
	Log       process.LogConfig `name:"log"`
	Bus       bus.Config        `name:"kafka"`
	Warehouse warehouse.Config  `name:"clickhouse"`
	Secret    event.Secret      `name:"secret" required:"true" help:"key of the hashes of persons, the same as the collector's; at least 32 characters"`
	// AdminToken is taken as Bearer and makes the caller an admin of the workspace.
	AdminToken string `name:"admin-token" help:"bearer token of the administrator"`
	Workspace  string `name:"workspace" default:"default" help:"the workspace that is shown"`
	// Demo lets a visitor from this machine read the workspace without signing in, as a leader.
	Demo bool `name:"demo" help:"show the workspace, which holds the demo organisation, to visitors from this machine"`
	// DemoPersonas lets them also sign in as somebody of that organisation, the administrator included. DemoPerson is the
	// id of the individual contributor among them.
	DemoPersonas bool   `name:"demo-personas" help:"with --demo, let visitors from this machine sign in as a leader, IC, analyst or administrator of the demo organisation"`
	DemoPerson   string `name:"demo-person" default:"content-1@demo.example" help:"who the IC of the demo organisation is"`
	// URL is where people reach the scorecard. With https the cookies of sessions are for TLS only.
	URL  string        `name:"url" help:"public address of the scorecard, such as https://plumbline.example.com"`
	OIDC signin.Config `name:"oidc"`
	// SessionIdle and SessionLife are how long a browser stays signed in.
	SessionIdle time.Duration `name:"session-idle" default:"12h" help:"how long a browser stays signed in without use"`
	SessionLife time.Duration `name:"session-life" default:"720h" help:"how long a browser stays signed in however much it is used"`
	// WriteTimeout is how long a write to the registry waits until it is readable.
	WriteTimeout time.Duration `name:"write-timeout" default:"10s" help:"how long a registry write waits until it is readable"`
	// Webhook says where alerts may be sent, Mail by which server digests are. AlertsEvery is how often each alert is looked at.
	Webhook     webhook.Config `name:"webhook"`
	Mail        mail.Config    `name:"smtp"`
	AlertsEvery time.Duration  `name:"alerts-every" default:"1m" help:"how often each alert is looked at"`
	// Version is shown in the session.
	Version string
	// SignIns are the one-time links that the starter of the service has given out; nil means none.
	SignIns *access.SignIns
	// Now is the clock; nil is the real one.
	Now func() time.Time
}

func (c Config) withDefaults() Config {
	if c.Workspace == "" {
		c.Workspace = "default"
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = 10 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Version == "" {
		c.Version = "development"
	}
	if c.DemoPerson == "" {
		c.DemoPerson = "content-1@demo.example"
	}
	if c.SignIns == nil {
		c.SignIns = access.NewSignIns(c.Now, time.Hour)
	}
	return c
}

// Validate reports everything that is wrong with the config.
func (c Config) Validate() error {
	errs := []error{c.Bus.Validate(), c.Warehouse.Validate(), c.TLS.Validate()}
	if len(c.Secret) < event.MinSecret {
		errs = append(errs, fmt.Errorf("secret: give at least %d bytes", event.MinSecret))
	}
	if c.AdminToken != "" && len(c.AdminToken) < 16 {
		errs = append(errs, errors.New("admin token: give at least 16 characters"))
	}
	if c.SessionIdle < 0 || c.SessionLife < 0 {
		errs = append(errs, errors.New("session idle, session life: give a time such as 12h"))
	}
	if c.AlertsEvery < 0 {
		errs = append(errs, errors.New("alerts every: give a time such as 1m"))
	}
	errs = append(errs, signin.ValidPublic(c.URL), c.OIDC.Validate(c.URL), c.Webhook.Validate(), c.Mail.Validate())
	return errors.Join(errs...)
}

// app is a running scorecard.
type app struct {
	cfg      Config
	db       *warehouse.DB
	registry *registryCache
	// days keeps rows of rollups between requests.
	days     *daily.Store
	producer *bus.Producer
	sealer   *event.Sealer
	admin    access.Token
	sessions *access.Sessions
	// attempts count the secrets that were none of ours.
	attempts *access.Attempts
	// desk is where people sign in with their identity provider; nil without one.
	desk *signin.Desk
	// signIns counts how tries to sign in end.
	signIns    *prometheus.CounterVec
	signInPage *template.Template
	log        *slog.Logger
	now        func() time.Time
	openapi    openapi
	// audit records who reads evidence and who changes what.
	audit *auditLog
	// replays sends rejects again.
	replays *replayDesk
	// outcomes sends what people log in the app.
	outcomes *outcomeDesk
	tail     *tail.Tail
	// keys are the API keys of the installation; they also tell which sessions were ended at other scorecards.
	keys *keyring.Keyring
	// waves are those of the survey.
	waves *waves.Book
	// started is when this process began to read them, by the real clock.
	started time.Time
	// alerts looks after alerts and digests, sender sends to webhooks.
	alerts *alerts.Desk
	sender *webhook.Sender
	// writing serialises the writes of an entry, so that If-Match is compared with what is there.
	writing entryLocks
}

// Run registers the scorecard on the mount. Where mount is nil it serves on an address of its own until ctx ends.
func Run(ctx context.Context, cfg Config, mount *process.Mount) error {
	if mount == nil {
		log := process.NewLogger(os.Stderr, cfg.Log)
		return process.Server{
			Addr: cfg.Listen, Log: log, TLS: cfg.TLS,
			Ready: func(addr string) { log.InfoContext(ctx, "scorecard listens", "address", addr) },
		}.Run(ctx, func(m *process.Mount) error { return Run(ctx, cfg, m) })
	}
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("scorecard: %w", err)
	}
	cfg = cfg.withDefaults()
	db, err := warehouse.Await(ctx, cfg.Warehouse, mount.Log.With("service", "scorecard"))
	if err != nil {
		return fmt.Errorf("scorecard: %w", err)
	}
	mount.OnStop("warehouse of the scorecard", func(context.Context) error { return db.Close() })
	a := &app{
		cfg: cfg, db: db, registry: newRegistryCache(db), days: daily.New(db, cfg.Now, daily.DefaultLimits()), producer: bus.NewProducer(cfg.Bus, bus.Registry),
		sealer: event.NewSealer(cfg.Secret), admin: access.NewToken(cfg.AdminToken),
		sessions: access.NewSessions(cfg.Secret, cfg.Now, access.Lifetimes{Idle: cfg.SessionIdle, Absolute: cfg.SessionLife}),
		attempts: access.NewAttempts(cfg.Now), started: time.Now(), log: mount.Log.With("service", "scorecard"), now: cfg.Now,
	}
	a.audit = newAuditLog(cfg, mount.Metrics, a.log)
	mount.OnStop("audit log of the scorecard", func(context.Context) error { return a.audit.producer.Close() })
	if err := a.openSignIn(mount); err != nil {
		return err
	}
	a.keys = keyring.New(keyring.Config{
		Bus: cfg.Bus, Service: "scorecard", Sessions: a.sessions.Revocations(), Now: cfg.Now, Metrics: mount.Metrics, Log: a.log,
	})
	a.waves = waves.New(waves.Config{Bus: cfg.Bus, Service: "scorecard", Now: cfg.Now, Metrics: mount.Metrics, Log: a.log})
	a.sealer = a.sealer.With(a.waves)
	// Reading numbers needs no broker: only who comes with an API key waits for it, and what is recorded in the audit log.
	mount.Go("topics, keys and waves of the scorecard", func(ctx context.Context) error {
		if err := bus.Await(ctx, cfg.Bus, a.log); err != nil {
			return err
		}
		group, ctx := errgroup.WithContext(ctx)
		group.Go(func() error { return a.keys.Run(ctx) })
		group.Go(func() error { return a.waves.Run(ctx) })
		return group.Wait()
	})
	mount.OnStop("keys of the scorecard", func(context.Context) error { return errors.Join(a.keys.Close(), a.waves.Shut()) })
	if err := a.openOutgoing(mount); err != nil {
		return err
	}
	a.replays, a.tail = newReplayDesk(cfg.Bus, cfg.Now), newTail(cfg, mount)
	a.outcomes = newOutcomeDesk(cfg.Bus, cfg.Now)
	mount.OnStop("outcomes of the scorecard", func(context.Context) error { return a.outcomes.events.Close() })
	mount.OnStop("tail of the scorecard", func(context.Context) error { a.tail.Close(); return nil })
	mount.OnStop("replays of the scorecard", func(context.Context) error { return a.replays.close() })
	mount.OnStop("producer of the scorecard", func(context.Context) error { return a.producer.Close() })
	mount.Health.Add("scorecard warehouse", db.Ping)
	if a.openapi, err = readOpenAPI(); err != nil {
		return fmt.Errorf("scorecard: %w", err)
	}
	return a.routes(mount)
}

// routes puts the API and the app on the mount.
func (a *app) routes(mount *process.Mount) error {
	api := mount.Router.Group("/api/v1", a.authenticate)
	// What computes; writes mostly wait, and the stream of the tail stays open.
	computing := api.Group("", process.NewGate(placesAtATime(), placesEach, placeWait, mount.Metrics, "plumbline_scorecard_turned_away_total").Handler(askerOf))
	a.reads(computing)
	api.GET("/tail", a.getTail)
	computing.POST("/what-if", process.MaxBody(maxEntry), a.answer(a.postWhatIf))
	api.POST("/erasures", a.recorded(audit.PersonErase), process.MaxBody(maxEntry), a.answer(a.postErasure))
	api.PUT("/registry/:kind/*key", a.recorded(audit.RegistryWrite), process.MaxBody(maxEntry), a.answer(a.putRegistryEntry))
	api.DELETE("/registry/:kind/*key", a.recorded(audit.RegistryWrite), a.answer(a.deleteRegistryEntry))
	api.POST("/alerts/:key/test", a.recorded(audit.AlertTest), process.MaxBody(maxEntry), a.answer(a.postAlertTest))
	api.GET("/keys", a.manage(a.getKeys))
	api.POST("/keys", a.recorded(audit.KeyCreate), process.MaxBody(maxEntry), a.manage(a.postKey))
	api.POST("/keys/:id/rotate", a.recorded(audit.KeyRotate), process.MaxBody(maxEntry), a.manage(a.rotateKey))
	api.DELETE("/keys/:id", a.recorded(audit.KeyRevoke), a.manage(a.deleteKey))
	api.GET("/waves", a.plainly(a.getWaves))
	api.PUT("/waves/*key", a.recorded(audit.WaveWrite), process.MaxBody(maxEntry), a.plainly(a.putWave))
	// Not the reject of that name.
	api.GET("/rejects/replay", func(c *gin.Context) {
		c.Header("Allow", http.MethodPost)
		process.Problem(c, http.StatusMethodNotAllowed, "method_not_allowed", "Send a replay with POST.", nil)
	})
	a.outcomeRoutes(api, computing)
	a.barrierRoutes(api)
	a.disputeRoutes(api, computing)
	a.annotationRoutes(api, computing)
	api.POST("/rejects/replay", a.recorded(audit.RejectReplay), process.MaxBody(maxReplayBody), a.answer(a.postReplay))
	mount.Router.GET("/api/openapi.json", a.openapi.serveJSON)
	mount.Router.GET("/api/docs", a.openapi.serveDocs)
	a.signInRoutes(mount.Router)
	site, err := newSite()
	if err != nil {
		return fmt.Errorf("scorecard: %w", err)
	}
	mount.Fallback(site.serve)
	return nil
}

// reads are the questions that only read; who asks the last ones is in the audit log.
func (a *app) reads(computing gin.IRouter) {
	for path, handler := range map[string]handlerFunc{
		"/session":             a.getSession,
		"/scorecard":           a.getScorecard,
		"/metrics":             a.getMetrics,
		"/openmetrics":         a.getOpenMetrics,
		"/claims/:id":          a.getClaim,
		"/experiments":         a.getExperiments,
		"/experiments/*key":    a.getExperiment,
		"/trials":              a.getTrials,
		"/trials/*key":         a.getTrial,
		"/pipeline":            a.getPipeline,
		"/coverage":            a.getCoverage,
		"/barriers":            a.getBarriers,
		"/workflows":           a.getWorkflows,
		"/perception":          a.getPerception,
		"/rejects":             a.getRejects,
		"/rejects/summary":     a.getRejectSummary,
		"/registry/:kind":      a.getRegistryList,
		"/registry/:kind/*key": a.getRegistryEntry,
		"/erasures":            a.getErasures,
		"/erasures/:id":        a.getErasure,
		"/alerts":              a.getAlerts,
		"/digest":              a.getDigest,
	} {
		computing.GET(path, a.answer(handler))
	}
	for path, read := range map[string]struct {
		action  string
		handler handlerFunc
	}{
		"/evidence":    {audit.EvidenceRead, a.getEvidence},
		"/export":      {audit.WorkspaceExport, a.getExport},
		"/rejects/:id": {audit.RejectRead, a.getReject},
		"/audit":       {audit.AuditRead, a.getAudit},

		"/webhooks/:key/secret":    {audit.WebhookSecretRead, a.getWebhookSecret},
		"/connections/:key/secret": {audit.WebhookSecretRead, a.getConnectionSecret},
	} {
		computing.GET(path, a.recorded(read.action), a.answer(read.handler))
	}
}

const (
	// placesEach is how many requests one viewer may have under way: a page sends fewer than ten at once.
	placesEach = 32
	// placeWait is how long a request waits for a place.
	placeWait = 15 * time.Second
)

// placesAtATime is how many requests are computed at a time: enough to keep the machine and the warehouse busy.
func placesAtATime() int { return max(8, 4*runtime.GOMAXPROCS(0)) }

// askerOf names who asks, for the count of their requests: a person, or else a role from an address.
func askerOf(c *gin.Context) string {
	v := viewerOf(c)
	if v.Person != "" {
		return "person " + v.Person
	}
	return string(v.Role) + " " + c.RemoteIP()
}

// handlerFunc answers a request from a view, or says why it cannot.
type handlerFunc func(c *gin.Context, v *view) error

// answer takes the view of the request's viewer and hands both to the handler.
func (a *app) answer(handler handlerFunc) gin.HandlerFunc {
	return func(c *gin.Context) {
		v, err := a.look(c, viewerOf(c))
		if err == nil {
			v.key = c.GetString(keyIDKey)
			err = handler(c, v)
		}
		if err != nil {
			a.fail(c, err)
		}
	}
}
