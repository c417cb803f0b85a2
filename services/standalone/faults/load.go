package faults

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
	"plumbline/pkg/process"
)

// acked is an event that the collector has accepted.
type acked struct {
	shipment
	receipt event.Receipt
	payload event.PayloadHash
	// at is when the client had the answer.
	at time.Time
}

// load sends events from several clients and remembers what was accepted.
type load struct {
	url     string
	sealer  *event.Sealer
	clients map[string]*client.Client
	bare    *http.Client

	mu sync.Mutex
	// sent are the payloads that were ever sent under an identity.
	sent     map[event.Identity]map[event.PayloadHash]bool
	accepted []acked
	events   int
	// refused are events that the collector refused: none should be.
	refused []string
}

// clientTimeout is when a client gives a request up and sends it again.
const clientTimeout = 3 * time.Second

func newLoad(url string) (*load, error) {
	l := &load{
		url: url, sealer: eventtest.NewSealer([]byte(secret)), clients: map[string]*client.Client{},
		bare: &http.Client{Timeout: clientTimeout, Transport: &http.Transport{}}, sent: map[event.Identity]map[event.PayloadHash]bool{},
	}
	for _, ws := range workspaces() {
		c, err := client.New(client.Config{
			URL: url, Key: keyOf(ws), Patience: runTimeout, HTTP: &http.Client{Timeout: clientTimeout, Transport: &http.Transport{}},
		})
		if err != nil {
			return nil, err
		}
		l.clients[ws] = c
	}
	return l, nil
}

// batch is what goes into one request, all of one workspace.
type batch struct {
	at   time.Duration
	way  int
	list []shipment
}

// The ways in which a batch is sent.
const (
	byClient = iota
	byBatch
	byOne // structured or binary, one request for each
	ways
)

// batches draws everything that is sent in a run, spread over the time of the load.
func batches(rng *rand.Rand, events int, over time.Duration) []batch {
	d := &drawing{rng: rng, made: map[string][]shipment{}}
	var out []batch
	open := map[string]*batch{}
	for i := range events {
		s := d.next()
		b := open[s.workspace]
		if b == nil {
			b = &batch{at: over * time.Duration(i) / time.Duration(events), way: rng.IntN(ways)}
			open[s.workspace] = b
		}
		b.list = append(b.list, s)
		most := 1 + rng.IntN(120)
		if b.way == byOne {
			most = 4
		}
		if len(b.list) >= most {
			out = append(out, *b)
			delete(open, s.workspace)
		}
	}
	for _, ws := range workspaces() {
		if b := open[ws]; b != nil {
			out = append(out, *b)
		}
	}
	return out
}

