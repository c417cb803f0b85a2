package collector_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/services/collector"
)

// told is the last line of the answer to an import.
type told struct {
	Complete bool
	Error    *struct {
		Code, Message string
		Line          int
	}
	Mapping                            string
	Rows, Events, Accepted, Duplicates int
	Rejected, Skipped                  map[string]int
	Absent                             []string
	Problems                           []struct {
		Line                           int
		Column, Pointer, Code, Message string
	}
	NextRow int `json:"next_row"`
}

const hoursImport = "/v1/import?kind=hours_saved&source=/sheets"

// imports sends a file that is taken.
func (s *served) imports(t *testing.T, path, contentType, body string, header map[string]string) told {
	t.Helper()
	all := map[string]string{"Content-Type": contentType}
	maps.Copy(all, header)
	a := s.do(t, http.MethodPost, path, body, all)
	if a.Status != http.StatusOK || a.Header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	return summaryOf(t, a.Body)
}

func summaryOf(t *testing.T, body string) told {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(body), "\n")
	var last struct{ Summary *told }
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil || last.Summary == nil {
		t.Fatalf("no summary at the end of %s: %v", body, err)
	}
	return *last.Summary
}

// hours are n rows, the first with the number from.
func hours(from, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "r%d,2026-11-01 09:30:00,blog-post,%d\n", from+i, 1+i%50)
	}
	return b.String()
}

const hoursHead = "id,time,workflow,doing_minutes\n"

// Rows become events, each with its answer; what is wrong with one costs no other anything.
func TestImport(t *testing.T) {
	s := serve(t, config(t))
	file := hoursHead + hours(1, 2500) + "r1,2026-11-01,blog-post,12x\nr9,2026-11-01,,\nr1,2026-11-01 09:30:00,blog-post,1\n"
	sum := s.imports(t, hoursImport, "text/csv; charset=utf-8", file, nil)
	// 2,500 rows, one that can not be converted, one that the contract refuses, and one that repeats the first, which the loader sees.
	if !sum.Complete || sum.Rows != 2503 || sum.Events != 2503 || sum.Accepted != 2501 || sum.NextRow != 2504 || sum.Mapping != "hours_saved" {
		t.Errorf("%+v", sum)
	}
	if sum.Rejected["bad_value"] != 1 || sum.Rejected["missing_field"] != 1 || len(sum.Problems) < 2 {
		t.Errorf("%+v", sum)
	}
	for _, p := range sum.Problems {
		if p.Code == "bad_value" && (p.Line != 2502 || p.Column != "doing_minutes") || p.Code == "missing_field" && (p.Line != 2503 || p.Pointer == "") {
			t.Errorf("%+v", p)
		}
	}
	if got := everything(t, s.cfg.Bus, bus.Events); len(got) != 2501 {
		t.Errorf("%d events are in the log", len(got))
	}
	if got := kept(t, s.cfg.Bus, 1); got["r9"].Code != "missing_field" {
		t.Errorf("kept: %+v", got)
	}
}

// Formats, packed or not; a mapping of the library with its parameters; filters of rows.
func TestImportFormats(t *testing.T) {
	s := serve(t, config(t))
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, hoursHead+hours(1, 10))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if sum := s.imports(t, hoursImport, "text/csv", packed.String(), map[string]string{"Content-Encoding": "gzip"}); sum.Accepted != 10 {
		t.Errorf("gzip: %+v", sum)
	}
	lines := `{"id":"n1","time":"2026-11-01T09:00:00Z","workflow":"blog-post","doing_minutes":5}` + "\n" + `{"time":"2026-11-01T09:00:00Z","workflw":"x"}` + "\n"
	if sum := s.imports(t, hoursImport, "application/x-ndjson", lines, nil); sum.Accepted != 1 || sum.Rejected["unknown_field"] != 1 {
		t.Errorf("NDJSON: %+v", sum)
	}
	if sum := s.imports(t, "/v1/import?mapping=cloudevents", "application/x-ndjson", one("ce1", nil)+"\n"+one("ce2", map[string]any{"time": nil})+"\n", nil); sum.Accepted != 1 || sum.Rejected["missing_time"] != 1 {
		t.Errorf("CloudEvents: %+v", sum)
	}
	if sum := s.imports(t, "/v1/import?mapping=ga4", "application/x-ndjson", `{"event_nam":"purchase","event_timestamp":"1","user_pseudo_id":"u"}`+"\n", nil); sum.Skipped["not_purchase"] != 1 ||
		len(sum.Absent) != 1 || sum.Absent[0] != "event_name" {
		t.Errorf("a column that no row has: %+v", sum)
	}
	deals := "opportunity_id,deal_stage,close_date,engage_date,close_value,product\nd1,Won,2/3/2017,1/2/2017,100,GTX\n"
	set := "&set=" + url.QueryEscape("assisted_products=GTX,GTK") + "&set=currency%3DEUR"
	if sum := s.imports(t, "/v1/import?mapping=crm_sales_pipeline"+set, "text/csv", deals, nil); sum.Accepted != 1 {
		t.Errorf("parameters: %+v", sum)
	}
	type row struct {
		ID      string    `parquet:"id"`
		Time    time.Time `parquet:"time,timestamp(millisecond)"`
		Flow    string    `parquet:"workflow"`
		Minutes int64     `parquet:"doing_minutes,decimal(1:9)"`
	}
	var file bytes.Buffer
	w := parquet.NewGenericWriter[row](&file)
	if _, err := w.Write([]row{{"p1", now(), "blog-post", 125}, {"p2", now(), "blog-post", 5}}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if sum := s.imports(t, hoursImport, "application/vnd.apache.parquet", file.String(), nil); sum.Accepted != 2 || !sum.Complete {
		t.Errorf("Parquet: %+v", sum)
	}
	got := stored(t, s.cfg.Bus, 10+1+1+1+2)
	if h, ok := got["p1"].Data.(*event.HoursSaved); !ok || h.DoingMinutes.Decimal().String() != "12.5" {
		t.Errorf("%+v", got["p1"].Data)
	}
	if d, ok := got["d1-Won"].Data.(*event.Pipeline); !ok || d.Currency != "EUR" {
		t.Errorf("%+v", got["d1-Won"].Data)
	}
}

