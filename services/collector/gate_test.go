package collector_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
)

// foreign is a client that shares no code with ours, on the inbox. It chooses the partitions itself.
func foreign(t *testing.T, cfg bus.Config, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(cfg.Brokers...), kgo.DefaultProduceTopic(cfg.Topic(bus.Inbox)),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(1 << 20),
	}, more...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// record is a message of the inbox: headers are name and value by turns.
func record(partition int32, value []byte, headers ...string) *kgo.Record {
	r := &kgo.Record{Partition: partition, Key: fmt.Append(nil, "their key ", partition), Value: value}
	for i := 0; i < len(headers); i += 2 {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headers[i], Value: []byte(headers[i+1])})
	}
	return r
}

// inbox is an event with the extension workspace.
func inbox(id string, changes map[string]any) []byte {
	if changes == nil {
		changes = map[string]any{}
	}
	if _, ok := changes["workspace"]; !ok {
		changes["workspace"] = "default"
	}
	return []byte(one(id, changes))
}

// attributesOf are headers of the binary mode.
func attributesOf(id string, more ...string) []string {
	return append([]string{
		"ce_specversion", "1.0", "ce_id", id, "ce_source", "/tests", "ce_type", "plumbline.hours_saved.v1",
		"ce_time", "2026-11-01T09:30:00Z", "ce_workspace", "default", "content-type", "application/json",
	}, more...)
}

