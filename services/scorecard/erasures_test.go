package scorecard

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// loadErasures makes erasures readable, as the loader does.
func (b *bench) loadErasures() {
	ctx, stop := context.WithCancel(b.t.Context())
	done := make(chan error, 1)
	go func() {
		done <- bus.Consume(ctx, b.cfg.Bus, bus.ConsumeConfig{
			Group: "test-erasures", Topic: bus.Registry, MaxMessages: 100, MaxBytes: 1 << 20, Linger: 10 * time.Millisecond,
		}, func(ctx context.Context, chunk bus.Chunk) error {
			for _, m := range chunk.Messages {
				e, ok, err := registry.ErasureFromMessage(m.Key, m.Value)
				if err != nil || !ok {
					return errors.Join(err, errors.New("a message is no erasure"))
				}
				if strings.Contains(strings.ToLower(string(m.Key)+string(m.Value)), "ann@") {
					return errors.New("the record names the person")
				}
				if err := b.db.InsertErasures(ctx, []registry.Erasure{e}); err != nil {
					return err
				}
			}
			return nil
		})
	}()
	b.t.Cleanup(func() {
		stop()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			b.t.Errorf("consume registry: %v", err)
		}
	})
}

func TestErasuresAreRecorded(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.loadErasures()
	post := func(body string) (int, map[string]any) {
		t.Helper()
		res, raw := b.do("POST", "/api/v1/erasures", body)
		if res.StatusCode != http.StatusAccepted {
			return res.StatusCode, nil
		}
		b.hold("POST /erasures", "Erasure", raw)
		var e map[string]any
		if err := json.Unmarshal(raw, &e); err != nil {
			t.Fatal(err)
		}
		if res.Header.Get("Location") != "/api/v1/erasures/"+e["id"].(string) || strings.Contains(string(raw), "ann") {
			t.Errorf("%v %s", res.Header, raw)
		}
		return res.StatusCode, e
	}
	status, first := post(`{"person":" Ann@Example.com","reason":"asked on 2 November"}`)
	if status != http.StatusAccepted || first["state"] != "waiting" || first["requested_by"] != "admin" {
		t.Fatalf("%d %v", status, first)
	}
	// Asked again, in another spelling, the person keeps the pseudonym.
	_, _ = post(`{"person":"ann@example.com"}`)
	known, err := b.db.Erasures(t.Context(), workspace)
	if err != nil || len(known) != 2 {
		t.Fatalf("%+v, %v", known, err)
	}
	hash := event.NewSealer([]byte(secretText)).Person(workspace, "ann@example.com")
	for _, k := range known {
		if k.Pseudonym != known[0].Pseudonym || k.Person != event.PersonDigest(workspace, hash) || k.IDBytes != len("ann@example.com") ||
			!event.IsPseudonym(k.Pseudonym) || k.Pseudonym == hash {
			t.Errorf("%+v", k)
		}
	}
	if status, _ := post(`{"person":"` + known[0].Pseudonym + `"}`); status != http.StatusConflict {
		t.Errorf("erasing the pseudonym: %d, want 409", status)
	}
	// By the hash that the registry shows, without the length of an id.
	if status, _ := post(`{"person":"` + event.NewSealer([]byte(secretText)).Person(workspace, "bob") + `"}`); status != http.StatusAccepted {
		t.Errorf("by hash: %d", status)
	}

	id := first["id"].(string)
	for pass := range uint8(3) {
		want := []string{"waiting", "checking", "done"}[pass]
		e := b.get("/api/v1/erasures/"+id, "Erasure")
		e.at("state").is(want)
		at := day("2026-11-02").Add(time.Duration(pass) * time.Minute)
		p := warehouse.ErasurePass{
			Workspace: workspace, ErasureID: id, Pass: pass + 1, StartedAt: at, FinishedAt: at, Events: 5 - uint64(pass), Corrections: 1, Rejects: 2, Entries: 3, Days: 4,
		}
		if err := b.db.InsertErasurePass(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	// 5 + 4 + 3 events, done when the second pass was.
	e := b.get("/api/v1/erasures/"+id, "Erasure")
	e.at("events").is("12")
	e.at("days").is("4")
	e.at("done_at").is("2026-11-02T00:01:00.000Z")
	list := b.get("/api/v1/erasures?limit=2", "ErasureList")
	if len(list.at("erasures").list()) != 2 || list.at("next").text() == "null" {
		t.Errorf("first page: %v", list.value)
	}
	rest := b.get("/api/v1/erasures?limit=2&cursor="+list.at("next").text(), "ErasureList")
	if len(rest.at("erasures").list()) != 1 {
		t.Errorf("second page: %v", rest.value)
	}
	if res, raw := b.do("PUT", "/api/v1/registry/people/ann@example.com", `{"valid_from":"2026-01-01"}`); res.StatusCode != http.StatusConflict {
		t.Errorf("PUT of an erased person: %d %s", res.StatusCode, raw)
	}
}

func TestErasuresAreForAdministrators(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	for name, c := range map[string]struct {
		body    string
		status  int
		pointer string
	}{
		"nobody":         {`{}`, 400, "/person"},
		"spaces":         {`{"person":"  "}`, 400, "/person"},
		"too long":       {`{"person":"` + strings.Repeat("ä", 129) + `"}`, 400, "/person"},
		"unknown field":  {`{"person":"ann","name":"Ann"}`, 400, ""},
		"not JSON":       {`ann`, 400, ""},
		"two":            {`{"person":"ann"}{"person":"bob"}`, 400, ""},
		"named in it":    {`{"person":"ann@example.com","reason":"ANN@example.com asked"}`, 400, "/reason"},
		"long reason":    {`{"person":"ann","reason":"` + strings.Repeat("x", 501) + `"}`, 400, "/reason"},
		"nobody listens": {`{"person":"ann"}`, 503, ""},
	} {
		res, raw := b.do("POST", "/api/v1/erasures", c.body)
		if res.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", name, res.StatusCode, raw, c.status)
			continue
		}
		if problem := b.hold(name, "Problem", raw); c.pointer != "" {
			problem.at("problems", 0, "pointer").is(c.pointer)
		}
	}
	if res, _ := b.do("GET", "/api/v1/erasures/none", ""); res.StatusCode != http.StatusNotFound {
		t.Errorf("an erasure that is none: %d", res.StatusCode)
	}
	for _, role := range []access.Role{access.RoleIC, access.RoleLeader, access.RoleAnalyst} {
		other := b.as(role, "p0123456789abcdef01234567")
		for method, path := range map[string]string{"POST": "/api/v1/erasures", "GET": "/api/v1/erasures"} {
			res, raw := other.do(method, path, `{"person":"ann"}`, "Sec-Fetch-Site", "same-origin")
			if res.StatusCode != http.StatusForbidden {
				t.Errorf("%s by a %s: %d %s, want 403", method, role, res.StatusCode, raw)
			}
		}
	}
}
