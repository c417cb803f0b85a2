// Package warehousetest gives tests of the warehouse and of the loader histories of events, and says by brute force
// what the rollups of a history must be. It is not for programs.
package warehousetest

import (
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/event"
	"plumbline/pkg/event/eventtest"
)

// Maker makes stored events as the collector and the log would.
type Maker struct {
	sealer *event.Sealer
	offset int64
}

// NewMaker makes a maker with a secret of its own.
func NewMaker() *Maker { return &Maker{sealer: eventtest.NewSealer([]byte("a secret of the tests"))} }

// Fataler is what testing.T and rapid.T share.
type Fataler interface {
	Helper()
	Fatal(args ...any)
}

// Stored seals an event and gives it the next offset of partition 0.
func (m *Maker) Stored(t Fataler, workspace, source, id string, at time.Time, data event.Data) event.Stored {
	t.Helper()
	data.Normalise()
	sealed, err := m.sealer.Seal(event.Event{
		Workspace: workspace, Source: source, ID: id, Kind: data.Kind(), Time: at, Data: data,
	})
	if err != nil {
		t.Fatal(err)
	}
	m.offset++
	return event.Stored{
		Event: sealed.Event, Identity: sealed.Identity, Payload: sealed.Payload,
		Receipt:    event.Receipt{Partition: 0, Offset: m.offset},
		ReceivedAt: time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC),
	}
}

// Correction is a correction of (source, id) with the payload.
func Correction(t Fataler, source, id string, data event.Data) *event.Correct {
	t.Helper()
	data.Normalise()
	raw, err := json.Marshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return &event.Correct{Source: source, ID: id, Target: data.Kind(), Data: raw}
}

// Number is an event.Number of its wire form.
func Number(s string) *event.Number {
	n, err := event.ParseNumber(s)
	if err != nil {
		panic(err)
	}
	return &n
}

// Amount is an event.Decimal of its wire form.
func Amount(s string) *event.Decimal {
	d, err := event.ParseDecimal(s)
	if err != nil {
		panic(err)
	}
	return &d
}

// Data is the payload of an event as the log carries it.
func Data(t Fataler, e event.Stored) []byte {
	t.Helper()
	raw, err := json.Marshal(e.Data)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
