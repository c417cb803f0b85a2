package loader

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

const (
	ann       = "Ann.Example@example.com"
	pseudonym = "p0123456789abcdef01234567"
)

// annsWords are what ann has said in a dispute.
const annsWords = "half an hour at most"

// secretOfTests is that of [warehousetest.NewMaker].
const secretOfTests = "a secret of the tests"

func hashOf(person string) string {
	return event.NewSealer([]byte(secretOfTests)).Person(workspace, person)
}

// erasing is a world with an organisation in which ann has a part everywhere.
type erasing struct {
	*world
	rows []event.Stored
	at   time.Time
}

func newErasing(t *testing.T, pause time.Duration) *erasing {
	w := newWorld(t)
	w.cfg.Secret = event.Secret(secretOfTests)
	w.cfg.ErasePause = pause
	e := &erasing{world: w, at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	e.organisation()
	return e
}

// say adds an event with every text of the envelope.
func (e *erasing) say(id string, data event.Data) event.Stored {
	data.Normalise()
	r := e.maker.Stored(e.t, workspace, "s", id, e.at, data)
	r.Subject, r.Extensions = "about "+ann, map[string]string{"by": ann}
	if r.Data.Shared().Person != hashOf(ann) {
		r.Subject, r.Extensions = "", nil
	}
	e.rows = append(e.rows, r)
	return r
}

// name is what a person is called in ids, which stay.
func name(person string) string { return strings.ToLower(strings.SplitN(person, ".", 2)[0]) }

func common(person string) event.Common {
	return event.Common{Person: person, Team: "a", Workflow: "w", URL: "https://example.com/x"}
}

func minutes(s string) *event.Number { return warehousetest.Number(s) }

func (e *erasing) organisation() {
	for day := range 4 {
		e.at = time.Date(2026, 2, 27+day, 12, 0, 0, 0, time.UTC)
		for i, p := range []string{ann, "bob", "cat", "dan", "eve", "fay"} {
			id := fmt.Sprint(name(p), day)
			e.say("h"+id, &event.HoursSaved{Common: common(p), DoingMinutes: minutes(fmt.Sprint(10 + i)), Task: "t of " + p, Trial: "trial"})
			e.say("v"+id, &event.VendorSpend{Common: common(p), Vendor: "V", Category: "ai_tool", BilledCost: *warehousetest.Amount("12.34"), Currency: "EUR"})
			e.say("c"+id, &event.Conversion{Common: common(p), Experiment: "x", Variant: "v"})
			e.say("p"+id, &event.Pipeline{Common: common(p), Deal: "d" + id, Status: "open", Amount: warehousetest.Amount("5.00"), Currency: "EUR"})
			e.say("r"+id, &event.Review{Common: common(p), Asset: "a", Reviewer: "legal", SubmittedAt: event.Time{Time: e.at}})
			e.say("u"+id, &event.Pulse{Common: common(p), Wave: "q1", Role: "ic", ROIProvable: "yes", Comment: "fine"})
			e.say("t"+id, &event.Training{Common: common(p), Course: "c", Hours: minutes("2")})
			e.say("b"+id, &event.Barrier{Common: common(p), Barrier: "b", Category: "policy", Note: "ask " + p, Owner: ann})
		}
		d := fmt.Sprint(day)
		// Corrections: of ann's event by bob, of bob's event to ann's, of a barrier; a void of ann's and one by ann.
		e.say("k1"+d, &event.Correct{
			Common: common("bob"), Source: "s", ID: "hann" + d, Target: event.KindHoursSaved,
			Data: []byte(`{"person":"` + ann + `","team":"a","doing_minutes":7,"task":"redone by ` + ann + `"}`),
		})
		e.say("k2"+d, &event.Correct{
			Common: common(ann), Source: "s", ID: "hbob" + d, Target: event.KindHoursSaved,
			Data: []byte(`{"person":"cat","team":"b","doing_minutes":8,"task":"says ` + ann + `"}`),
		})
		e.say("k3"+d, &event.Correct{
			Source: "s", ID: "bcat" + d, Target: event.KindBarrier,
			Data: []byte(`{"person":"cat","barrier":"b","category":"policy","minutes_lost":3,"owner":"` + ann + `","note":"x"}`),
		})
		e.say("k4"+d, &event.Correct{
			Source: "s", ID: "vann" + d, Target: event.KindVendorSpend,
			Data: []byte(`{"vendor":"V2","category":"ai_tool","billed_cost":"3.10","currency":"EUR","url":"https://example.com/ann"}`),
		})
		e.say("o1"+d, &event.Void{Common: common(ann), Source: "s", ID: "hdan" + d, Reason: ann + " says so"})
		e.say("o2"+d, &event.Void{Common: common("bob"), Source: "s", ID: "hnone" + d})
	}
}

// declare writes versions of an entry of the registry.
func (e *erasing) declare(kind registry.Kind, key, author string, values ...string) {
	e.t.Helper()
	var messages []bus.Message
	for i, v := range values {
		k, value, err := registry.Record{
			Workspace: workspace, Kind: kind, Key: key, EntryID: fmt.Sprint(kind, key, i), Author: author,
			ValidFrom: time.Date(2026, time.Month(1+i), 1, 0, 0, 0, 0, time.UTC), RecordedAt: time.Date(2026, 4, 1+i, 0, 0, 0, 0, time.UTC), Value: []byte(v),
		}.Message()
		if err != nil {
			e.t.Fatal(err)
		}
		messages = append(messages, bus.Message{Key: k, Value: value})
	}
	e.produceTo(bus.Registry, messages...)
}

func (e *erasing) produceTo(topic bus.Name, messages ...bus.Message) {
	e.t.Helper()
	p := bus.NewProducer(e.cfg.Bus, topic)
	_, err := p.Produce(e.t.Context(), messages)
	if err := errors.Join(err, p.Close()); err != nil {
		e.t.Fatal(err)
	}
}

// refuse writes a reject as a collector does.
func (e *erasing) refuse(id, raw string) {
	e.t.Helper()
	value, err := json.Marshal(warehouse.Reject{
		Workspace: workspace, RejectID: id, At: time.Now().UTC().Truncate(time.Millisecond), Stage: warehouse.StageCollector,
		Code: "missing_time", Source: "s", ID: id, Raw: []byte(raw), ContentType: "application/cloudevents+json",
	})
	if err != nil {
		e.t.Fatal(err)
	}
	e.produceTo(bus.Rejected, bus.Message{Key: []byte(id), Value: value})
}

// erase records the erasure of ann.
func (e *erasing) erase(id string) {
	e.t.Helper()
	e.eraseAs(ann, id, pseudonym)
}

// eraseAs records the erasure of a person, as the scorecard does.
func (e *erasing) eraseAs(person, id, pseudonym string) {
	e.t.Helper()
	x := registry.Erasure{
		Workspace: workspace, Person: event.PersonDigest(workspace, hashOf(person)), Pseudonym: pseudonym,
		IDBytes: len(event.NormalPerson(person)), ErasureID: id, RequestedAt: time.Now().UTC().Truncate(time.Millisecond),
		RequestedBy: "admin", Reason: "asked for it", SealCheck: registry.SealCheck(event.NewSealer([]byte(secretOfTests))),
	}
	key, value, err := x.Message()
	if err != nil {
		e.t.Fatal(err)
	}
	e.produceTo(bus.Registry, bus.Message{Key: key, Value: value})
}

// passed waits for a pass of an erasure.
func (e *erasing) passed(id string, number uint8) warehouse.ErasurePass {
	e.t.Helper()
	var found warehouse.ErasurePass
	e.eventually(fmt.Sprintf("pass %d of %s", number, id), func() bool {
		passes, err := e.db.ErasurePasses(e.t.Context(), workspace)
		if err != nil {
			e.t.Fatal(err)
		}
		for _, p := range passes {
			if p.ErasureID == id && p.Pass == number {
				found = p
				return true
			}
		}
		return false
	})
	return found
}

// mentions are the places, table and column, in which a text stands, whatever its case.
func (e *erasing) mentions(text string) []string {
	e.t.Helper()
	var columns []struct {
		Table string `ch:"table"`
		Name  string `ch:"name"`
	}
	const sql = "SELECT table, name FROM system.columns WHERE database = currentDatabase() AND type LIKE '%String%' ORDER BY table, position"
	if err := e.db.Query(e.t.Context(), sql, nil, &columns); err != nil {
		e.t.Fatal(err)
	}
	if len(columns) < 150 {
		e.t.Fatalf("only %d columns of texts are looked at", len(columns))
	}
	byTable := map[string][]string{}
	for _, c := range columns {
		byTable[c.Table] = append(byTable[c.Table], "countIf(positionCaseInsensitiveUTF8(toString(`"+c.Name+"`), {plain:String}) > 0 OR "+
			"position(toString(`"+c.Name+"`), {packed:String}) > 0) > 0 ? '"+c.Name+"' : ''")
	}
	var out []string
	args := map[string]any{"plain": text, "packed": base64.StdEncoding.EncodeToString([]byte(text))}
	for table, found := range byTable {
		var rows []struct {
			Names []string `ch:"names"`
		}
		if err := e.db.Query(e.t.Context(), "SELECT arrayFilter(x -> x != '', ["+strings.Join(found, ", ")+"]) AS names FROM "+table, args, &rows); err != nil {
			e.t.Fatal(err)
		}
		for _, name := range rows[0].Names {
			out = append(out, table+"."+name)
		}
	}
	slices.Sort(out)
	return out
}

// nowhere fails where ann still stands in a table, by id or by hash.
func (e *erasing) nowhere() {
	e.t.Helper()
	for _, text := range []string{ann, hashOf(ann)} {
		if found := e.mentions(text); found != nil {
			e.t.Errorf("%s stands in %v", text, found)
		}
	}
}

// rollups are the rollups as readers see them, with ann's hash replaced.
func (e *erasing) rollups() []string {
	e.t.Helper()
	rows := warehousetest.ReadRollups(e.t.Context(), e.t, e.db, workspace)
	for i, r := range rows {
		rows[i] = strings.ReplaceAll(r, hashOf(ann), pseudonym)
	}
	slices.Sort(rows)
	return rows
}

func (e *erasing) rejects() map[string]string {
	e.t.Helper()
	var rows []struct {
		Code string `ch:"code"`
		ID   string `ch:"id"`
		Type string `ch:"content_type"`
		Raw  string `ch:"raw"`
	}
	if err := e.db.Query(e.t.Context(), "SELECT code, id, content_type, raw FROM rejects FINAL ORDER BY reject_id", nil, &rows); err != nil {
		e.t.Fatal(err)
	}
	out := map[string]string{}
	for _, r := range rows {
		if (r.Type == warehouse.ErasedType) != (r.Raw == "") {
			e.t.Errorf("reject %s has the type %s and %d bytes", r.ID, r.Type, len(r.Raw))
		}
		out[r.Code+" "+r.ID] = r.Raw
	}
	return out
}

// registryIsRenamed checks that ann's entries live on under the pseudonym, on the topic too.
func (e *erasing) registryIsRenamed() {
	e.t.Helper()
	s := e.registryOf(6)
	for month, class := range map[time.Month]string{1: "junior", 2: "senior"} {
		p, _, ok := registry.Find[registry.Person](s, registry.People, pseudonym, time.Date(2026, month, 15, 0, 0, 0, 0, time.UTC))
		if !ok || p.RateClass != class {
			e.t.Errorf("in month %d the pseudonym has %+v, want %s", month, p, class)
		}
	}
	if h := s.History(registry.People, hashOf("bob")); len(h) != 1 || h[0].Author != pseudonym {
		e.t.Errorf("bob's entry: %+v", h)
	}
	for _, v := range s.History(registry.Workflows, "w") {
		if !strings.Contains(string(v.Value), pseudonym) {
			e.t.Errorf("the workflow says %s", v.Value)
		}
	}
	if d, ok := s.Dispute("d"); !ok || d.Raised.Author != pseudonym || !d.Raised.Step.Erased {
		e.t.Errorf("the dispute that she has raised: %+v", d)
	}
	if found := e.mentions(annsWords); found != nil {
		e.t.Errorf("what she has said in it stands in %v", found)
	}
	latest := map[string][]byte{}
	reader := kafka.Client{Addr: kafka.TCP(e.cfg.Bus.Brokers...)}
	for p := range e.cfg.Bus.PartitionCount() {
		maps.Copy(latest, e.topic(&reader, p))
	}
	for key, value := range latest {
		if value != nil && (strings.Contains(key, hashOf(ann)) || strings.Contains(string(value), hashOf(ann)) || strings.Contains(string(value), ann) || strings.Contains(string(value), annsWords)) {
			e.t.Errorf("the topic keeps %q: %s", key, value)
		}
	}
}

// registryOf waits until the registry has so many versions, none of them twice.
func (e *erasing) registryOf(n int) *registry.Snapshot {
	e.t.Helper()
	var records []registry.Record
	e.eventually(fmt.Sprintf("the registry has %d versions", n), func() bool {
		var err error
		if records, err = e.db.Registry(e.t.Context(), workspace); err != nil {
			e.t.Fatal(err)
		}
		return len(records) == n
	})
	return registry.NewSnapshot(records)
}

// topic reads the last message of every key of a partition of the registry.
func (e *erasing) topic(client *kafka.Client, partition int) map[string][]byte {
	e.t.Helper()
	out := map[string][]byte{}
	offsets, err := client.ListOffsets(e.t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{
		e.cfg.Bus.Topic(bus.Registry): {kafka.LastOffsetOf(partition)},
	}})
	if err != nil {
		e.t.Fatal(err)
	}
	end := offsets.Topics[e.cfg.Bus.Topic(bus.Registry)][0].LastOffset
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: e.cfg.Bus.Brokers, Topic: e.cfg.Bus.Topic(bus.Registry), Partition: partition, MaxWait: 100 * time.Millisecond})
	defer func() { _ = r.Close() }()
	// Compaction may have taken the last messages, so that nothing more comes.
	ctx, cancel := context.WithTimeout(e.t.Context(), 3*time.Second)
	defer cancel()
	for r.Offset() < end {
		m, err := r.ReadMessage(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			break
		}
		if err != nil {
			e.t.Fatal(err)
		}
		out[string(m.Key)] = m.Value
		if m.Offset == end-1 {
			break
		}
	}
	return out
}

