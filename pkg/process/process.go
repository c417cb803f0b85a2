// Package process is what every service's main needs and no service should
// write itself: configuration, logs, signals and exit codes, and an HTTP server
// with health, metrics, limits, error answers and a graceful stop.
//
// A service's main is
//
//	func main() {
//		process.Main("collector", func(ctx context.Context) error {
//			var cfg collector.Config
//			if err := process.Load(&cfg, os.Args[1:]); err != nil {
//				return err
//			}
//			return collector.Run(ctx, cfg, nil)
//		})
//	}
//
// and its Run(ctx, cfg, mount) registers routes, checks and loops on the mount
// that it is given, or, where that is nil, on one of its own from [Serve]. So
// `standalone` runs all services behind one listener.
//
// The package knows nothing of events, Kafka or ClickHouse.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // zones of workspaces, also where the machine has none
)

// The exit codes of all our commands.
const (
	ExitOK     = 0
	ExitFailed = 1
	ExitUsage  = 2 // wrong flags or configuration
)

// ErrDone ends a program with success before it has started its work: the
// configuration was only checked, or help was printed.
var ErrDone = errors.New("done")

// UsageError says that the program was called or configured wrongly.
type UsageError struct{ Err error }

// Error is the text of the error within.
func (e *UsageError) Error() string { return e.Err.Error() }

// Unwrap returns the error within.
func (e *UsageError) Unwrap() error { return e.Err }

// Main runs a program and exits with its code: 0 for nil and ErrDone, 2 for a
// UsageError, else 1. The context of run ends at SIGINT or SIGTERM, whose error
// is then no failure; a second signal ends the process at once. Main never
// returns.
func Main(name string, run func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default action is back, which ends us.
	context.AfterFunc(ctx, stop)
	os.Exit(exitCode(ctx, name, run, os.Stderr))
}

// exitCode runs the program and says on stderr why it failed.
func exitCode(ctx context.Context, name string, run func(ctx context.Context) error, stderr io.Writer) int {
	err := run(ctx)
	stopped := ctx.Err() != nil && errors.Is(err, context.Canceled)
	if err == nil || errors.Is(err, ErrDone) || stopped {
		return ExitOK
	}
	_, _ = fmt.Fprintf(stderr, "%s: %v\n", name, err)
	if usage := (*UsageError)(nil); errors.As(err, &usage) {
		return ExitUsage
	}
	return ExitFailed
}
