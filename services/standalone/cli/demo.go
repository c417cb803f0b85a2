package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/event"
	"plumbline/services/standalone"
	"plumbline/services/standalone/demo"
)

// demoCommand loads a demo organisation or prints it.
type demoCommand struct {
	Seed  uint64  `default:"1" help:"Seed of everything that is drawn."`
	Size  float64 `default:"1" help:"Multiplies people, deals and exposures; 1 is about 70 people and 3,500 events."`
	Days  int     `default:"180" help:"Days of history."`
	Until string  `placeholder:"TIME" help:"End of the history, RFC 3339 or YYYY-MM-DD; default now."`
	Print bool    `help:"Print the events as NDJSON of CloudEvents and load nothing."`
	Truth bool    `help:"Print the planted truth of the last 90 days as JSON and load nothing."`
	remote
	Token string `placeholder:"TOKEN" help:"Admin token (or PLUMBLINE_ADMIN_TOKEN; else that of the data folder)."`
}

// Help shows examples.
func (demoCommand) Help() string {
	return `The same seed, size, days and end give the same events: loading them twice changes nothing. Load it into a server that
has nothing else: it declares people, workflows and rates of its own.

Examples:
  plumbline demo --seed 7
  plumbline demo --size 10 --days 720 --until 2026-11-01
  plumbline demo --print | head -3
  plumbline demo --print --size 0.5 > events.ndjson && plumbline import --mapping cloudevents events.ndjson
  plumbline demo --truth`
}

// Run loads or prints.
func (c *demoCommand) Run(ctx context.Context, s Streams) error {
	until := time.Now()
	if c.Until != "" {
		day, dayErr := event.ParseDay(c.Until)
		t, timeErr := event.ParseTime(c.Until)
		switch {
		case dayErr == nil:
			until = day.Time
		case timeErr == nil:
			until = t.Time
		default:
			return usage("--until: %w", timeErr)
		}
	}
	if c.Size <= 0 || c.Size > 10_000 || c.Days < 1 || c.Days > 20_000 {
		return usage("--size must lie above 0 and up to 10,000, --days between 1 and 20,000")
	}
	o := demo.New(demo.Config{Seed: c.Seed, Size: c.Size, Days: c.Days, Until: until})
	switch {
	case c.Truth:
		raw, err := json.Marshal(o.Truth(o.Until().AddDate(0, 0, -90), o.Until()), json.Deterministic(true))
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		s.printf("%s\n", raw)
		return nil
	case c.Print:
		return printEvents(s, o)
	}
	return c.load(ctx, s, o)
}

func (c *demoCommand) load(ctx context.Context, s Streams, o *demo.Organisation) error {
	url, err := c.address(s)
	if err != nil {
		return err
	}
	key, err := c.writeKey(s)
	if err != nil {
		return err
	}
	token, err := admin{Token: c.Token, Data: c.Data}.adminToken(s)
	if err != nil {
		return err
	}
	bar := newProgress(s, "demo organisation", -1)
	done, err := standalone.LoadDemo(ctx, o, standalone.Server{URL: url, WriteKey: key, AdminToken: token}, bar.rows)
	bar.finish()
	if err != nil {
		return err
	}
	s.printf("%s registry entries, %s events: %s loaded, %s duplicate\n", grouped(done.Entries), grouped(done.Events), grouped(done.Loaded), grouped(done.Duplicate))
	return nil
}

func printEvents(s Streams, o *demo.Organisation) error {
	out := bufio.NewWriterSize(s.Out, 64<<10)
	for e := range o.Events() {
		raw, err := e.Structured()
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		if _, err := out.Write(append(raw, '\n')); err != nil {
			return errors.New("the output was closed")
		}
	}
	return out.Flush()
}
