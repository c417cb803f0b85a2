package standalone

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/services/standalone/demo"
)

// DemoChoice says whether the first start on a data folder loads a demo organisation. Later starts never do: what is
// in a folder is decided once.
type DemoChoice string

// The choices. DemoAuto, the zero value too, loads one where both engines are embedded: invented figures must not get
// into engines of others unasked.
const (
	DemoAuto DemoChoice = "auto"
	DemoYes  DemoChoice = "true"
	DemoNo   DemoChoice = "false"
)

// UnmarshalText reads a choice.
func (d *DemoChoice) UnmarshalText(text []byte) error {
	switch c := DemoChoice(text); c {
	case DemoAuto, DemoYes, DemoNo:
		*d = c
		return nil
	}
	return errors.New("must be true, false or auto")
}

// demoSeed is the seed of the organisation of the first start.
const demoSeed = 1

const demoFile = "demo.json"

// demoMark records in the data folder which demo organisation it has. It is written before the first event, so that a
// start after a crash goes on with the same organisation.
type demoMark struct {
	// None says that there is none and never will be.
	None   bool      `json:"none"`
	Seed   uint64    `json:"seed"`
	Until  time.Time `json:"until"`
	Loaded bool      `json:"loaded"`
}

// decideDemo reads the mark of the folder; at the first start it makes it.
func decideDemo(cfg Config) (demoMark, error) {
	path := filepath.Join(cfg.Data, demoFile)
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		wanted := cfg.Demo == DemoYes || (cfg.Demo != DemoNo && len(cfg.Kafka) == 0 && cfg.ClickHouse == "")
		m := demoMark{None: !wanted}
		if wanted {
			m.Seed, m.Until = demoSeed, cfg.Now().UTC().Truncate(time.Minute)
		}
		if err := writePrivate(path, m); err != nil {
			return m, fmt.Errorf("record the demo organisation: %w", err)
		}
		return m, nil
	}
	var m demoMark
	if err == nil {
		err = json.Unmarshal(raw, &m)
	}
	if err != nil {
		return m, fmt.Errorf("read which demo organisation is loaded (%s): %w", path, err)
	}
	return m, nil
}

// loadDemoOnce loads the organisation of the mark unless it is loaded. Events that a start before has loaded are
// duplicates now.
func (in *installation) loadDemoOnce(ctx context.Context, server Server) error {
	if in.demo.None || in.demo.Loaded {
		return nil
	}
	in.say("loading a demo organisation")
	start := time.Now()
	o := demo.New(demo.Config{Seed: in.demo.Seed, Until: in.demo.Until})
	entries := o.Registry()
	if err := in.declareInLog(ctx, entries); err != nil {
		return fmt.Errorf("declare the demo organisation: %w", err)
	}
	done, err := loadEvents(ctx, o, server, func(int) {})
	if err != nil {
		return err
	}
	if err := awaitComplete(ctx, server, time.Now()); err != nil {
		return err
	}
	in.demo.Loaded = true
	if err := writePrivate(filepath.Join(in.cfg.Data, demoFile), in.demo); err != nil {
		return fmt.Errorf("record the demo organisation: %w", err)
	}
	in.say("loaded a demo organisation: %d registry entries, %d events in %.1f s", len(entries), done.Events, time.Since(start).Seconds())
	return nil
}

// declareInLog writes registry entries straight to their topic, all at once. A PUT through the API answers when the
// entry is readable, which is right for a person and slow for a hundred entries at the first start.
func (in *installation) declareInLog(ctx context.Context, entries []demo.Entry) error {
	sealer, now := event.NewSealer(in.keys.Secret), time.Now().UTC().Truncate(time.Millisecond)
	var messages []bus.Message
	for _, e := range entries {
		value, err := e.JSON()
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		key := e.Key
		if e.Kind == registry.People {
			key = sealer.Person(Workspace, key)
		}
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make entry id: %w", err)
		}
		record := registry.Record{
			Workspace: Workspace, Kind: e.Kind, Key: key, ValidFrom: e.ValidFrom, RecordedAt: now,
			EntryID: id.String(), Value: value, Author: "demo",
		}
		k, v, err := record.Message()
		if err != nil {
			return err
		}
		messages = append(messages, bus.Message{Key: k, Value: v})
	}
	producer := bus.NewProducer(in.bus, bus.Registry)
	_, err := producer.Produce(ctx, messages)
	return errors.Join(err, producer.Close())
}

// awaitComplete waits until everything that was received before t is rolled up, so that whoever opens the scorecard at
// the ready line sees all of it.
func awaitComplete(ctx context.Context, s Server, t time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, demoPatience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/api/v1/session", http.NoBody)
		if err != nil {
			return err
		}
		req.Header.Set("Authorization", "Bearer "+s.AdminToken)
		res, err := s.client().Do(req)
		if err != nil {
			return fmt.Errorf("ask how far the rollups are: %w", err)
		}
		var session struct {
			CompleteThrough *event.Time `json:"complete_through"`
		}
		err = json.UnmarshalRead(res.Body, &session)
		_ = res.Body.Close()
		if err == nil && session.CompleteThrough != nil && session.CompleteThrough.After(t) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the rollups of the demo organisation are not complete: %w", ctx.Err())
		case <-time.After(demoPoll):
		}
	}
}
