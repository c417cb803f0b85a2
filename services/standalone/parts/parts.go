// Package parts runs one part of an installation (collector, loader, scorecard, broker or database) as an operating-system
// process of its own, and lets another process start it, kill it, pause it and start it again on the same data and port.
// It is how tests and measurements get real processes: what runs in them are the Run functions of the services and the
// engines of package embedded, with nothing added.
//
// It does not decide what to start together, and it knows nothing of what travels between the parts.
package parts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"

	"plumbline/pkg/process"
)

// The parts.
const (
	Collector = "collector"
	Loader    = "loader"
	Scorecard = "scorecard"
	Broker    = "broker"
	Database  = "database"
)

// command is the hidden first argument that makes a binary of ours run one part.
const command = "part"

// Child makes this process the part that its arguments name, `part NAME --flags`, and never returns then; else it does
// nothing. Every main and TestMain whose binary is to run parts calls it before it reads its flags, after
// embedded.Child.
func Child() {
	if len(os.Args) < 2 || os.Args[1] != command {
		return
	}
	process.Main(command, func(ctx context.Context) error {
		if len(os.Args) < 3 {
			return usage("")
		}
		return run(ctx, os.Args[2], os.Args[3:], os.Stdout)
	})
}

func usage(name string) error {
	return &process.UsageError{Err: fmt.Errorf("%q is no part: name collector, loader, scorecard, broker or database", name)}
}

// Parent are the settings that every part has beside its own.
type Parent struct {
	WithParent bool `name:"with-parent" help:"end when the standard input is closed, as it is when the parent dies"`
}

// watch ends the process at once when the parent is gone: nobody would stop it then.
func (p Parent) watch() {
	if !p.WithParent {
		return
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(process.ExitFailed)
	}()
}

// run runs a part until ctx ends. Once it can be used it writes one line: "ready", its address, and the ids of further
// processes that belong to it.
func run(ctx context.Context, name string, args []string, out io.Writer) error {
	// A file that has reached the limit of the process must fail to grow, as on a full disk, and not end the process.
	signal.Ignore(syscall.SIGXFSZ)
	switch name {
	case Collector:
		return runCollector(ctx, args, out)
	case Loader:
		return runLoader(ctx, args, out)
	case Scorecard:
		return runScorecard(ctx, args, out)
	case Broker:
		return runBroker(ctx, args, out)
	case Database:
		return runDatabase(ctx, args, out)
	default:
		return usage(name)
	}
}

// FreePort is a TCP port of the loopback address that nobody listens on now.
func FreePort(ctx context.Context) (int, error) {
	var listen net.ListenConfig
	l, err := listen.Listen(ctx, "tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	addr, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		return 0, errors.Join(fmt.Errorf("find a free port: unexpected address %s", l.Addr()), l.Close())
	}
	return addr.Port, l.Close()
}