// What is wrong with a request or with the head of a file is said before anything is taken.
func TestImportRefusals(t *testing.T) {
	key, narrow, err := access.NewKey("narrow", "default")
	if err != nil {
		t.Fatal(err)
	}
	key.Sources = []string{"/mine"}
	cfg := config(t)
	cfg.Keys = append(cfg.Keys, key)
	s := serve(t, cfg)
	for name, c := range map[string]struct {
		path, kind, body string
		status           int
		want             string
	}{
		"nothing named":   {"/v1/import", "text/csv", "", 400, "Give mapping, a name of the library, or kind"},
		"both":            {"/v1/import?mapping=focus&kind=review", "text/csv", "", 400, "Give mapping"},
		"unknown mapping": {"/v1/import?mapping=fokus", "text/csv", "", 400, "the library has"},
		"a path":          {"/v1/import?mapping=..%2Fcalls%2Fsegment", "text/csv", "", 400, "No mapping"},
		"unknown kind":    {"/v1/import?kind=hours&source=x", "text/csv", "", 400, "write one of hours_saved"},
		"no source":       {"/v1/import?kind=hours_saved", "text/csv", "", 400, "Give the source"},
		"unknown set":     {"/v1/import?mapping=focus&set=x%3D1", "text/csv", "", 400, "unknown parameters x"},
		"unknown query":   {hoursImport + "&form_row=2", "text/csv", "", 400, "no parameter form_row"},
		"row":             {hoursImport + "&from_row=0", "text/csv", "", 400, "from_row is the number of a row"},
		"type":            {hoursImport, "application/json", "", 415, "text/csv"},
		"no type":         {hoursImport, "", "", 415, "text/csv"},
		"charset":         {hoursImport, "text/csv; charset=latin1", "", 415, "UTF-8"},
		"wrong format":    {"/v1/import?mapping=cloudevents", "text/csv", "", 400, "reads NDJSON"},
		"empty":           {hoursImport, "text/csv", "", 400, "The file is empty"},
		"columns":         {"/v1/import?mapping=focus", "text/csv", "a,b\n", 400, "has no column"},
		"strange column":  {hoursImport, "text/csv", "time,workflw\n", 400, "workflw"},
		"no parquet":      {hoursImport, "application/vnd.apache.parquet", "PAR1 and so on", 400, "does not end as such"},
	} {
		header := map[string]string{"Content-Type": c.kind}
		if a := s.do(t, http.MethodPost, c.path, c.body, header); a.Status != c.status || !strings.Contains(a.Body, c.want) || a.Code == "" {
			t.Errorf("%s: %d %s, want %d %s", name, a.Status, a.Body, c.status, c.want)
		}
	}
	a := s.do(t, http.MethodPost, hoursImport, hoursHead+hours(1, 1), map[string]string{"Content-Type": "text/csv", "Authorization": "Bearer " + narrow})
	if a.Status != http.StatusForbidden || a.Code != "forbidden_source" {
		t.Errorf("another source: %d %s", a.Status, a.Body)
	}
	if a := s.do(t, http.MethodPost, hoursImport, "x", map[string]string{"Content-Type": "text/csv", "Content-Encoding": "gzip"}); a.Status != 400 || !strings.Contains(a.Body, "not packed with gzip") {
		t.Errorf("not packed: %d %s", a.Status, a.Body)
	}
	if n := len(everything(t, s.cfg.Bus, bus.Events)); n != 0 {
		t.Errorf("%d events were taken", n)
	}
}

