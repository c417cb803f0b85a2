package metric

import (
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
)

// What is added and taken out again leaves the number as it was, and the order does not matter.
func TestWorkIsAddedAndTakenOut(t *testing.T) {
	t.Parallel()
	declared := func(workflow string, _ event.Day) (DeclaredBaseline, bool) {
		d := decimal.RequireFromString("41.7")
		return DeclaredBaseline{Low: d, Mode: d, High: d}, workflow == "a"
	}
	draw := rapid.Custom(func(t *rapid.T) HoursEvent {
		e := HoursEvent{
			Day: rapid.SampledFrom([]string{"2026-10-30", "2026-11-01"}).Draw(t, "day"), Team: rapid.SampledFrom([]string{"", "x"}).Draw(t, "team"),
			Workflow: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "workflow"),
			Units:    decimal.New(rapid.Int64Range(1, 5_000_000).Draw(t, "units"), -6), Minutes: decimal.New(rapid.Int64Range(0, 900_000_000).Draw(t, "minutes"), -6),
		}
		if rapid.Bool().Draw(t, "given") {
			e.Given = new(decimal.New(rapid.Int64Range(0, 90_000_000).Draw(t, "baseline"), -6))
		}
		return e
	})
	value := func(rows []HoursRow) string {
		m := FoldHours(HoursInput{Rows: rows, Declared: declared}).Measure
		if m.Value == nil {
			return "none"
		}
		return m.Value.Text()
	}
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(draw, 1, 8).Draw(t, "events")
		var rows, backwards []HoursRow
		for i := range events {
			rows = PlusWork(rows, WorkOf(events[i], ""))
			backwards = PlusWork(backwards, WorkOf(events[len(events)-1-i], ""))
		}
		if a, b := value(rows), value(backwards); a != b {
			t.Fatalf("%s in order, %s backwards", a, b)
		}
		more := WorkOf(draw.Draw(t, "more"), "")
		if a, b := value(rows), value(MinusWork(PlusWork(rows, more), more)); a != b {
			t.Fatalf("%s before, %s with one more and without it again", a, b)
		}
		for _, e := range events {
			rows = MinusWork(rows, WorkOf(e, ""))
		}
		if len(rows) > 0 {
			t.Fatalf("%d rows are left of nothing", len(rows))
		}
	})
}

// Work that is in no row takes nothing out.
func TestWorkThatIsNotThere(t *testing.T) {
	t.Parallel()
	one := HoursEvent{Day: "2026-11-01", Workflow: "a", Units: decimal.NewFromInt(1), Minutes: decimal.NewFromInt(5)}
	rows := PlusWork(nil, WorkOf(one, ""))
	other := one
	other.Workflow = "b"
	if got := MinusWork(rows, WorkOf(other, "")); len(got) != 1 || !got[0].Minutes.Equal(one.Minutes) {
		t.Errorf("got %+v", got)
	}
}
