package warehouse_test

import (
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/warehouse"
)

// A wrong address is told at once and in clear words, not waited for; and the engine goes on for the others.
func TestWrongAddressFailsAtOnce(t *testing.T) {
	right := embeddedtest.Database(t)
	for name, tt := range map[string]struct {
		change func(*url.URL)
		says   string
	}{
		"wrong password":   {func(u *url.URL) { u.User = url.UserPassword("plumbline", "guess") }, "Authentication failed"},
		"unknown user":     {func(u *url.URL) { u.User = url.UserPassword("nobody", "guess") }, `"nobody"`},
		"unknown database": {func(u *url.URL) { u.Path = "/missing" }, `Database "missing" does not exist`},
	} {
		t.Run(name, func(t *testing.T) {
			u, err := url.Parse(right)
			if err != nil {
				t.Fatal(err)
			}
			tt.change(u)
			cfg := warehouse.Config{DSN: u.String()}
			if _, err := warehouse.Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Open: %v; want an error that says %s", err, tt.says)
			}
			began := time.Now()
			_, err = warehouse.Await(t.Context(), cfg, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Await: %v; want an error that says %s", err, tt.says)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("Await took %s; it has waited", took)
			}
			db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: right})
			if err != nil {
				t.Fatalf("the engine does not answer any more: %v", err)
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}