// A collector with very little memory says that it takes no files, and not that there is room later.
func TestImportWithoutRoom(t *testing.T) {
	cfg := config(t)
	cfg.MaxInFlightBytes = 2 * collector.MaxBody
	s := serve(t, cfg)
	a := s.do(t, http.MethodPost, hoursImport, hoursHead+hours(1, 1), map[string]string{"Content-Type": "text/csv"})
	if a.Status != http.StatusServiceUnavailable || a.Code != "no_room" || !strings.Contains(a.Body, "--max-in-flight-bytes") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if a := s.post(t, structured, one("small", nil)); a.Status != http.StatusAccepted {
		t.Errorf("an event: %d %s", a.Status, a.Body)
	}
}

// A file that is broken in the middle ends the import there; what stands before is taken, and the answer says where to go on.
func TestImportBreaksOff(t *testing.T) {
	s := serve(t, config(t))
	sum := s.imports(t, hoursImport, "text/csv", hoursHead+hours(1, 1500)+"only,three,cells\n"+hours(1501, 10), nil)
	if sum.Complete || sum.Error == nil || sum.Error.Code != "unreadable" || sum.Error.Line != 1502 || sum.Accepted != 1500 || sum.NextRow != 1501 {
		t.Fatalf("%+v %+v", sum, sum.Error)
	}
	sum = s.imports(t, hoursImport+"&from_row=1501", "text/csv", hoursHead+hours(1, 1510), nil)
	if !sum.Complete || sum.Rows != 10 || sum.Accepted != 10 || sum.NextRow != 1511 {
		t.Errorf("%+v", sum)
	}
	if n := len(everything(t, s.cfg.Bus, bus.Events)); n != 1510 {
		t.Errorf("%d events are in the log, want each once", n)
	}
}

// uploading begins to send a file of hours whose end is still to come, and returns once the answer has begun.
func (s *served) uploading(t *testing.T, begin string) (feed *io.PipeWriter, answer io.Reader) {
	t.Helper()
	body, feed := io.Pipe()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+hoursImport, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer the-key")
	req.Header.Set("Content-Type", "text/csv")
	go func() { _, _ = io.WriteString(feed, begin) }()
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return feed, res.Body
}

// The answer begins while the file is still being sent, and tells what is durable: a client that is cut off goes on there.
func TestImportTellsProgress(t *testing.T) {
	s := serve(t, config(t))
	feed, answer := s.uploading(t, hoursHead+hours(1, 1200))
	line, err := bufio.NewReader(answer).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var at struct {
		Progress struct {
			NextRow  int `json:"next_row"`
			Accepted int
		}
	}
	if err := json.Unmarshal([]byte(line), &at); err != nil || at.Progress.NextRow != 1001 || at.Progress.Accepted != 1000 {
		t.Fatalf("%s: %v", line, err)
	}
	feed.CloseWithError(io.ErrUnexpectedEOF) // the way is cut
	sum := s.imports(t, hoursImport+"&from_row=1001", "text/csv", hoursHead+hours(1, 2000), nil)
	if !sum.Complete || sum.Rows != 1000 {
		t.Errorf("%+v", sum)
	}
	ids := map[string]bool{}
	for _, m := range everything(t, s.cfg.Bus, bus.Events) {
		e, err := event.FromMessage(m.Partition, m.Offset, m.Time, m.Key, bus.Headers(&m), m.Value)
		if err != nil {
			t.Fatal(err)
		}
		ids[e.ID] = true
	}
	// Rows that were under way may be there twice: their identity is the same, and they count once.
	if len(ids) != 2000 {
		t.Errorf("%d rows are in the log, want 2000", len(ids))
	}
}

// A collector that stops says where to go on, and does not wait for the client.
func TestImportEndsWithTheCollector(t *testing.T) {
	s := serve(t, config(t))
	feed, answer := s.uploading(t, hoursHead+hours(1, 1200))
	s.stop()
	all, err := io.ReadAll(answer)
	if err != nil {
		t.Fatal(err)
	}
	_ = feed.Close()
	sum := summaryOf(t, string(all))
	if sum.Complete || sum.Error == nil || sum.Error.Code != "stopping" || sum.NextRow < 1001 || sum.NextRow != sum.Accepted+1 {
		t.Errorf("%+v %+v", sum, sum.Error)
	}
	if err := s.ended(); err != nil {
		t.Error(err)
	}
}
