package standalone_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/services/standalone"
	"plumbline/services/standalone/cli"
)

// tailing runs "plumbline tail" and returns its lines.
func tailing(t *testing.T, s standalone.Server, args ...string) *bufio.Scanner {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	watching, note := io.Pipe()
	env := map[string]string{"PLUMBLINE_URL": s.URL, "PLUMBLINE_WRITE_KEY": s.WriteKey}
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Main(ctx, append([]string{"tail"}, args...), cli.Streams{
			In: strings.NewReader(""), Out: in, Err: note, Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		})
	}()
	t.Cleanup(func() {
		cancel()
		go func() { _, _ = io.Copy(io.Discard, io.MultiReader(out, watching)) }()
		if code := <-ended; code != 0 {
			t.Errorf("tail ended with %d", code)
		}
	})
	notes := bufio.NewScanner(watching)
	if !notes.Scan() || notes.Text() != "tail: watching" {
		t.Fatalf("tail says %q", notes.Text())
	}
	return bufio.NewScanner(out)
}

// Where an event is, from the inbox to the numbers and out of them again, by the command line; the tail shows it pass.
func TestWhereIsMyEvent(t *testing.T) {
	addrs, prefix := embeddedtest.Broker(t)
	s := serve(t, func(c *standalone.Config) { c.Kafka, c.Prefix = addrs, prefix })
	all, rejects := tailing(t, s, "--json"), tailing(t, s, "--outcome", "rejected", "--source", "/els*")
	const sample = `{"specversion":"1.0","id":"%s","source":"/elsewhere","type":"plumbline.hours_saved.v1","time":"2026-10-01T12:00:00Z",` +
		`"workspace":"default","data":{"workflow":"w","team":"t","doing_minutes":%s,"baseline_minutes":60}}`
	inbox := &kafka.Writer{
		Addr: kafka.TCP(addrs...), Topic: bus.Config{Prefix: prefix}.Topic(bus.Inbox), RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond,
		// The transport that all share may remember which topics there were before.
		Transport: &kafka.Transport{},
	}
	defer func() { _ = inbox.Close() }()
	for id, minutes := range map[string]string{"good": "30", "bad": `"30"`} {
		if err := inbox.WriteMessages(t.Context(), kafka.Message{
			Key: []byte("theirs"), Value: fmt.Appendf(nil, sample, id, minutes),
			Headers: []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}},
		}); err != nil {
			t.Fatal(err)
		}
	}
	seen := map[string]string{}
	for range 2 {
		all.Scan()
		var it struct{ ID, Outcome string }
		if err := json.Unmarshal(all.Bytes(), &it); err != nil {
			t.Fatalf("%v: %s", err, all.Text())
		}
		seen[it.ID] = it.Outcome
	}
	if seen["good"] != "accepted" || seen["bad"] != "rejected" {
		t.Errorf("the tail shows %v", seen)
	}
	if rejects.Scan(); !strings.Contains(rejects.Text(), "rejected hours_saved   /elsewhere bad: wrong_type at /data/doing_minutes: ") {
		t.Errorf("the tail of rejects shows %q", rejects.Text())
	}

	eventually(t, s, "in the numbers   yes", "--id", "good")
	eventually(t, s, "bad of /elsewhere is rejected", "--id", "bad")
	code, out, errs := plumbline(t, s, "event", "--source", "/elsewhere", "--id", "good", "--json")
	var where struct {
		State     string
		InNumbers bool `json:"in_numbers"`
	}
	if err := json.Unmarshal([]byte(out), &where); err != nil || code != 0 || where.State != "loaded" || !where.InNumbers {
		t.Errorf("%d %s %s %v", code, out, errs, err)
	}
	if code, out, _ := plumbline(t, s, "event", "--source", "/elsewhere", "--id", "never"); code != 1 || !strings.Contains(out, "never of /elsewhere is unknown") {
		t.Errorf("never sent: %d %s", code, out)
	}
	void := `{"specversion":"1.0","id":"v","source":"/fix","type":"plumbline.void.v1","time":"2026-10-02T12:00:00Z","data":{"source":"/elsewhere","id":"good","reason":"a test"}}`
	if status, body := request(t, http.MethodPost, s.URL+"/v1/events", s.WriteKey, "application/cloudevents+json", void); status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	eventually(t, s, "voided by        v of /fix", "--id", "good")
	eventually(t, s, "no: it is voided", "--id", "good")
}

// eventually asks for an event of /elsewhere until the answer has the text.
func eventually(t *testing.T, s standalone.Server, want string, args ...string) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		code, out, errs := plumbline(t, s, append([]string{"event", "--source", "/elsewhere"}, args...)...)
		if strings.Contains(out, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v: %d %s%s; want %q", args, code, out, errs, want)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
