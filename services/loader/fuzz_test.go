package loader

import (
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// A mark that is taken names a workspace and a day that the warehouse has, and is written the same.
func FuzzMark(f *testing.F) {
	f.Add([]byte(`{"workspace":"w","day":"2026-11-01","partition":3,"offset":7}`))
	f.Add([]byte(`{"workspace":"w","all":true}`))
	f.Add([]byte(`{"workspace":"w","day":"2026-11-01","since":"2026-11-01T10:00:00.001Z","deals":"1970-01-01T00:00:00.000Z","rows":7}`))
	f.Add([]byte(`{"workspace":"w","day":"2026-11-01","since":"0001-01-01T00:00:00Z","rows":-1}`))
	f.Add([]byte(`{"workspace":"w","day":"1900-01-01"}`))
	f.Add([]byte(`{"workspace":"","day":"2200-12-31"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		m, err := readMark(value)
		if err != nil {
			return
		}
		if m.Workspace == "" || !utf8.ValidString(m.Workspace) || m.Day.IsZero() && !m.All {
			t.Fatalf("%s is taken as %+v", value, m)
		}
		if !m.Day.IsZero() && (m.Day.Year() < 1900 || m.Day.Year() > 2200) {
			t.Fatalf("a day that the warehouse does not have: %s", m.Day)
		}
		for _, day := range warehouse.LocalDays(time.UTC, []event.Day{m.Day}) {
			if day != m.Day {
				t.Fatalf("the day %s in UTC is %s", m.Day, day)
			}
		}
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := readMark(raw); err != nil || again != m {
			t.Fatalf("%s reads as %+v, %v; want %+v", raw, again, err, m)
		}
	})
}

// Whatever stands on the topic of rejects becomes a reject or a replay with a name and a plausible time, and whatever is
// refused becomes a reject that can travel.
func FuzzRejectsTopic(f *testing.F) {
	at := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	f.Add("", []byte(`{"workspace":"w","reject_id":"r","at":"2026-11-24T09:59:59Z","raw":"e30="}`))
	f.Add("", []byte(`{"at":"0001-01-01T00:00:00Z"}`))
	f.Add(warehouse.ReplayType, []byte(`{"reject_id":"r","replay_id":"p","at":"2299-01-01T00:00:00Z"}`))
	f.Add(event.RawMessageType, []byte{0xff})
	f.Fuzz(func(t *testing.T, content string, value []byte) {
		m := &kafka.Message{Partition: 1, Offset: 2, Time: at, Value: value, Headers: []kafka.Header{
			{Key: event.HeaderContent, Value: []byte(content)}, {Key: event.HeaderSource, Value: value}, {Key: event.HeaderWorkspace, Value: []byte(content)},
		}}
		if r, err := replayOf(m); err == nil && (r.RejectID == "" || r.ReplayID == "" || !plausible(m, r.At)) {
			t.Errorf("%s is taken as %+v", value, r)
		}
		var r warehouse.Reject
		if json.Unmarshal(value, &r) == nil {
			if c := copied(m, r); c.RejectID == "" || !plausible(m, c.At) || c.Workspace != r.Workspace {
				t.Errorf("%s is taken as %+v", value, c)
			}
		}
		refused := rejectOf("rejected", m, event.Stored{}, event.Problem{Code: event.CodeUndecodable, Message: "not a reject: " + string(value)})
		raw, err := json.Marshal(refused)
		if err != nil {
			t.Fatalf("a reject cannot travel: %v", err)
		}
		var back warehouse.Reject
		if err := json.Unmarshal(raw, &back); err != nil || back.RejectID != refused.RejectID || back.Source != refused.Source {
			t.Fatalf("%s reads as %+v, %v", raw, back, err)
		}
		for _, text := range []string{refused.Workspace, refused.Source, refused.Message} {
			if !utf8.ValidString(text) || len(text) > 3*mostText {
				t.Errorf("a text of %d bytes: %.60q", len(text), text)
			}
		}
	})
}