// run sends batches from several clients at once, each batch not before its time, until all have their answers.
func (l *load) run(ctx context.Context, all []batch) error {
	const senders = 4
	began := time.Now()
	next := make(chan batch)
	var group sync.WaitGroup
	errs := make(chan error, senders)
	for range senders {
		group.Go(func() {
			for b := range next {
				if err := process.Wait(ctx, time.Until(began.Add(b.at))); err != nil {
					return
				}
				if err := l.send(ctx, b); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	var failed error
feed:
	for _, b := range all {
		select {
		case next <- b:
		case failed = <-errs:
			break feed
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	group.Wait()
	select {
	case err := <-errs:
		failed = err
	default:
	}
	if failed != nil {
		return fmt.Errorf("send: %w", failed)
	}
	return ctx.Err()
}

func (l *load) send(ctx context.Context, b batch) error {
	l.note(b.list)
	var answers []event.Answer
	var err error
	switch b.way {
	case byClient:
		var events []client.Event
		for _, s := range b.list {
			events = append(events, client.Event{ID: s.id, Source: s.source, Time: s.time, Data: s.data})
		}
		answers, err = l.clients[b.list[0].workspace].Send(ctx, events)
	case byBatch:
		answers, err = l.post(ctx, b.list, false)
	default:
		for i := range b.list {
			one, oneErr := l.post(ctx, b.list[i:i+1], i%2 == 1)
			if oneErr != nil {
				return oneErr
			}
			answers = append(answers, one...)
		}
	}
	if err != nil {
		return err
	}
	return l.take(b.list, answers)
}

// note remembers what is about to be sent.
func (l *load) note(list []shipment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events += len(list)
	for _, s := range list {
		id := event.IdentityOf(s.workspace, s.source, s.id)
		if l.sent[id] == nil {
			l.sent[id] = map[event.PayloadHash]bool{}
		}
		l.sent[id][l.payload(s)] = true
	}
}

// payload is the hash that the collector gives an event.
func (l *load) payload(s shipment) event.PayloadHash {
	sealed, err := l.sealer.Seal(event.Event{Workspace: s.workspace, Source: s.source, ID: s.id, Kind: s.data.Kind(), Time: s.time, Data: s.data})
	if err != nil {
		panic(err) // events of ours can be sealed
	}
	return sealed.Payload
}

// take remembers what was accepted.
func (l *load) take(list []shipment, answers []event.Answer) error {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(answers) != len(list) {
		return fmt.Errorf("%d answers to %d events", len(answers), len(list))
	}
	for i, a := range answers {
		switch {
		case a.State == event.Accepted:
			r, err := event.ParseReceipt(a.Receipt)
			if err != nil {
				return err
			}
			l.accepted = append(l.accepted, acked{list[i], r, l.payload(list[i]), now})
		case a.State == event.Duplicate, a.State == event.Rejected && a.Code == event.CodeIDConflict:
			// Of another event of the same request.
		default:
			l.refused = append(l.refused, fmt.Sprintf("%s %s: %s %s %s", list[i].source, list[i].id, a.State, a.Code, a.Message))
		}
	}
	return nil
}

// post sends events in one request of its own making, and the same bytes again until there is a final answer for each.
func (l *load) post(ctx context.Context, list []shipment, binary bool) ([]event.Answer, error) {
	body, header, err := encode(list, binary)
	if err != nil {
		return nil, err
	}
	return l.deliver(ctx, list[0].workspace, body, header)
}

// deliver sends a body until there is a final answer for each event in it.
func (l *load) deliver(ctx context.Context, workspace string, body []byte, header http.Header) ([]event.Answer, error) {
	header.Set("Authorization", "Bearer "+keyOf(workspace))
	for tries := 0; ; tries++ {
		answers, err := l.try(ctx, body, header)
		if err != nil || final(answers) {
			return answers, err
		}
		if err := process.Wait(ctx, time.Duration(min(50<<min(tries, 4), 500))*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// final tells whether nothing has to be sent again.
func final(answers []event.Answer) bool {
	for _, a := range answers {
		if a.State == event.Retry {
			return false
		}
	}
	return len(answers) > 0
}

// try makes one request; no answers say that it has to be made again.
func (l *load) try(ctx context.Context, body []byte, header http.Header) ([]event.Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.url+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header = header
	res, err := l.bare.Do(req)
	if err != nil {
		return nil, ctx.Err() // the answer was lost: nobody knows whether it was taken
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= 500 {
		return nil, ctx.Err()
	}
	var reply struct {
		Answers []event.Answer `json:"answers"`
	}
	if err := json.Unmarshal(raw, &reply); err != nil || len(reply.Answers) == 0 {
		return nil, fmt.Errorf("the collector answered %s: %s", res.Status, raw)
	}
	return reply.Answers, nil
}

// encode writes one event in the structured or the binary mode, and several as a batch.
func encode(list []shipment, binary bool) ([]byte, http.Header, error) {
	header := http.Header{}
	if binary {
		s := list[0]
		header.Set("Content-Type", "application/json")
		header.Set("Ce-Specversion", "1.0")
		header.Set("Ce-Id", s.id)
		header.Set("Ce-Source", s.source)
		header.Set("Ce-Type", s.data.Kind().Type())
		header.Set("Ce-Time", s.time.UTC().Format(event.TimeForm))
		raw, err := json.Marshal(s.data)
		return raw, header, err
	}
	var all []map[string]any
	for _, s := range list {
		all = append(all, structured(s))
	}
	if len(all) == 1 {
		header.Set("Content-Type", "application/cloudevents+json")
		raw, err := json.Marshal(all[0])
		return raw, header, err
	}
	header.Set("Content-Type", "application/cloudevents-batch+json")
	raw, err := json.Marshal(all)
	return raw, header, err
}

// structured is an event in the structured mode.
func structured(s shipment) map[string]any {
	return map[string]any{
		"specversion": "1.0", "id": s.id, "source": s.source, "type": s.data.Kind().Type(), "time": s.time.UTC().Format(event.TimeForm), "data": s.data,
	}
}
