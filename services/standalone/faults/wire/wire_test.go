package wire_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone/faults/wire"
)

func TestMain(m *testing.M) {
	embeddedtest.Main(m)
}

// listen starts a proxy that ends with the test.
func listen(t *testing.T, d wire.Dialect, target string) *wire.Proxy {
	t.Helper()
	p, err := wire.Listen(t.Context(), d, target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

// get makes one request on a connection of its own, and says whether an answer came.
func get(t *testing.T, addr, path string) bool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return true
}

func TestStepsOfHTTP(t *testing.T) {
	t.Parallel()
	var served atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) }))
	defer server.Close()
	p := listen(t, wire.HTTP, strings.TrimPrefix(server.URL, "http://"))
	cut := func(string) wire.Verdict { return wire.Cut }
	p.When(wire.Rule{Contains: "GET /a ", Skip: 1, Do: cut})
	p.When(wire.Rule{Contains: "GET /b ", After: true, Do: cut})
	for i, want := range []bool{true, false, true} { // the second one is cut, once
		if got := get(t, p.Addr(), "/a"); got != want {
			t.Errorf("request %d for /a: answered %t, want %t", i, got, want)
		}
	}
	if served.Load() != 2 {
		t.Errorf("the server has %d requests, want 2: the one that was cut never came", served.Load())
	}
	if get(t, p.Addr(), "/b") || served.Load() != 3 {
		t.Errorf("the server has %d requests, want 3: the answer was lost, not the request", served.Load())
	}
	if p.Hits() != 2 {
		t.Errorf("%d rules have acted, want 2", p.Hits())
	}
}

func TestRefusesHoldsAndCalms(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	p := listen(t, wire.HTTP, strings.TrimPrefix(server.URL, "http://"))
	p.Refuse(true)
	if get(t, p.Addr(), "/") {
		t.Error("an answer came while connections were refused")
	}
	p.Calm()
	p.Hold(true)
	held := make(chan bool, 1)
	go func() { held <- get(t, p.Addr(), "/") }()
	select {
	case <-held:
		t.Error("an answer came while everything was held")
	case <-time.After(100 * time.Millisecond):
	}
	p.Calm()
	if !<-held {
		t.Error("what was held has not gone on")
	}
	p.Slow(100)
	began := time.Now()
	// A request has about 100 bytes, and so has an answer: two seconds at least one of which is seen.
	if get(t, p.Addr(), "/"); time.Since(began) < 700*time.Millisecond {
		t.Errorf("a slow request took %s", time.Since(began))
	}
}

func TestStepsOfKafka(t *testing.T) {
	t.Parallel()
	broker, prefix := embeddedtest.Broker(t)
	var p *wire.Proxy
	p = listen(t, wire.Kafka(func(address string) string {
		if address == broker[0] {
			return p.Addr()
		}
		return address
	}), broker[0])
	topic := prefix + ".steps"
	client := kafka.Client{Addr: kafka.TCP(p.Addr())}
	if _, err := client.CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: 1, ReplicationFactor: 1}},
	}); err != nil {
		t.Fatal(err)
	}
	var before, after atomic.Int64
	p.When(wire.Rule{Contains: "produce " + topic, Do: func(string) wire.Verdict {
		before.Add(1)
		return wire.Pass
	}})
	// The answer to the first attempt is lost, so that the client writes the message again.
	p.When(wire.Rule{Contains: "produce " + topic, After: true, Do: func(string) wire.Verdict {
		after.Add(1)
		return wire.Cut
	}})
	w := &kafka.Writer{Addr: kafka.TCP(p.Addr()), Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond}
	defer func() { _ = w.Close() }()
	deadline := time.Now().Add(20 * time.Second)
	for {
		err := w.WriteMessages(t.Context(), kafka.Message{Value: []byte("v")})
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if before.Load() != 1 || after.Load() != 1 {
		t.Errorf("met %d requests and %d answers, want 1 of each: metadata leads past the proxy", before.Load(), after.Load())
	}
	res, err := client.ListOffsets(t.Context(), &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(0)}}})
	if err != nil {
		t.Fatal(err)
	}
	if n := res.Topics[topic][0].LastOffset; n != 2 {
		t.Errorf("the log has %d messages, want 2: one of an attempt whose answer was lost", n)
	}
}

func TestStepsOfClickHouse(t *testing.T) {
	t.Parallel()
	dsn, err := url.Parse(embeddedtest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	p := listen(t, wire.ClickHouse, dsn.Host)
	dsn.Host = p.Addr()
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: dsn.String()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	count := func() uint64 {
		var rows []struct {
			N uint64 `ch:"n"`
		}
		if err := db.Query(t.Context(), "SELECT count() AS n FROM progress", nil, &rows); err != nil {
			t.Fatal(err)
		}
		return rows[0].N
	}
	insert := func() error {
		return db.InsertProgress(t.Context(), []warehouse.Progress{{Stream: "events", Through: time.Now(), RecordedAt: time.Now()}})
	}
	cut := func(string) wire.Verdict { return wire.Cut }
	p.When(wire.Rule{Contains: "INSERT INTO progress", Do: cut})
	if err := insert(); err == nil || count() != 0 {
		t.Errorf("insert: %v with %d rows; want an error and no row", err, count())
	}
	p.When(wire.Rule{Contains: "INSERT INTO progress", After: true, Do: cut})
	if err := insert(); err == nil || count() != 1 {
		t.Errorf("insert: %v with %d rows; want an error and a row: the answer was lost", err, count())
	}
	p.When(wire.Rule{Contains: "FROM progress", After: true, Do: func(string) wire.Verdict { return wire.Pass }})
	if count(); p.Hits() != 3 {
		t.Errorf("%d rules have acted, want 3", p.Hits())
	}
}
