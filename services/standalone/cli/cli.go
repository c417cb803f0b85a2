// Package cli is the plumbline command: what is typed, what is printed, and with which code it ends. Everything that
// it does is done by other packages; it holds no rule of the product.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/alecthomas/kong"
	"github.com/mattn/go-isatty"

	"plumbline/pkg/process"
)

// The exit codes.
const (
	exitOK     = process.ExitOK
	exitFailed = process.ExitFailed
	exitUsage  = process.ExitUsage
)

// Streams are where the command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
	// Env looks up an environment variable; Environ lists all as NAME=value.
	Env     func(string) (string, bool)
	Environ func() []string
	// Terminal says that Err is a terminal: progress bars and colours only there.
	Terminal bool
}

// Standard are the streams of the process.
func Standard() Streams {
	return Streams{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Env: os.LookupEnv, Environ: os.Environ,
		Terminal: isatty.IsTerminal(os.Stderr.Fd()) && os.Getenv("TERM") != "dumb",
	}
}

// commands is the command line.
type commands struct {
	Up        upCommand        `cmd:"" help:"Start everything on this machine: engines, collector, loader, scorecard."`
	Demo      demoCommand      `cmd:"" help:"Invent a demo organisation with a known truth and load it, or print its events."`
	Import    importCommand    `cmd:"" help:"Import files (CSV, NDJSON) as events, by a mapping."`
	Log       logCommand       `cmd:"" help:"Log an outcome of yours, see what it adds, or withdraw it."`
	Event     eventCommand     `cmd:"" help:"Say where an event is: queued, loaded, duplicate, rejected."`
	Tail      tailCommand      `cmd:"" help:"Show events and rejects as they come in."`
	Rejects   rejectsCommand   `cmd:"" help:"Show what was not taken, and why."`
	Replay    replayCommand    `cmd:"" help:"Send rejects again, with a fix or as they are; a dry run first."`
	Scorecard scorecardCommand `cmd:"" help:"Print the measures of the scorecard."`
	Digest    digestCommand    `cmd:"" help:"Print the digest of a scope as HTML or text."`
	Export    exportCommand    `cmd:"" help:"Write a table of the scorecard as CSV."`
	Explain   explainCommand   `cmd:"" help:"Say what a measure means: unit, formula, how it adds up."`
	Erase     eraseCommand     `cmd:"" help:"Take a person out of everything, for good; the totals stay."`
	Audit     auditCommand     `cmd:"" help:"Show who has read evidence and who has changed what."`
	Keys      keysCommand      `cmd:"" help:"Show the keys of a data folder; make, list, rotate and revoke API keys."`
	Waves     wavesCommand     `cmd:"" help:"Show the waves of the survey; open and close them."`
	Backup    backupCommand    `cmd:"" help:"Copy an installation with embedded engines into one file, running or not."`
	Restore   restoreCommand   `cmd:"" help:"Make a new data folder of a backup."`
	Migrate   migrateCommand   `cmd:"" help:"Bring the schema of a ClickHouse up to date."`
	Bench     benchCommand     `cmd:"" help:"Measure this machine: ingest, loader, freshness, scorecard."`
	Version   versionCommand   `cmd:"" help:"Print the version."`
}

// usage is an error in what was typed: exit code 2.
func usage(format string, args ...any) error {
	return &process.UsageError{Err: fmt.Errorf(format, args...)}
}

// exited carries the code with which kong wants to exit, after --help.
type exited int

// Main runs the command line and returns the exit code.
func Main(ctx context.Context, args []string, s Streams) (code int) {
	defer func() {
		if e := recover(); e != nil {
			c, ok := e.(exited)
			if !ok {
				panic(e)
			}
			code = int(c)
		}
	}()
	if isUp(args) {
		return s.report(runUp(ctx, args[1:], s))
	}
	var c commands
	parser, err := kong.New(&c,
		kong.Name("plumbline"),
		kong.Description("One true account of what AI is worth, the same at the top of the organisation and at the bottom."),
		kong.Writers(s.Out, s.Err),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(s),
	)
	if err != nil {
		_, _ = fmt.Fprintln(s.Err, "plumbline:", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	k, err := parser.Parse(args)
	if err != nil {
		_, _ = fmt.Fprintf(s.Err, "plumbline: %v\nTry plumbline --help, or plumbline COMMAND --help.\n", err)
		return exitUsage
	}
	return s.report(k.Run())
}

// report prints an error and chooses the code.
func (s Streams) report(err error) int {
	switch {
	case err == nil, errors.Is(err, process.ErrDone):
		return exitOK
	case errors.Is(err, errSilent):
		return exitFailed
	}
	var wrong *process.UsageError
	if errors.As(err, &wrong) {
		_, _ = fmt.Fprintf(s.Err, "plumbline: %v\n", wrong)
		return exitUsage
	}
	_, _ = fmt.Fprintf(s.Err, "%s %v\n", s.paint("31", "plumbline:"), err)
	return exitFailed
}

// errSilent ends with code 1 after everything was said.
var errSilent = errors.New("failed")

// paint colours a text, on a terminal only.
func (s Streams) paint(colour, text string) string {
	if _, no := s.Env("NO_COLOR"); !s.Terminal || no {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

func (s Streams) printf(format string, args ...any) { _, _ = fmt.Fprintf(s.Out, format, args...) }
func (s Streams) note(format string, args ...any)   { _, _ = fmt.Fprintf(s.Err, format, args...) }
