// Package standalone is the whole system in one process tree: it starts the embedded engines, or takes the addresses
// of others, and runs collector, loader and scorecard behind one listener. It is wiring: below it nothing knows whether
// an engine is embedded.
package standalone

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/webhook"
	"plumbline/services/collector"
	"plumbline/services/loader"
	"plumbline/services/scorecard/mail"
	"plumbline/services/scorecard/signin"
)

// Config says what to start. Zero values are the defaults of the tags.
type Config struct {
	// Data is the folder that everything of this installation stands in.
	Data string `name:"data" default:"data" help:"data folder, created where missing"`
	// Listen is where everything is served; port 0 is a free one.
	Listen string `name:"listen" default:"127.0.0.1:8080" help:"address to listen on, host:port"`
	// TLS is the certificate that it is served with, if any.
	TLS process.TLSConfig `name:"tls"`
	// Demo says whether a demo organisation is loaded at the first start; see [DemoChoice].
	Demo DemoChoice `name:"demo" default:"auto" help:"load a demo organisation at the first start: true, false, or auto (only with embedded engines)"`
	// Kafka and ClickHouse are the addresses of outside engines; empty ones are embedded, and so is a Kafka of the one word
	// "embedded", which is what the same variable says to the tests.
	Kafka      []string `name:"kafka" help:"Kafka brokers, host:port; none: the embedded broker"`
	ClickHouse string   `name:"clickhouse" help:"ClickHouse, clickhouse://user:password@host:port/database; none: the embedded one"`
	// KafkaSecurity and ClickHouseSecurity are how outside engines are connected to. See ENGINES.md.
	KafkaSecurity      bus.Security       `name:"kafka"`
	ClickHouseSecurity warehouse.Security `name:"clickhouse"`
	// Prefix begins the names of topics and consumer groups, where several installations share brokers.
	Prefix string `name:"kafka-prefix" help:"begins the names of topics and consumer groups; default plumbline"`
	// WriteKey and AdminToken replace those of the data folder.
	WriteKey   string `name:"write-key" help:"key with which tools write events"`
	AdminToken string `name:"admin-token" help:"token of the administrator"`
	// URL is the public address, for links; other commands use the variable to find the server.
	URL string `name:"url" help:"public address of this server, for the links that it prints"`
	// HubSpot are the secrets of HubSpot's apps, with which its calls are signed.
	HubSpot collector.AppSecrets `name:"hubspot-secret" secret:"true" help:"client secrets of HubSpot apps by comma, SECRET for the connection hubspot or CONNECTION=SECRET"`
	// OIDC is the identity provider that people sign in with; without one, with the printed link only.
	OIDC signin.Config `name:"oidc"`
	// SessionIdle and SessionLife are how long a browser stays signed in. The idle time is longer than that of a scorecard
	// alone: who signs in with a link gets another one only by starting again.
	SessionIdle time.Duration `name:"session-idle" default:"168h" help:"how long a browser stays signed in without use"`
	SessionLife time.Duration `name:"session-life" default:"720h" help:"how long a browser stays signed in however much it is used"`
	// Webhook says where alerts may be sent, Mail by which server digests are.
	Webhook     webhook.Config `name:"webhook"`
	Mail        mail.Config    `name:"smtp"`
	AlertsEvery time.Duration  `name:"alerts-every" default:"1m" help:"how often each alert is looked at"`
	// RawRetention is how long raw rows are kept; 0 is for ever.
	RawRetention time.Duration `name:"raw-retention" help:"how long raw rows are kept, such as 9600h (400 days), after which days are sealed; 0 is for ever"`
	// ErasePause shortens the time between the two passes of erasing a person, for tests; see loader.Config.
	ErasePause time.Duration
	// LogLevel is warn by default: on a terminal the progress says what happens.
	LogLevel  slog.Level `name:"log-level" default:"warn" help:"least severe level that is logged: debug, info, warn or error"`
	LogFormat string     `name:"log-format" default:"auto" enum:"auto,json,text" help:"form of the log: auto (text on a terminal), json or text"`

	// Keys are further write keys, of any workspace.
	Keys []access.Key

	// Out gets the progress, the sign-in link and the ready line; Err gets the log. Default: nothing.
	Out, Err io.Writer
	// Ready, if not nil, is called when everything can be used.
	Ready func(Server)
	// Now is the clock that ends the demo organisation's history; default time.Now.
	Now func() time.Time
}

// Workspace is the one workspace of an installation.
const Workspace = "default"

// Validate reports everything that is wrong with the settings.
func (c *Config) Validate() error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("--listen: %q is no host:port", c.Listen))
	}
	for _, b := range c.brokers() {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("--kafka: %q is no host:port", b))
		}
	}
	errs = append(errs, c.validSecurity())
	if c.SessionIdle < 0 || c.SessionLife < 0 {
		errs = append(errs, errors.New("--session-idle, --session-life: give a time such as 12h"))
	}
	errs = append(errs, loader.ValidRetention(c.RawRetention), c.TLS.Validate(), signin.ValidPublic(c.URL), c.OIDC.Validate(c.URL),
		c.Webhook.Validate(), c.Mail.Validate(), c.HubSpot.Validate(c.URL))
	if c.AlertsEvery < 0 {
		errs = append(errs, errors.New("--alerts-every: give a time such as 1m"))
	}
	if c.Data == "" {
		errs = append(errs, errors.New("--data: name a folder"))
	}
	return errors.Join(errs...)
}

