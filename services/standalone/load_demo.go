package standalone

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/services/standalone/demo"
)

// Server is a running Plumbline: where it is and how to get in.
type Server struct {
	URL                  string
	WriteKey, AdminToken string
	// HTTP is the client to call it with; nil is [http.DefaultClient].
	HTTP *http.Client
}

func (s Server) client() *http.Client { return cmp.Or(s.HTTP, http.DefaultClient) }

// DemoLoad says what loading a demo organisation did.
type DemoLoad struct {
	// Entries and Events were sent; each event ended as Loaded or Duplicate.
	Entries, Events, Loaded, Duplicate int
}

const (
	// puts is how many registry entries are written at the same time: each waits until it is readable.
	puts = 12
	// putTries is how often an entry is written while the server is busy.
	putTries = 6
	// demoBatch is how many events are sent and waited for together.
	demoBatch = 1_000
	// demoSenders send at the same time: what reaches the loader together is stored in few inserts.
	demoSenders = 6
	// demoPoll is how long to wait before asking again what is loaded.
	demoPoll = 250 * time.Millisecond
	// demoPatience is how long nothing may move.
	demoPatience = 2 * time.Minute
)

// LoadDemo declares and loads an organisation through the public interfaces, as any tool would, and returns when
// every event has ended. The progress function gets the number of events sent so far.
func LoadDemo(ctx context.Context, o *demo.Organisation, s Server, progress func(sent int)) (DemoLoad, error) {
	entries := o.Registry()
	if err := declare(ctx, entries, s); err != nil {
		return DemoLoad{}, fmt.Errorf("declare the demo organisation: %w", err)
	}
	done, err := loadEvents(ctx, o, s, progress)
	done.Entries = len(entries)
	return done, err
}

// loadEvents sends the events of an organisation and waits until every one has ended.
func loadEvents(ctx context.Context, o *demo.Organisation, s Server, progress func(sent int)) (DemoLoad, error) {
	var done DemoLoad
	c, err := client.New(client.Config{URL: s.URL, Key: s.WriteKey, HTTP: s.HTTP})
	if err != nil {
		return done, err
	}
	var mu sync.Mutex // guards done and waiting
	var waiting []client.Ref
	sending, sendCtx := errgroup.WithContext(ctx)
	sending.SetLimit(demoSenders)
	send := func(batch []jsontext.Value, refs []client.Ref) error {
		answers, err := c.SendStructured(sendCtx, batch)
		if err != nil {
			return fmt.Errorf("send the demo organisation: %w", err)
		}
		mu.Lock()
		defer mu.Unlock()
		for i, a := range answers {
			switch a.State {
			case event.Accepted:
				refs[i].Receipt = a.Receipt
				waiting = append(waiting, refs[i])
			case event.Duplicate:
				done.Duplicate++
			default:
				return fmt.Errorf("send the demo organisation: %s was answered %s: %s", refs[i].ID, a.State, a.Message)
			}
		}
		done.Events += len(batch)
		progress(done.Events)
		return nil
	}
	var batch []jsontext.Value
	var refs []client.Ref
	for e := range o.Events() {
		raw, err := e.Structured()
		if err != nil {
			return done, errors.Join(fmt.Errorf("encode: %w", err), sending.Wait())
		}
		batch, refs = append(batch, raw), append(refs, client.Ref{Source: e.Source, ID: e.ID})
		if len(batch) == demoBatch {
			full, named := batch, refs
			sending.Go(func() error { return send(full, named) })
			batch, refs = nil, nil
		}
		if sendCtx.Err() != nil {
			break
		}
	}
	sending.Go(func() error { return send(batch, refs) })
	if err := sending.Wait(); err != nil {
		return done, err
	}
	return done, awaitDemo(ctx, c, waiting, &done)
}

// awaitDemo waits until every accepted event has ended.
func awaitDemo(ctx context.Context, c *client.Client, waiting []client.Ref, done *DemoLoad) error {
	since := time.Now()
	for len(waiting) > 0 {
		// The oldest first; when they are loaded, the others soon are.
		n := min(len(waiting), demoBatch)
		outcomes, err := c.Outcomes(ctx, waiting[:n])
		if err != nil {
			return fmt.Errorf("ask what is loaded: %w", err)
		}
		var left []client.Ref
		for i, o := range outcomes {
			switch o.State {
			case client.Loaded:
				done.Loaded++
			case client.Duplicate:
				done.Duplicate++
			case client.Rejected:
				return fmt.Errorf("load the demo organisation: %s was rejected: %s %s", waiting[i].ID, o.Code, o.Message)
			default:
				left = append(left, waiting[i])
			}
		}
		if len(left) < n {
			since = time.Now()
		}
		waiting = append(left, waiting[n:]...)
		if len(left) == 0 {
			continue
		}
		if time.Since(since) > demoPatience {
			return fmt.Errorf("load the demo organisation: %d events are accepted, but not loaded after %s", len(waiting), demoPatience)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(demoPoll):
		}
	}
	return nil
}

// declare writes registry entries.
func declare(ctx context.Context, entries []demo.Entry, s Server) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(puts)
	for _, e := range entries {
		g.Go(func() error {
			// A server that is behind says so; writing an entry again is harmless.
			for try := 1; ; try++ {
				err := putEntry(ctx, e, s)
				if !errors.Is(err, errBusy) || try == putTries {
					return err
				}
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Duration(try) * time.Second):
				}
			}
		})
	}
	return g.Wait()
}

// errBusy says that the server may take the same later.
var errBusy = errors.New("the server is busy")

// putEntry writes one entry: its members and valid_from in one object.
func putEntry(ctx context.Context, e demo.Entry, s Server) error {
	raw, err := e.JSON()
	if err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	var body map[string]jsontext.Value
	if err := json.Unmarshal(raw, &body); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	body["valid_from"] = jsontext.Value(e.ValidFrom.UTC().Format(`"` + event.TimeForm + `"`))
	if raw, err = json.Marshal(body, json.Deterministic(true)); err != nil {
		return fmt.Errorf("encode: %w", err)
	}
	address := s.URL + "/api/v1/registry/" + string(e.Kind) + "/" + url.PathEscape(e.Key)
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, address, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.AdminToken)
	req.Header.Set("Content-Type", "application/json")
	res, err := s.client().Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusServiceUnavailable {
		return fmt.Errorf("%s/%s: %w", e.Kind, e.Key, errBusy)
	}
	if res.StatusCode >= http.StatusMultipleChoices {
		text, _ := io.ReadAll(io.LimitReader(res.Body, 4<<10))
		return fmt.Errorf("%s/%s was answered %s: %s", e.Kind, e.Key, res.Status, text)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return nil
}
