package loader

import (
	"fmt"
	"testing"
	"time"

	"plumbline/pkg/audit"
	"plumbline/pkg/bus"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// acted writes entries of the audit log, as the scorecard does.
func (e *erasing) acted(entries ...audit.Entry) {
	e.t.Helper()
	var messages []bus.Message
	for _, entry := range entries {
		key, value, err := entry.Message()
		if err != nil {
			e.t.Fatal(err)
		}
		messages = append(messages, bus.Message{Key: key, Value: value})
	}
	e.produceTo(bus.Audit, messages...)
}

// audited waits until the log has so many entries, by id; more would be one twice.
func (e *erasing) audited(n int) map[string]audit.Entry {
	e.t.Helper()
	out := map[string]audit.Entry{}
	e.eventually(fmt.Sprintf("the audit log has %d entries", n), func() bool {
		rows, err := e.db.Audit(e.t.Context(), warehouse.AuditFilter{Workspace: workspace}, nil, 1000)
		if err != nil {
			e.t.Fatal(err)
		}
		clear(out)
		for _, r := range rows {
			out[r.ID] = r
		}
		return len(rows) == n && len(out) == n
	})
	return out
}

func actOf(id, actor string) audit.Entry {
	return audit.Entry{
		ID: id, Workspace: workspace, At: time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC), Actor: actor, ActorKind: audit.ByPerson, Role: "leader",
		Action: audit.EvidenceRead, Outcome: audit.OK, TargetKind: "evidence", Measure: "vendor_spend", Scope: "org",
	}
}

// Each act is stored once, as it ended, however often the topic is read and in whatever order it tells; what is no entry is
// a reject and holds nothing up. Who was erased is replaced by the marker, also where the table is made anew; the record of
// the erasure stays.
func TestAuditLogIsLoaded(t *testing.T) {
	t.Parallel()
	e := newErasing(t, time.Second)
	stop := e.run(nil)
	change := actOf("change", "admin token")
	change.ActorKind, change.Action, change.TargetKind, change.Target = audit.ByToken, audit.RegistryWrite, string(registry.People), hashOf(ann)
	begun := change
	begun.Outcome = audit.Begun
	unfinished := begun
	unfinished.ID = "unfinished"
	e.acted(begun, change, unfinished, actOf("read", hashOf(ann)), actOf("other", hashOf("bob")), actOf("read", hashOf(ann)))
	e.produceTo(bus.Audit, bus.Message{Key: []byte("x"), Value: []byte(`{"id":"x"}`)})
	before := e.audited(4)
	if before["change"] != change || before["unfinished"] != unfinished || before["read"].Actor != hashOf(ann) {
		t.Errorf("%+v", before)
	}
	e.eventually("the broken one is a reject", func() bool { return len(e.rejects()) == 1 })

	e.erase("first")
	e.passed("first", 2)
	check := func(what string, n int) {
		t.Helper()
		after := e.audited(n)
		change.Target, unfinished.Target = audit.Erased, audit.Erased
		if after["read"] != actOf("read", audit.Erased) || after["change"] != change || after["unfinished"] != unfinished || after["other"] != before["other"] {
			t.Errorf("%s: %+v", what, after)
		}
		erased := 0
		for _, a := range after {
			if a.Action == audit.PersonErased && a.Target == "first" && a.ActorKind == audit.BySystem {
				erased++
			}
		}
		if erased == 0 {
			t.Errorf("%s: no entry says that the person was erased: %+v", what, after)
		}
		e.nowhere()
	}
	check("erased", 5)

	// Entries that come later, and the whole topic once more, by a loader that knows nothing yet.
	e.acted(actOf("late", hashOf(ann)))
	check("late", 6)
	stop()
	e.mustExec("TRUNCATE TABLE audit")
	e.rewind()
	e.run(nil)
	check("read again", 6)
}