// rewind sets all consumers back to the start of their topics. No loader runs.
func (e *erasing) rewind() {
	e.t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(e.cfg.Bus.Brokers...), Timeout: 10 * time.Second}
	for group, topic := range map[string]bus.Name{groupLoader: bus.Events, groupRegistry: bus.Registry, groupRejected: bus.Rejected, groupRoller: bus.Marks, groupAudit: bus.Audit} {
		var commits []kafka.OffsetCommit
		for p := range e.cfg.Bus.PartitionCount() {
			commits = append(commits, kafka.OffsetCommit{Partition: p})
		}
		e.eventually("the group "+group+" is empty", func() bool {
			ctx, cancel := context.WithTimeout(e.t.Context(), 5*time.Second)
			defer cancel()
			res, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{
				GroupID: e.cfg.Bus.Group(group), GenerationID: -1, Topics: map[string][]kafka.OffsetCommit{e.cfg.Bus.Topic(topic): commits},
			})
			if err != nil {
				return false
			}
			for _, p := range res.Topics[e.cfg.Bus.Topic(topic)] {
				if p.Error != nil {
					return false
				}
			}
			return true
		})
	}
}

func (e *erasing) mustExec(sql string) {
	e.t.Helper()
	var none []struct{}
	if err := e.db.Query(e.t.Context(), sql, nil, &none); err != nil && !strings.Contains(err.Error(), "EOF") {
		e.t.Fatal(err)
	}
}
