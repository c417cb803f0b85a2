// Plumbline is the whole system in one command: see plumbline --help.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"plumbline/pkg/embedded"
	"plumbline/services/standalone/cli"
	"plumbline/services/standalone/parts"
)

func main() {
	// The database is a child process of this same binary, and so is each part that runs on its own.
	embedded.Child()
	parts.Child()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(cli.Main(ctx, os.Args[1:], cli.Standard()))
}
