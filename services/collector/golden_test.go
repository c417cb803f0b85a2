package collector_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"plumbline/pkg/bus"
	"plumbline/pkg/waves"
)

// What stands on the topic for the typical example of every kind, byte by byte: other programs read it, and a change of
// a hash would make duplicates of everything that is sent again. Only the receive id differs from run to run.
func TestMessagesOnTheTopic(t *testing.T) {
	s := serve(t, config(t))
	// A wave of the survey draws its secret when it opens: here it is given one, so that its answers are the same in each run.
	secret := bytes.Repeat([]byte("s"), 32)
	opening, err := waves.Opening("default", "2026-q4", secret, now())
	if err != nil {
		t.Fatal(err)
	}
	producer := bus.NewProducer(s.cfg.Bus, bus.Waves)
	if _, err := producer.Produce(t.Context(), []bus.Message{opening}); err != nil {
		t.Fatal(err)
	}
	if err := producer.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../schemas/events/testdata/*/valid-typical.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	var events []string
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, string(raw))
	}
	if a := s.post(t, batched, batch(events...)); a.Accepted != len(files) {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	var texts []string
	for _, m := range topic(t, s.cfg.Bus, bus.Events, len(files)) {
		var b strings.Builder
		fmt.Fprintf(&b, "key %x\n", m.Key)
		for _, h := range m.Headers {
			switch h.Key {
			case "plumbline_receive":
				if len(h.Value) != 36 || h.Value[14] != '7' {
					t.Errorf("receive id %q is no UUID v7", h.Value)
				}
			case "plumbline_payload":
				fmt.Fprintf(&b, "%s %x\n", h.Key, h.Value)
			default:
				fmt.Fprintf(&b, "%s %s\n", h.Key, h.Value)
			}
		}
		fmt.Fprintf(&b, "%s\n", m.Value)
		texts = append(texts, b.String())
	}
	slices.Sort(texts)
	golden(t, "testdata/messages.golden", strings.Join(texts, "\n"))
}

// golden compares with a file; what was got is written beside it.
func golden(t *testing.T, file, got string) {
	t.Helper()
	want, err := os.ReadFile(file)
	if err == nil && bytes.Equal(want, []byte(got)) {
		return
	}
	if err := os.WriteFile(file+".got", []byte(got), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Errorf("%s differs, see %s.got", file, file)
}
