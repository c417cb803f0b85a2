package faults

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// replays sends what can not be taken, and has the scorecard send it again with a fix, as well as what was refused for
// other reasons: as an administrator does, who looks first and then asks twice.
type replays struct {
	run  *run
	rng  *rand.Rand
	desk *desk
	// sent is what was broken.
	sent []broken
	// told are the events that a replay has said are in the log, last what the last replay has said.
	told []acked
	last []replayed
	// wrong are findings on the way.
	wrong []string
	// ended says that nothing more is replayed during the load.
	ended atomic.Bool
}

func newReplays(r *run, rng *rand.Rand) *replays {
	return &replays{run: r, rng: rng, desk: newDesk(r)}
}

// replayed is what the scorecard tells of one reject.
type replayed struct {
	ID      string  `json:"id"`
	Source  string  `json:"source"`
	EventID string  `json:"event_id"`
	State   string  `json:"state"`
	Code    *string `json:"code"`
	Receipt *string `json:"receipt"`
}

// replayReport is the answer to a replay.
type replayReport struct {
	Results    []replayed `json:"results"`
	Unrecorded int        `json:"unrecorded"`
	Next       *string    `json:"next"`
}

// later tells whether the request has to be made again.
func (r replayReport) later() bool {
	for _, result := range r.Results {
		if result.State == warehouse.ReplayRetry {
			return true
		}
	}
	return r.Unrecorded > 0
}

// write sends broken events during the load, and replays some of them.
func (x *replays) write(ctx context.Context) error {
	defer x.ended.Store(true)
	b := newBreaking(x.rng)
	for range 2 + x.rng.IntN(3) {
		if err := process.Wait(ctx, time.Duration(x.rng.IntN(800))*time.Millisecond); err != nil {
			return err
		}
		var list []broken
		for range 1 + x.rng.IntN(12) {
			one, err := b.next()
			if err != nil {
				return err
			}
			list = append(list, one)
		}
		if err := x.send(ctx, list, x.rng.IntN(3) == 0); err != nil {
			return err
		}
		if x.rng.IntN(2) == 0 {
			if err := x.round(ctx, x.some()); err != nil {
				return err
			}
		}
	}
	// Once there is something to replay.
	if err := waitFor(ctx, "rejects in the list", func() (bool, error) {
		rejects, err := x.list(ctx, "")
		return len(rejects) > 0, err
	}); err != nil {
		return err
	}
	return x.round(ctx, x.mended(brokenSource))
}

// send sends broken events to the collector or to the inbox.
func (x *replays) send(ctx context.Context, list []broken, inbox bool) error {
	var mended []shipment
	for _, b := range list {
		mended = append(mended, b.shipment)
	}
	x.run.load.note(mended)
	x.sent = append(x.sent, list...)
	if inbox {
		var messages []kafka.Message
		for _, b := range list {
			m, err := b.message(x.rng)
			if err != nil {
				return err
			}
			messages = append(messages, m)
		}
		return x.run.extra.produce(ctx, bus.Inbox, messages...)
	}
	return x.post(ctx, list)
}

func (x *replays) post(ctx context.Context, list []broken) error {
	raw, header, err := body(list)
	if err != nil {
		return err
	}
	answers, err := x.run.load.deliver(ctx, list[0].workspace, raw, header)
	if err != nil {
		return err
	}
	for i, a := range answers {
		if a.State != event.Rejected {
			x.wrong = append(x.wrong, fmt.Sprintf("%s is broken, and the collector says %s", list[i].id, a.State))
		}
	}
	return nil
}

// mended chooses all rejects of a source, "" for all, with the fix.
func (x *replays) mended(source string) map[string]any {
	filter := map[string]string{}
	if source != "" {
		filter["source"] = source
	}
	fix, err := mending()
	if err != nil {
		panic(err) // texts of ours always encode
	}
	return map[string]any{"filter": filter, "fix": jsontext.Value(fix)}
}

// some chooses some rejects.
func (x *replays) some() map[string]any {
	switch x.rng.IntN(4) {
	case 0: // good events that somebody has written into the wrong partition need no fix
		return map[string]any{"filter": map[string]string{"code": string(event.CodeWrongPartition)}}
	case 1:
		return x.mended("")
	case 2:
		out := x.mended(brokenSource)
		out["limit"] = 1 + x.rng.IntN(5)
		return out
	}
	return x.mended(brokenSource)
}

// round looks what would happen, and then does it twice.
func (x *replays) round(ctx context.Context, what map[string]any) error {
	for _, dry := range []bool{true, false, false} {
		results, err := x.replay(ctx, what, dry)
		if err != nil {
			return err
		}
		x.last = results
	}
	return nil
}