// validSecurity reports what is wrong with how outside engines are connected to: the embedded ones need no such thing.
func (c *Config) validSecurity() error {
	var errs []error
	if brokers := c.brokers(); len(brokers) > 0 {
		errs = append(errs, c.KafkaSecurity.Validate(brokers))
	} else if c.KafkaSecurity != (bus.Security{}) {
		errs = append(errs, errors.New("--kafka-tls and what goes with it: it is for outside brokers: name them with --kafka, or leave it out"))
	}
	switch {
	case c.ClickHouse == "" && c.ClickHouseSecurity != (warehouse.Security{}):
		errs = append(errs, errors.New("--clickhouse-tls and what goes with it: it is for an outside ClickHouse: name it with --clickhouse, or leave it out"))
	case c.ClickHouse == "":
	case !strings.HasPrefix(c.ClickHouse, "clickhouse://"):
		errs = append(errs, errors.New("--clickhouse: write clickhouse://user:password@host:port/database"))
	default:
		errs = append(errs, warehouse.Config{DSN: c.ClickHouse, Security: c.ClickHouseSecurity}.Validate())
	}
	return errors.Join(errs...)
}

// brokers are the addresses of an outside Kafka.
func (c *Config) brokers() []string {
	if slices.Equal(c.Kafka, []string{"embedded"}) {
		return nil
	}
	return c.Kafka
}

// Run starts everything and serves until ctx ends. It returns nil after a stop that ctx asked for.
func Run(ctx context.Context, cfg Config) error {
	if cfg.Out == nil {
		cfg.Out = io.Discard
	}
	if cfg.Err == nil {
		cfg.Err = io.Discard
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if err := cfg.Validate(); err != nil {
		return &process.UsageError{Err: err}
	}
	cfg.Kafka = cfg.brokers()
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fmt.Errorf("create data folder: %w", err)
	}
	log := process.NewLogger(cfg.Err, process.LogConfig{Level: cfg.LogLevel, Format: cfg.LogFormat})
	in := &installation{cfg: cfg, log: log, signIns: access.NewSignIns(time.Now, signInLife)}
	engines, err := startEngines(ctx, cfg, in.say)
	if err != nil {
		return err
	}
	in.bus = engines.bus
	err = in.run(ctx, engines)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
	defer cancel()
	return errors.Join(err, engines.stop(stop))
}

const (
	// signInLife is how long the printed link works.
	signInLife = 24 * time.Hour
	// engineStop is how long the engines have to stop.
	engineStop = 8 * time.Second
	// ownTimeout is how long one request of the installation to itself may take.
	ownTimeout = 30 * time.Second
	// startPatience is how long the services may take until they are ready.
	startPatience = 2 * time.Minute
)

// installation is what is running.
type installation struct {
	cfg     Config
	log     *slog.Logger
	signIns *access.SignIns
	keys    Keys
	demo    demoMark
	bus     bus.Config
}

// say prints a line of progress.
func (in *installation) say(format string, args ...any) {
	_, _ = fmt.Fprintf(in.cfg.Out, format+"\n", args...)
}

// run serves until ctx ends or the engines do.
func (in *installation) run(ctx context.Context, e *engines) error {
	var err error
	// After the engines: their lock on the folder is what keeps two starts apart.
	if in.keys, err = ensureKeys(in.cfg.Data, Keys{WriteKey: in.cfg.WriteKey, AdminToken: in.cfg.AdminToken}); err != nil {
		return err
	}
	if in.demo, err = decideDemo(in.cfg); err != nil {
		return err
	}
	in.say("starting collector, loader and scorecard")
	// Where nobody listens, commands on this machine need not look.
	defer func() { _ = os.Remove(filepath.Join(in.cfg.Data, addressFile)) }()
	listening := make(chan string, 1)
	server := process.Server{Addr: in.cfg.Listen, Log: in.log, TLS: in.cfg.TLS, Ready: func(addr string) { listening <- addr }}
	return server.Run(ctx, func(m *process.Mount) error {
		m.Go("embedded engines", e.watch)
		m.Go("get ready", func(ctx context.Context) error {
			select {
			case addr := <-listening:
				return in.getReady(ctx, m.Health, addr)
			case <-ctx.Done():
				return nil
			}
		})
		return in.mount(ctx, e, m)
	})
}

// getReady waits until everything works, loads the demo organisation if it is to be, and says so.
func (in *installation) getReady(ctx context.Context, health *process.Health, addr string) error {
	if err := awaitHealth(ctx, health); err != nil {
		return err
	}
	server := Server{
		URL: localURL(in.cfg.TLS.Scheme(), addr), WriteKey: in.keys.WriteKey, AdminToken: in.keys.AdminToken, HTTP: in.cfg.TLS.Client(ownTimeout),
	}
	if err := in.loadDemoOnce(ctx, server); err != nil {
		if ctx.Err() != nil {
			return nil // stopped meanwhile: the next start goes on
		}
		return err
	}
	if err := os.WriteFile(filepath.Join(in.cfg.Data, addressFile), []byte(server.URL+"\n"), 0o600); err != nil {
		return fmt.Errorf("write address: %w", err)
	}
	public := server.URL
	if in.cfg.URL != "" {
		public = strings.TrimRight(in.cfg.URL, "/")
	}
	token := in.signIns.Issue(access.Viewer{Workspace: Workspace, Role: access.RoleAdmin})
	in.say("sign in  %s/signin?token=%s", public, token)
	in.say("ready %s", server.URL)
	if in.cfg.Ready != nil {
		in.cfg.Ready(server)
	}
	return nil
}

// awaitHealth waits until every check is well.
func awaitHealth(ctx context.Context, health *process.Health) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for {
		var errs []error
		for name, err := range health.Check(ctx) {
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
		if len(errs) == 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("not ready after %s: %w", startPatience, errors.Join(errs...))
			}
			return nil
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// localURL is the address under which this machine reaches a listener: one that listens everywhere is on loopback too.
func localURL(scheme, addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return scheme + "://" + addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
