package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/process"
)

// tailCommand shows events and rejects as they come.
type tailCommand struct {
	Source  []string `placeholder:"SOURCE" help:"Only this source, or a prefix that ends with *; may be repeated."`
	Kind    []string `placeholder:"KIND" help:"Only this kind, such as hours_saved; may be repeated."`
	Outcome []string `placeholder:"OUTCOME" help:"Only accepted, or only rejected."`
	JSON    bool     `name:"json" help:"Print each as a line of JSON."`
	remote
}

// Help shows examples.
func (tailCommand) Help() string {
	return `Shows accepted events and rejects as they come in, from now on, until Ctrl-C. Persons are shown as hashes and free text
is left out. Where the connection breaks it connects again, and says so: what came in between is not shown.

Examples:
  plumbline tail
  plumbline tail --outcome rejected
  plumbline tail --source '/cms*' --kind hours_saved --kind review
  plumbline tail --json | jq .code`
}

const (
	// tailSilence is how long nothing may come, not even a heartbeat, before the connection counts as broken.
	tailSilence   = 35 * time.Second
	tailWaitLeast = 500 * time.Millisecond
	tailWaitMost  = 10 * time.Second
)

// Run prints until ctx ends.
func (c *tailCommand) Run(ctx context.Context, s Streams) error {
	query := url.Values{"source": c.Source, "kind": c.Kind, "outcome": c.Outcome}
	path := "/v1/tail"
	if q := query.Encode(); q != "" {
		path += "?" + q
	}
	for wait := tailWaitLeast; ; wait = min(2*wait, tailWaitMost) {
		opened, err := c.watch(ctx, s, path)
		if ctx.Err() != nil {
			return nil // Ctrl-C is how it ends
		}
		if final := (*finalError)(nil); errors.As(err, &final) {
			return final.err
		}
		if opened {
			wait = tailWaitLeast
		}
		s.note("tail: %v; connecting again, what comes in between is not shown\n", err)
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-timer.C:
		}
	}
}

// finalError is one that trying again does not change.
type finalError struct{ err error }

// Error is the text of the error within.
func (e *finalError) Error() string { return e.err.Error() }

// watch reads one connection to its end; opened tells whether it had begun.
func (c *tailCommand) watch(ctx context.Context, s Streams, path string) (opened bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	// Heartbeats come every ten seconds: where none comes, the other side is gone without a word.
	silence := time.AfterFunc(tailSilence, cancel)
	defer silence.Stop()
	res, err := c.open(ctx, s, path, "text/event-stream")
	if err != nil {
		return false, whereUsage(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
		err := refusedBy(res, raw)
		if res.StatusCode < 500 && res.StatusCode != http.StatusTooManyRequests {
			return false, &finalError{err}
		}
		return false, err
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(make([]byte, 0, 64<<10), 4<<20)
	name := ""
	for lines.Scan() {
		silence.Reset(tailSilence)
		field, value, _ := strings.Cut(lines.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch field {
		case "event":
			name = value
		case "data":
			opened = opened || name == "open"
			if err := c.show(s, name, value); err != nil {
				return opened, err
			}
		}
	}
	if err := lines.Err(); err != nil {
		return opened, fmt.Errorf("the connection broke: %w", err)
	}
	return opened, errors.New("the server has ended the connection")
}

// whereUsage keeps what was typed wrong from being tried again.
func whereUsage(err error) error {
	if wrong := (*process.UsageError)(nil); errors.As(err, &wrong) {
		return &finalError{err}
	}
	return err
}

// tailItem is an event or a reject as the collector shows it.
type tailItem struct {
	Outcome    string                    `json:"outcome"`
	Source     string                    `json:"source"`
	ID         string                    `json:"id"`
	Kind       string                    `json:"kind"`
	Type       string                    `json:"type"`
	ReceivedAt time.Time                 `json:"received_at"`
	At         time.Time                 `json:"at"`
	Data       map[string]jsontext.Value `json:"data"`
	Stage      string                    `json:"stage"`
	Code       string                    `json:"code"`
	Pointer    string                    `json:"pointer"`
	Message    string                    `json:"message"`
	Missed     int64                     `json:"missed"`
}

// show prints one event of the stream.
func (c *tailCommand) show(s Streams, name, data string) error {
	var it tailItem
	if err := json.Unmarshal([]byte(data), &it); err != nil {
		return fmt.Errorf("the server has sent something else than a tail: %w", err)
	}
	switch name {
	case "open":
		s.note("tail: watching\n")
	case "missed":
		s.note("tail: too slow, %d are not shown\n", it.Missed)
	case "accepted", "rejected":
		if c.JSON {
			s.printf("%s\n", data)
			return nil
		}
		it.print(s)
	}
	return nil
}

func (it *tailItem) print(s Streams) {
	const clock = "15:04:05.000"
	if it.Outcome == "rejected" {
		kind := strings.TrimSuffix(strings.TrimPrefix(it.Type, "plumbline."), ".v1")
		s.printf("%s rejected %-13s %s %s: %s", it.At.Local().Format(clock), kind, it.Source, it.ID, it.Code)
		if it.Pointer != "" {
			s.printf(" at %s", it.Pointer)
		}
		s.printf(": %s\n", it.Message)
		return
	}
	s.printf("%s accepted %-13s %s %s", it.ReceivedAt.Local().Format(clock), it.Kind, it.Source, it.ID)
	for _, name := range slices.Sorted(maps.Keys(it.Data)) {
		value := it.Data[name]
		text := string(value)
		if value.Kind() == '"' {
			_ = json.Unmarshal(value, &text)
		}
		s.printf(" %s=%s", name, text)
	}
	s.printf("\n")
}
