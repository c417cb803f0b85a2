package parts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/embedded"
	"plumbline/pkg/process"
	"plumbline/services/collector"
	"plumbline/services/loader"
	"plumbline/services/scorecard"
)

// serve runs a service on an address of its own.
func serve(ctx context.Context, listen string, log process.LogConfig, out io.Writer, register func(*process.Mount) error) error {
	return process.Server{
		Addr: listen, Log: process.NewLogger(os.Stderr, log),
		Ready: func(addr string) { _, _ = fmt.Fprintln(out, "ready", addr) },
	}.Run(ctx, register)
}

// collectorPart is a collector that may have keys of several workspaces.
type collectorPart struct {
	Parent
	collector.Config
	WorkspaceKeys []string `name:"workspace-keys" help:"further write keys as WORKSPACE=KEY, by comma"`
}

func runCollector(ctx context.Context, args []string, out io.Writer) error {
	var cfg collectorPart
	if err := process.Load(&cfg, args); err != nil {
		return err
	}
	for _, pair := range cfg.WorkspaceKeys {
		workspace, text, ok := strings.Cut(pair, "=")
		if !ok {
			return &process.UsageError{Err: errors.New("--workspace-keys: write WORKSPACE=KEY")}
		}
		key, err := access.PlainKey(text, workspace)
		if err != nil {
			return fmt.Errorf("key of workspace %s: %w", workspace, err)
		}
		cfg.Keys = append(cfg.Keys, key)
	}
	cfg.watch()
	collector.Memory().Tune()
	return serve(ctx, cfg.Listen, cfg.Log, out, func(m *process.Mount) error { return collector.Run(ctx, cfg.Config, m) })
}

// loaderPart is a loader.
type loaderPart struct {
	Parent
	loader.Config
	// Pause is no setting of the product: nobody but a test knows that its loaders and readers are quicker.
	Pause time.Duration `name:"erase-pause" help:"loader.Config.ErasePause"`
}

func runLoader(ctx context.Context, args []string, out io.Writer) error {
	var cfg loaderPart
	if err := process.Load(&cfg, args); err != nil {
		return err
	}
	cfg.ErasePause = cfg.Pause
	cfg.watch()
	loader.Memory().Tune()
	return serve(ctx, cfg.Listen, cfg.Log, out, func(m *process.Mount) error { return loader.Run(ctx, cfg.Config, m) })
}

// scorecardPart is a scorecard.
type scorecardPart struct {
	Parent
	scorecard.Config
}

func runScorecard(ctx context.Context, args []string, out io.Writer) error {
	var cfg scorecardPart
	if err := process.Load(&cfg, args); err != nil {
		return err
	}
	cfg.watch()
	return serve(ctx, cfg.Listen, cfg.Log, out, func(m *process.Mount) error { return scorecard.Run(ctx, cfg.Config, m) })
}

// brokerPart is an embedded broker.
type brokerPart struct {
	Parent
	Dir  string `name:"dir" required:"true" help:"data folder"`
	Port int    `name:"port" default:"0" help:"port of the Kafka protocol; 0: a free one"`
}

// engineStop is how long an engine may take to stop.
const engineStop = 8 * time.Second

func runBroker(ctx context.Context, args []string, out io.Writer) error {
	var cfg brokerPart
	if err := process.Load(&cfg, args); err != nil {
		return err
	}
	cfg.watch()
	b, err := embedded.StartBroker(ctx, embedded.BrokerConfig{Dir: cfg.Dir, Port: cfg.Port})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "ready", b.Addrs()[0])
	<-ctx.Done()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
	defer cancel()
	return b.Stop(stop)
}

// databasePart is an embedded database.
type databasePart struct {
	Parent
	Dir      string `name:"dir" required:"true" help:"data folder"`
	TCPPort  int    `name:"tcp-port" default:"0" help:"port of the native protocol; 0: a free one"`
	HTTPPort int    `name:"http-port" default:"0" help:"port of the HTTP protocol; 0: a free one"`
}

// runDatabase says its DSN as the address. The engine is a child of this process: whoever pauses or kills the part has
// to do it to both.
func runDatabase(ctx context.Context, args []string, out io.Writer) error {
	var cfg databasePart
	if err := process.Load(&cfg, args); err != nil {
		return err
	}
	cfg.watch()
	db, err := embedded.StartDatabase(ctx, embedded.DatabaseConfig{
		Dir: cfg.Dir, TCPPort: cfg.TCPPort, HTTPPort: cfg.HTTPPort, Stderr: os.Stderr,
	})
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintln(out, "ready", db.DSN(), db.Pid())
	select {
	case <-ctx.Done():
	case <-db.Done():
	}
	ended := db.Err()
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), engineStop)
	defer cancel()
	return errors.Join(ended, db.Stop(stop))
}