func send(t *testing.T, client *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// passed waits until the gate has dealt with n messages.
func (s *served) passed(t *testing.T, n int) {
	t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for {
		got := 0
		for line := range strings.Lines(s.do(t, http.MethodGet, "/metrics", "", nil).Body) {
			if strings.HasPrefix(line, "plumbline_collector_inbox_messages_total{") {
				fields := strings.Fields(line)
				count, err := strconv.Atoi(fields[len(fields)-1])
				if err != nil {
					t.Fatal(err)
				}
				got += count
			}
		}
		if got >= n {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the gate has passed %d of %d messages", got, n)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// A foreign client writes in both modes, with keys and partitions of its own: each event ends where its identity says,
// in the workspace that it names, which is no extension any more.
func TestInboxTakesBothModes(t *testing.T) {
	cfg := config(t)
	cfg.InboxWorkspaces = []string{"other"}
	s := serve(t, cfg)
	data := []byte(`{"workflow":"blog-post","doing_minutes":30,"person":"ann@example.com"}`)
	send(t, foreign(t, cfg.Bus),
		record(0, inbox("s", map[string]any{"campaign": "spring"}), "content-type", "application/cloudevents+json; charset=UTF-8"),
		record(1, inbox("upper", nil), "content-type", "Application/CloudEvents+JSON", "trace", "a header of their own"),
		record(2, data, attributesOf("b", "ce_campaign", "spring")...),
		record(0, data, attributesOf("no type")[:12]...),                                    // without a content type
		record(0, data, attributesOf("twice", "ce_datacontenttype", "application/json")...), // as the JavaScript SDK does
		record(1, inbox("elsewhere", map[string]any{"workspace": "other"}), "content-type", structured),
		// The same event in all partitions: it is in one on our topic.
		record(0, inbox("again", nil), "content-type", structured),
		record(1, inbox("again", nil), "content-type", structured),
		record(2, inbox("again", nil), "content-type", structured),
	)
	s.passed(t, 9)
	events := stored(t, cfg.Bus, 9)
	if len(events) != 7 {
		t.Errorf("%d distinct events, want 7", len(events))
	}
	for _, id := range []string{"s", "b"} {
		if e := events[id]; e.Workspace != "default" || len(e.Extensions) != 1 || e.Extensions["campaign"] != "spring" {
			t.Errorf("%s: workspace %q, extensions %v", id, e.Workspace, e.Extensions)
		}
	}
	if e := events["elsewhere"]; e.Workspace != "other" || e.Extensions != nil {
		t.Errorf("elsewhere: workspace %q, extensions %v", e.Workspace, e.Extensions)
	}
	want := event.NewSealer(cfg.Secret).Person("default", "ann@example.com")
	if got := events["b"].Data.Shared().Person; got != want {
		t.Errorf("person %q, want the pseudonym %q", got, want)
	}
	// What comes by HTTP and by Kafka is the same event.
	if a := s.post(t, structured, one("s", nil)); a.Status != http.StatusAccepted {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	payloads := map[event.PayloadHash]bool{}
	for _, m := range everything(t, cfg.Bus, bus.Events) {
		e, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			t.Fatal(err)
		}
		if e.ID == "s" {
			payloads[e.Payload] = true
		}
	}
	if len(payloads) != 1 {
		t.Errorf("%d payload hashes of one event", len(payloads))
	}
}

// refusal is a message that is no event, and what is said of it.
type refusal struct {
	name    string
	record  *kgo.Record
	id      string
	code    event.Code
	pointer string
	// raw is a part of what is kept, workspace the one that keeps it: "" is that of the installation.
	raw, workspace string
}

func refusals(partition int32) []refusal {
	long := strings.Repeat("x", 300<<10)
	data := []byte(`{"workflow":"w","doing_minutes":1}`)
	typed := []string{"content-type", structured}
	return []refusal{
		{"no event at all", record(partition, []byte{0xff, 0x00, 0x01}), "", event.CodeMissingField, "/specversion", `"value":"/wAB"`, ""},
		{"not JSON", record(partition, []byte(`{"id":"x"`), typed...), "x", event.CodeNotJSON, "", `{"id":"x"`, ""},
		{"a batch", record(partition, []byte("[]"), "content-type", batched), "", event.CodeUnsupportedType, "", "[]", ""},
		{"another format", record(partition, []byte{1, 2}, "content-type", "application/cloudevents+avro"), "", event.CodeUnsupportedType, "", "\x01\x02", ""},
		{"another charset", record(partition, inbox("latin", nil), "content-type", structured+"; charset=latin1"), "latin", event.CodeUnsupportedType, "", "", ""},
		{"a tombstone", record(partition, nil, attributesOf("grave")...), "grave", event.CodeMissingField, "/data", `"id":"grave"`, "default"},
		{"an empty structured one", record(partition, nil, typed...), "", event.CodeNotJSON, "", "", ""},
		{"data that is no JSON", record(partition, []byte("<a/>"), append(attributesOf("xml")[:12], "content-type", "application/xml")...), "xml", event.CodeBadValue, "/datacontenttype", `"value":"PGEvPg=="`, "default"},
		{"an attribute twice", record(partition, data, attributesOf("twice", "ce_id", "other")...), "twice", event.CodeDuplicateField, "/id", `"id":"twice"`, "default"},
		{"another content type as an attribute", record(partition, data, attributesOf("dct", "ce_datacontenttype", "text/json")...), "dct", event.CodeUnknownField, "/datacontenttype", "", "default"},
		{"too large", record(partition, inbox("large", map[string]any{"data": map[string]any{"note": long}}), typed...), "large", event.CodeTooLarge, "", `{"data":{"note":"xxx`, ""},
		{"too large, binary", record(partition, []byte(`{"note":"`+long+`"}`), attributesOf("large2")...), "large2", event.CodeTooLarge, "", "", "default"},
		{"no workspace", record(partition, []byte(one("nowhere", nil)), typed...), "nowhere", event.CodeMissingField, "/workspace", `"id":"nowhere"`, ""},
		{"an empty workspace", record(partition, inbox("empty", map[string]any{"workspace": ""}), typed...), "empty", event.CodeMissingField, "/workspace", "", ""},
		{"a bad name", record(partition, inbox("bad", map[string]any{"workspace": "a/b"}), typed...), "bad", event.CodeBadValue, "/workspace", "", ""},
		{"a name that nobody knows", record(partition, inbox("typo", map[string]any{"workspace": "defaults"}), typed...), "typo", event.CodeUnknownWorkspace, "/workspace", "", ""},
		{"a bad event of a workspace", record(partition, inbox("timeless", map[string]any{"time": nil, "workspace": "other"}), typed...), "timeless", event.CodeMissingTime, "/time", "", "other"},
		{"an unknown field", record(partition, []byte(`{"workflow":"w","dooing_minutes":1}`), attributesOf("field")...), "field", event.CodeUnknownField, "/data/dooing_minutes", "", "default"},
		{"a name of a field that is huge", record(partition, []byte(`{"`+strings.Repeat("\\u0001", 40<<10)+`":1}`), attributesOf("name")...), "name", event.CodeUnknownField, "", "", "default"},
	}
}

// What is no event is kept with its bytes, a code and a pointer, under the workspace that it names if there is one, else
// under that of the installation, and holds up nothing.
func TestInboxRefuses(t *testing.T) {
	cfg := config(t)
	cfg.Workspace, cfg.InboxWorkspaces = "home", []string{"default", "other"}
	s := serve(t, cfg)
	cases := refusals(0)
	client := foreign(t, cfg.Bus)
	for _, c := range cases {
		send(t, client, c.record)
	}
	send(t, client, record(0, inbox("good", nil), "content-type", structured))
	s.passed(t, len(cases)+1)
	stored(t, cfg.Bus, 1)
	rejects := topic(t, cfg.Bus, bus.Rejected, len(cases))
	got := map[int64]refused{}
	for _, m := range rejects {
		var r refused
		if err := json.Unmarshal(m.Value, &r); err != nil {
			t.Fatal(err)
		}
		var partition, at int64
		var offset int64
		if _, err := fmt.Sscanf(r.RejectID, "inbox-%d-%d-%d", &partition, &offset, &at); err != nil || r.At.UnixMilli() != at {
			t.Errorf("reject id %q, at %s: %v", r.RejectID, r.At, err)
		}
		got[offset] = r
	}
	for i, c := range cases {
		r := got[int64(i)]
		workspace := cmp.Or(c.workspace, "home")
		if r.Code != string(c.code) || c.pointer != "" && r.Pointer != c.pointer || r.ID != c.id || r.Workspace != workspace || r.Stage != "gate" || r.Message == "" {
			t.Errorf("%s: %+v; want %s at %q, id %q, workspace %q", c.name, r.short(), c.code, c.pointer, c.id, workspace)
		}
		if !strings.Contains(string(r.Raw), c.raw) || len(r.Raw) > event.MaxSize {
			t.Errorf("%s: raw %.80q of %d bytes, want %q in it", c.name, r.Raw, len(r.Raw), c.raw)
		}
	}
	metrics := s.do(t, http.MethodGet, "/metrics", "", nil).Body
	for _, want := range []string{
		`plumbline_collector_inbox_messages_total{code="unknown_workspace",kind="hours_saved",state="rejected"} 1`,
		`plumbline_collector_inbox_messages_total{code="",kind="hours_saved",state="accepted"} 1`,
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
}

// refused is a reject on its topic.
type refused struct {
	Workspace string    `json:"workspace"`
	RejectID  string    `json:"reject_id"`
	At        time.Time `json:"at"`
	Stage     string    `json:"stage"`
	ID        string    `json:"id"`
	Code      string    `json:"code"`
	Pointer   string    `json:"pointer"`
	Message   string    `json:"message"`
	Raw       []byte    `json:"raw"`
}

func (r refused) short() refused {
	r.Raw = nil
	return r
}

// What a producer has taken back is no event: neither taken nor refused.
func TestInboxAbortedTransaction(t *testing.T) {
	cfg := config(t)
	s := serve(t, cfg)
	client := foreign(t, cfg.Bus, kgo.TransactionalID("foreign "+cfg.Bus.Prefix))
	transaction := func(end kgo.TransactionEndTry, ids ...string) {
		t.Helper()
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		for i, id := range ids {
			send(t, client, record(int32(i%3), inbox(id, nil), "content-type", structured))
		}
		if err := client.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	transaction(kgo.TryCommit, "a", "b", "c")
	transaction(kgo.TryAbort, "x", "y", "z")
	transaction(kgo.TryCommit, "d", "e", "f")
	s.passed(t, 6)
	events := stored(t, cfg.Bus, 6)
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		if _, ok := events[id]; !ok {
			t.Errorf("%s is missing", id)
		}
	}
}
