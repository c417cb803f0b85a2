package collector_test

import (
	"bufio"
	"io"
	"net/http"
	"testing"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
)

// The broker goes away while a file is being taken: the import waits for it, takes nothing more meanwhile, and goes on.
func TestImportWaitsForTheLog(t *testing.T) {
	dir, broker, s := withOwnBroker(t)
	feed, answer := s.uploading(t, hoursHead+hours(1, 1500))
	answers := bufio.NewReader(answer)
	if _, err := answers.ReadString('\n'); err != nil { // the first thousand are in the log
		t.Fatal(err)
	}
	if err := broker.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(feed, hours(1501, 30_000))
		_ = feed.Close()
	}()
	s.ready(t, http.StatusServiceUnavailable)
	restart(t, dir, broker)
	rest, err := io.ReadAll(answers)
	if err != nil {
		t.Fatal(err)
	}
	sum := summaryOf(t, string(rest))
	if !sum.Complete || sum.Accepted != 31_500 || sum.NextRow != 31_501 || len(sum.Rejected) != 0 {
		t.Errorf("%+v %+v", sum, sum.Error)
	}
	// A try that was not confirmed may be in the log all the same; the identity absorbs it.
	ids := map[string]bool{}
	for _, m := range everything(t, s.cfg.Bus, bus.Events) {
		e, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			t.Fatal(err)
		}
		ids[e.ID] = true
	}
	if len(ids) != 31_500 {
		t.Errorf("%d rows are in the log", len(ids))
	}
}
