package process

import (
	"io"
	"log/slog"
	"os"
)

// LogConfig says what is logged and how.
type LogConfig struct {
	// Format is json, text, or auto: text on a terminal, else JSON.
	Format string `name:"format" default:"auto" enum:"auto,json,text" help:"form of the log: auto (text on a terminal), json or text"`
	// Level is the least severe level that is logged.
	Level slog.Level `name:"level" default:"info" help:"least severe level that is logged: debug, info, warn or error"`
}

// NewLogger returns a logger that writes to w.
func NewLogger(w io.Writer, cfg LogConfig) *slog.Logger {
	opts := &slog.HandlerOptions{Level: cfg.Level}
	if cfg.Format == "text" || cfg.Format != "json" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// isTerminal tells whether a person reads w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