// replay asks for a replay, page after page; a page with an event that the log has not confirmed, or without its record, is
// asked for again.
func (x *replays) replay(ctx context.Context, what map[string]any, dry bool) ([]replayed, error) {
	var out []replayed
	request := maps.Clone(what)
	request["dry_run"] = dry
	for {
		raw, err := json.Marshal(request, json.Deterministic(true))
		if err != nil {
			return nil, err
		}
		var page replayReport
		if err := x.desk.must(ctx, http.StatusOK, http.MethodPost, "/rejects/replay", string(raw), &page); err != nil {
			return nil, err
		}
		if err := x.note(page.Results, dry); err != nil {
			return nil, err
		}
		if !dry && page.later() {
			if err := process.Wait(ctx, 100*time.Millisecond); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, page.Results...)
		if page.Next == nil {
			return out, nil
		}
		request["cursor"] = *page.Next
	}
}

// note remembers what is in the log.
func (x *replays) note(results []replayed, dry bool) error {
	for _, r := range results {
		switch {
		case r.Receipt == nil:
			continue
		case dry:
			x.wrong = append(x.wrong, fmt.Sprintf("a dry run of %s tells of the receipt %s", r.ID, *r.Receipt))
			continue
		}
		receipt, err := event.ParseReceipt(*r.Receipt)
		if err != nil {
			return err
		}
		of := shipment{workspace: workspaces()[0], source: r.Source, id: r.EventID}
		x.told = append(x.told, acked{shipment: of, receipt: receipt, at: time.Now()})
	}
	return nil
}

// listed is a reject in the list.
type listed struct {
	ID      string `json:"id"`
	EventID string `json:"event_id"`
	Status  string `json:"status"`
}

// list reads the rejects of broken events, all or those of a status.
func (x *replays) list(ctx context.Context, status string) ([]listed, error) {
	var out []listed
	query := url.Values{"source": {brokenSource}, "limit": {"100"}}
	if status != "" {
		query.Set("status", status)
	}
	for {
		var page struct {
			Rejects []listed `json:"rejects"`
			Next    *string  `json:"next"`
		}
		if err := x.desk.must(ctx, http.StatusOK, http.MethodGet, "/rejects?"+query.Encode(), "", &page); err != nil {
			return nil, err
		}
		out = append(out, page.Rejects...)
		if page.Next == nil {
			return out, nil
		}
		query.Set("cursor", *page.Next)
	}
}

// finish sees to it that every broken event is among the rejects, once all is calm, and replays them all. The collector may
// lose a reject that it could not write: its answer says so, and whoever had it can send again.
func (x *replays) finish(ctx context.Context) error {
	for deadline := time.Now().Add(settleTime); ; {
		missing, err := x.missing(ctx)
		if err != nil {
			return err
		}
		if len(missing) == 0 {
			return x.round(ctx, x.mended(""))
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%d broken events are in no reject (%w)", len(missing), errLate)
		}
		if err := x.post(ctx, missing); err != nil {
			return err
		}
	}
}

// missing are the broken events that are in no reject, after everything was loaded that was refused.
func (x *replays) missing(ctx context.Context) ([]broken, error) {
	if err := x.kept(ctx); err != nil {
		return nil, err
	}
	rejects, err := x.list(ctx, "")
	if err != nil {
		return nil, err
	}
	known := map[string]bool{}
	for _, r := range rejects {
		known[r.EventID] = true
	}
	var out []broken
	for _, b := range x.sent {
		if !known[b.id] {
			out = append(out, b)
		}
	}
	return out, nil
}

// kept waits until everything that was refused, and all records of replays, are in their tables.
func (x *replays) kept(ctx context.Context) error {
	if err := x.run.extra.passed(ctx, bus.Inbox, "gate"); err != nil {
		return err
	}
	return x.run.extra.passed(ctx, bus.Rejected, "reject-loader")
}

// again replays everything once more when it is stored: that changes nothing.
func (x *replays) again(ctx context.Context) error {
	before, err := x.run.extra.ends(ctx, bus.Events)
	if err != nil {
		return err
	}
	if err := x.round(ctx, x.mended("")); err != nil {
		return err
	}
	after, err := x.run.extra.ends(ctx, bus.Events)
	if err != nil {
		return err
	}
	if !maps.Equal(before, after) {
		x.wrong = append(x.wrong, fmt.Sprintf("a replay of what is stored has written to the log: it ended at %v, and ends at %v", before, after))
	}
	return x.kept(ctx)
}
