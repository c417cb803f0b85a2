package registry

import (
	"fmt"
	"time"

	"plumbline/pkg/event"
)

// span is how long a version of an entry holds: from its valid_from until the next version of its key; a zero end is for good.
type span struct{ from, to time.Time }

func (s span) meets(o span) bool {
	return (s.to.IsZero() || o.from.Before(s.to)) && (o.to.IsZero() || s.from.Before(o.to))
}

// spans are the versions of a key that hold something, each with how long.
func (s *Snapshot) spans(kind Kind, key string) map[span]Version {
	list := s.versions[kind][key]
	out := map[span]Version{}
	for i, v := range list {
		if v.Deleted {
			continue
		}
		held := span{from: v.ValidFrom}
		if i+1 < len(list) {
			held.to = list[i+1].ValidFrom
		}
		out[held] = v
	}
	return out
}

// Contradictions are what a new version of an entry says against another entry that holds at the same time. Two versions of one
// key never contradict each other: the later one follows the earlier. The one exception is the secret of a webhook or a connection,
// which never goes back.
func (s *Snapshot) Contradictions(r Record) []event.Problem {
	if r.Deleted || (r.Kind != VendorBaselines && r.Kind != Webhooks && r.Kind != Connections) {
		return nil
	}
	entry, problems := Decode(r.Kind, r.Key, r.Value)
	if len(problems) > 0 {
		return problems
	}
	if w, ok := entry.(*Webhook); ok {
		return s.rotatesBack(r, w)
	}
	if c, ok := entry.(*Connection); ok {
		return s.signsBack(r, c)
	}
	mine, ok := entry.(*VendorBaseline)
	if !ok {
		return nil
	}
	held := span{from: r.ValidFrom}
	for _, v := range s.versions[r.Kind][r.Key] {
		if v.ValidFrom.After(r.ValidFrom) {
			held.to = v.ValidFrom
			break
		}
	}
	for _, key := range s.Keys(r.Kind) {
		if key == r.Key {
			continue
		}
		for other, v := range s.spans(r.Kind, key) {
			if b, ok := v.Entry.(*VendorBaseline); ok && b.charges() == mine.charges() && held.meets(other) {
				return []event.Problem{{
					Code: event.CodeInconsistent, Pointer: "/vendor",
					Message: fmt.Sprintf("%s/%s is the price of the same charges from %s on: change or delete that one, or name a team, workflow or unit that tells the two apart",
						VendorBaselines, key, v.ValidFrom.Format(time.DateOnly)),
				}}
			}
		}
	}
	return nil
}

// charges name what a price is compared with: two prices of the same charges contradict each other.
func (b *VendorBaseline) charges() [5]string {
	unit := b.Unit
	if b.Period == "month" {
		unit = "\x00month" // what a month is called does not tell two prices apart
	}
	return [5]string{b.Vendor, b.Category, b.Team, b.Workflow, unit}
}
