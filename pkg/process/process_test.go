package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestExitCode(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tc := range []struct {
		name string
		ctx  context.Context
		err  error
		code int
		says string
	}{
		{"success", t.Context(), nil, 0, ""},
		{"only checked", t.Context(), fmt.Errorf("load: %w", ErrDone), 0, ""},
		{"failure", t.Context(), errors.New("disk full"), 1, "collector: disk full\n"},
		{"usage", t.Context(), fmt.Errorf("load: %w", &UsageError{errors.New("unknown: flag --x")}), 2, "collector: load: unknown: flag --x\n"},
		{"stopped by a signal", ended, fmt.Errorf("read: %w", context.Canceled), 0, ""},
		{"failed while stopping", ended, errors.New("disk full"), 1, "collector: disk full\n"},
		{"cancelled without a signal", t.Context(), context.Canceled, 1, "collector: context canceled\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var stderr strings.Builder
			code := exitCode(tc.ctx, "collector", func(context.Context) error { return tc.err }, &stderr)
			if code != tc.code || stderr.String() != tc.says {
				t.Errorf("code %d, %q; want %d, %q", code, stderr.String(), tc.code, tc.says)
			}
		})
	}
}

func TestNewLogger(t *testing.T) {
	var out strings.Builder
	log := NewLogger(&out, LogConfig{Format: "auto", Level: slog.LevelInfo}) // a builder is no terminal
	log.Debug("hidden")
	log.Info("chunk inserted", "rows", 3)
	if got := out.String(); !strings.HasPrefix(got, "{") || !strings.Contains(got, `"rows":3`) || strings.Contains(got, "hidden") {
		t.Errorf("logged %q; want one line of JSON without the debug line", got)
	}
	out.Reset()
	NewLogger(&out, LogConfig{Format: "text", Level: slog.LevelDebug}).Debug("shown")
	if got := out.String(); !strings.Contains(got, "msg=shown") {
		t.Errorf("logged %q; want text", got)
	}
}
