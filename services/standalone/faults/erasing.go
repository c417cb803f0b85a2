package faults

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/event"
	"plumbline/pkg/process"
)

// erasing declares a person in the registry and erases them while events keep telling of them.
type erasing struct {
	run  *run
	rng  *rand.Rand
	desk *desk
	// person is who is erased, out of the first workspace.
	person string
	n      int
	// ended says that the erasure is done.
	ended atomic.Bool
}

func newErasing(r *run, rng *rand.Rand) *erasing {
	return &erasing{run: r, rng: rng, desk: newDesk(r), person: persons()[rng.IntN(len(persons()))], n: 4_000_000}
}

// names tells whether data, as a client sends it, tells of a person by a hash that is erased with them: the answers to a
// survey have another one.
func names(data event.Data, person string) bool {
	switch d := data.(type) {
	case *event.Pulse:
		return false
	case *event.Barrier:
		return d.Owner == person || d.Person == person
	case *event.Correct:
		spec, _ := event.Lookup(d.Target)
		inner := spec.New()
		if err := json.Unmarshal(d.Data, inner); err != nil {
			panic(err) // corrections of ours can be read
		}
		return d.Person == person || names(inner, person)
	}
	return data.Shared().Person == person
}

// write declares the person, erases them, and sends more of theirs, while it is done and after.
func (x *erasing) write(ctx context.Context) error {
	defer x.ended.Store(true)
	if err := x.declare(ctx, http.StatusOK); err != nil {
		return err
	}
	if err := process.Wait(ctx, time.Duration(x.rng.IntN(1500))*time.Millisecond); err != nil {
		return err
	}
	var answer struct{}
	request := fmt.Sprintf(`{"person":%q,"reason":"asked for it"}`, x.person)
	if err := x.desk.must(ctx, http.StatusAccepted, http.MethodPost, "/erasures", request, &answer); err != nil {
		return err
	}
	// Whoever was erased cannot be declared again.
	if err := x.declare(ctx, http.StatusConflict); err != nil {
		return err
	}
	if err := x.send(ctx); err != nil {
		return err
	}
	return x.await(ctx)
}

// declare writes entries of the registry that name the person: their own, which is refused once they are erased, and as the
// owner of a workflow.
func (x *erasing) declare(ctx context.Context, want int) error {
	if err := x.desk.must(ctx, want, http.MethodPut, "/registry/people/"+x.person, `{"valid_from":"2025-01-01","role":"ic"}`, nil); err != nil {
		return err
	}
	entry := fmt.Sprintf(`{"valid_from":"2025-01-01","name":"Briefs","owner":%q}`, x.person)
	return x.desk.must(ctx, http.StatusOK, http.MethodPut, "/registry/workflows/briefs", entry, nil)
}

// send sends new events of the person, and one that was sent before.
func (x *erasing) send(ctx context.Context) error {
	d := &drawing{rng: x.rng, made: map[string][]shipment{}}
	var list []shipment
	add := func(data event.Data) {
		data.Normalise()
		x.n++
		list = append(list, shipment{workspace: workspaces()[0], source: "crm.example", id: fmt.Sprintf("e%d", x.n), time: d.time(), data: data})
	}
	for range 1 + x.rng.IntN(3) {
		hours := &event.HoursSaved{DoingMinutes: new(event.NumberOf(1 + x.rng.Int64N(90))), Task: textOf(x.person)}
		hours.Person, hours.URL = x.person, "https://example.com/"+x.person
		training := &event.Training{Course: "prompting", Hours: new(event.NumberOf(1 + x.rng.Int64N(8)))}
		training.Person = x.person
		add(hours)
		add(training)
		add(&event.Barrier{Barrier: "slow-review", Category: "review_delay", Owner: x.person, Note: textOf(x.person)})
	}
	of := x.run.extra.clients
	before := of[x.rng.IntN(len(of))]
	for range of {
		if before.workspace == workspaces()[0] && names(before.data, x.person) {
			break
		}
		before = of[x.rng.IntN(len(of))]
	}
	hours, err := json.Marshal(list[0].data)
	if err != nil {
		return err
	}
	if !before.data.Kind().Amends() {
		add(&event.Correct{Source: before.source, ID: before.id, Target: event.KindHoursSaved, Data: hours})
	}
	if err := x.run.load.send(ctx, batch{way: byBatch, list: list}); err != nil {
		return err
	}
	if before.workspace != workspaces()[0] {
		return nil
	}
	return x.run.load.send(ctx, batch{way: byBatch, list: []shipment{before}})
}

// erasureDone is the state of an erasure of which nothing is left to do.
const erasureDone = "done"

// erasures is the list of erasures.
type erasures struct {
	Erasures []struct {
		ID    string `json:"id"`
		State string `json:"state"`
	} `json:"erasures"`
}

// await waits until every erasure is done: there are several where the answer was lost.
func (x *erasing) await(ctx context.Context) error {
	return waitFor(ctx, "the erasure is done", func() (bool, error) {
		var all erasures
		if err := x.desk.must(ctx, http.StatusOK, http.MethodGet, "/erasures", "", &all); err != nil {
			return false, err
		}
		for _, e := range all.Erasures {
			if e.State != erasureDone {
				return false, nil
			}
		}
		return len(all.Erasures) > 0, nil
	})
}

// finish waits until the erasure is done, now that nothing disturbs it, and sends more of the person then.
func (x *erasing) finish(ctx context.Context) error {
	if err := x.await(ctx); err != nil {
		return err
	}
	return x.send(ctx)
}
