package warehouse_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/audit"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// entries are acts of one second each, the first of them in two messages.
func entries(start time.Time) []audit.Entry {
	var out []audit.Entry
	for i := range 6 {
		out = append(out, audit.Entry{
			ID: fmt.Sprint("a", i), Workspace: "w", At: start.Add(time.Duration(i/2) * time.Second), Actor: "admin token", ActorKind: audit.ByToken,
			Role: "admin", Action: audit.EvidenceRead, Outcome: audit.OK, Measure: "vendor_spend", Scope: "org", From: "2026-10-01", To: "2026-11-01", RequestID: "r",
		})
	}
	out[1].Actor, out[1].ActorKind = "p0123456789abcdef01234567", audit.ByPerson
	out[2].Action, out[2].TargetKind, out[2].Target = audit.RegistryWrite, "people", "p0123456789abcdef01234567"
	out[5].Workspace = "foreign"
	begun := out[2]
	begun.Outcome = audit.Begun
	return append(out, begun)
}

func TestAuditIsFilteredAndPaged(t *testing.T) {
	t.Parallel()
	db := open(t)
	start := time.Date(2026, 10, 31, 23, 59, 59, 0, time.UTC) // over the end of a month, which is that of a partition
	rows := entries(start)
	slices.Reverse(rows) // what has ended holds, in whatever order it comes
	for range 2 {
		if err := db.InsertAudit(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
	}
	list := func(f warehouse.AuditFilter, limit int) []string {
		t.Helper()
		f.Workspace = "w"
		var out []string
		var after *warehouse.AuditPlace
		for {
			page, err := db.Audit(t.Context(), f, after, limit)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page {
				out = append(out, e.ID+" "+e.Outcome)
			}
			if len(page) < limit {
				return out
			}
			after = &warehouse.AuditPlace{At: page[limit-1].At, ID: page[limit-1].ID}
		}
	}
	for name, c := range map[string]struct {
		filter warehouse.AuditFilter
		want   []string
	}{
		"all":         {warehouse.AuditFilter{}, []string{"a4 ok", "a3 ok", "a2 ok", "a1 ok", "a0 ok"}},
		"of an actor": {warehouse.AuditFilter{Actor: "p0123456789abcdef01234567"}, []string{"a1 ok"}},
		"of a kind":   {warehouse.AuditFilter{Action: audit.RegistryWrite}, []string{"a2 ok"}},
		"of both":     {warehouse.AuditFilter{Action: audit.RegistryWrite, Actor: "x' OR 1=1 --"}, nil},
		// Two in each second: the second one begins a month.
		"from": {warehouse.AuditFilter{From: start.Add(time.Second)}, []string{"a4 ok", "a3 ok", "a2 ok"}},
		"to":   {warehouse.AuditFilter{To: start.Add(time.Second)}, []string{"a1 ok", "a0 ok"}},
	} {
		for _, limit := range []int{1, 2, 100} {
			if got := list(c.filter, limit); !slices.Equal(got, c.want) {
				t.Errorf("%s, by %d: %v, want %v", name, limit, got, c.want)
			}
		}
	}
	whole, err := db.Audit(t.Context(), warehouse.AuditFilter{Workspace: "w", Action: audit.RegistryWrite}, nil, 1)
	if want := entries(start)[2]; err != nil || whole[0] != want {
		t.Errorf("%+v, %v; want %+v", whole, err, want)
	}
}

// The erased person is replaced by the marker, as who acted and as who was acted on, and found where they come back.
func TestEraseAudit(t *testing.T) {
	t.Parallel()
	db := open(t)
	rows := entries(time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC))
	const person = "p0123456789abcdef01234567"
	e := registry.Erasure{Workspace: "w", Person: event.PersonDigest("w", person), Pseudonym: "pffffffffffffffffffffffff", ErasureID: "e", RequestedAt: time.Now().UTC(), RequestedBy: "admin"}
	if err := db.InsertErasures(t.Context(), []registry.Erasure{e}); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time a loader that knew nothing has stored them again
		if err := db.InsertAudit(t.Context(), rows); err != nil {
			t.Fatal(err)
		}
		if named, err := db.NamesErased(t.Context(), "w"); err != nil || !named {
			t.Errorf("the person is not found: %v, %v", named, err)
		}
		if err := db.EraseAudit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
		if named, err := db.NamesErased(t.Context(), "w"); err != nil || named {
			t.Errorf("the person is still there: %v, %v", named, err)
		}
		got, err := db.Audit(t.Context(), warehouse.AuditFilter{Workspace: "w"}, nil, 100)
		if err != nil || len(got) != 5 {
			t.Fatalf("%d entries, %v", len(got), err)
		}
		if text := fmt.Sprint(got); strings.Contains(text, person) || strings.Contains(text, e.Pseudonym) {
			t.Errorf("a pseudonym is left: %s", text)
		}
		if got[3].Actor != audit.Erased || got[2].Target != audit.Erased || got[2].Actor != "admin token" || got[4].Actor != "admin token" {
			t.Errorf("%+v", got)
		}
	}
}
