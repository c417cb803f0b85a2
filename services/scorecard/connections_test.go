package scorecard

import (
	"testing"
	"time"

	"plumbline/pkg/connections"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// A call of a tool that nobody had mapped is replayed once it is, also after a fix, and counts once however often that is done.
func TestReplayOfCalls(t *testing.T) {
	b := newBench(t, now())
	at := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	keep := func(reject, id, call string) warehouse.Reject {
		raw, err := connections.SegmentArrival("/segment/shop", "track", id, at, at, []byte(call)).Encode()
		if err != nil {
			t.Fatal(err)
		}
		return warehouse.Reject{RejectID: reject, Source: "/segment/shop", ID: id, Type: "segment.track", Code: "unknown_event", Pointer: "/data/event", Raw: raw}
	}
	b.refuse(
		keep("r1", "m1", `{"event":"Lead Won","properties":{"course":"c"},"userId":"ann@example.com"}`),
		keep("r2", "m2", `{"event":"Lead Wom","properties":{"course":"c"}}`),
		keep("r3", "m3", `{"event":"Order Completed","properties":{"experiment_id":"x","variation_id":"b","revenue":1.10}}`),
		keep("r4", "m4", `{"event":"Two Things","properties":{}}`),
	)
	const all = `{"filter":{"status":"open"},"dry_run":false}`
	b.replay(all).listed("r1 rejected unknown_event", "r2 rejected unknown_event", "r3 rejected missing_field", "r4 rejected unknown_event")
	b.declare(registry.Connections, "shop", `{"valid_from":"2026-11-02","via":"segment","events":[
		{"event":"Lead Won","kind":"training","fields":{"course":{"column":"properties.course"},"person":{"column":"userId"}}},
		{"event":"Two Things","kind":"training","id":"{messageId}-1","fields":{"course":{"value":"a"}}},
		{"event":"Two Things","kind":"training","id":"{messageId}-2","fields":{"course":{"value":"b"}}}]}`)
	done := b.replay(all)
	done.listed("r1 accepted", "r2 rejected unknown_event", "r3 rejected missing_field", "r4 rejected inconsistent")
	done.at("results", 2, "pointer").is("/data/properties/currency")
	stored := b.loaded()
	if len(stored) != 1 || stored[0].ID != "m1" || stored[0].Source != "/segment/shop" || !stored[0].Time.Equal(at) {
		t.Fatalf("stored %+v", stored)
	}
	if d, ok := stored[0].Data.(*event.Training); !ok || d.Person != event.NewSealer([]byte(secretText)).Person(workspace, "ann@example.com") {
		t.Errorf("stored %+v", stored[0].Data)
	}
	b.replay(`{"ids":["r1"],"dry_run":false}`).listed("r1 unchanged")
	b.replay(`{"ids":["r2"],"dry_run":false,"fix":{"operations":[{"op":"set","path":"/data/event","value":"Lead Won"}]}}`).listed("r2 accepted")
	b.replay(`{"ids":["r3"],"dry_run":false,"fix":{"operations":[{"op":"set","path":"/data/properties/currency","value":"EUR"}]}}`).listed("r3 accepted")
	if stored := b.loaded(); len(stored) != 3 {
		t.Errorf("%d events are stored", len(stored))
	}
}

// The secret of a connection is for administrators, and is the one that the collector checks with.
func TestConnectionSecret(t *testing.T) {
	b := newBench(t, now())
	b.declare(registry.Connections, "crm", `{"valid_from":"2026-01-01","via":"webhook","signature":{"header":"X-Sig","secret_version":3}}`)
	b.declare(registry.Connections, "open", `{"valid_from":"2026-01-01","via":"webhook"}`)
	got := b.get("/api/v1/connections/crm/secret", "ConnectionSecret")
	got.at("secret").is(connections.SecretText([]byte(secretText), workspace, "crm", 3))
	got.at("secret_before").is("null")
	for _, key := range []string{"open", "none"} {
		if res, _ := b.do("GET", "/api/v1/connections/"+key+"/secret", ""); res.StatusCode != 404 {
			t.Errorf("%s: %d", key, res.StatusCode)
		}
	}
}
