package standalone_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/warehouse"
	"plumbline/services/standalone"
)

// exampleCount is how many events each example sends.
const exampleCount = 10_000

// installed installs what the examples import, and returns the python that has it. Without the packages there is nothing to test, and
// no test that says that all is well.
var installed = sync.OnceValues(func() (string, error) {
	cmd := exec.CommandContext(context.Background(), filepath.Join("..", "..", "scripts", "examples"))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("scripts/examples: %w\n%s", err, errs.String())
	}
	return strings.TrimSpace(string(out)), nil
})

// Every example sends ten thousand events with a package that others have made, from its own registry, and all of them arrive, once.
func TestExamples(t *testing.T) {
	python, err := installed()
	if err != nil {
		t.Fatal(err)
	}
	dsn := embeddedtest.Database(t)
	addrs, prefix := embeddedtest.Broker(t)
	s := serve(t, func(c *standalone.Config) { c.ClickHouse, c.Kafka, c.Prefix = dsn, addrs, prefix })
	db, err := warehouse.Open(t.Context(), warehouse.Config{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	env := append(os.Environ(),
		"PLUMBLINE_URL="+s.URL, "PLUMBLINE_WRITE_KEY="+s.WriteKey, "KAFKA_BROKERS="+strings.Join(addrs, ","),
		"PLUMBLINE_INBOX="+bus.Config{Prefix: prefix}.Topic(bus.Inbox), fmt.Sprint("COUNT=", exampleCount))
	for _, test := range []struct {
		name          string
		command       []string
		source, table string
		id            string
	}{
		{"segment", []string{"node", "segment.mjs"}, "/segment/default", "conversion", "order-"},
		{"cloudevents of npm", []string{"node", "cloudevents.mjs"}, "/examples/node", "training", "node-"},
		{"kafkajs", []string{"node", "kafka.mjs"}, "/examples/kafka-node", "training", "kafka-node-"},
		{"cloudevents of PyPI", []string{python, "http_events.py"}, "/examples/python", "training", "python-"},
		{"confluent-kafka", []string{python, "kafka_events.py"}, "/examples/kafka-python", "training", "kafka-python-"},
	} {
		t.Run(test.name, func(t *testing.T) {
			begun := time.Now()
			folder := "node"
			if test.command[0] == python {
				folder = "python"
			}
			cmd := exec.CommandContext(t.Context(), test.command[0], test.command[1:]...)
			cmd.Dir, cmd.Env = filepath.Join("examples", folder), env
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", test.command[1], err, out)
			}
			sent := time.Since(begun)
			waitFor(t, "all events of "+test.name, func() bool {
				noRejects(t, db, test.source)
				return len(storedIDs(t, db, test.table, test.source)) >= exampleCount
			})
			ids := storedIDs(t, db, test.table, test.source)
			for n := range exampleCount {
				if rows := ids[fmt.Sprint(test.id, n)]; rows != 1 {
					t.Fatalf("%s%d is stored %d times", test.id, n, rows)
				}
			}
			if len(ids) != exampleCount {
				t.Errorf("%d ids are stored, %d were sent", len(ids), exampleCount)
			}
			if test.table == "conversion" {
				orders(t, db)
			}
			t.Logf("sent in %s, stored in %s", sent.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
		})
	}
}

// orders checks what the example of Segment's SDK comes to: 10,000 orders of 27.50 EUR of 100 customers, half of them in each arm, and
// no name of a customer.
func orders(t *testing.T, db *warehouse.DB) {
	t.Helper()
	var sums []struct {
		Variant string `ch:"variant"`
		Orders  uint64 `ch:"orders"`
		Value   string `ch:"value"`
		People  uint64 `ch:"people"`
		Raw     uint64 `ch:"raw"`
	}
	if err := db.Query(t.Context(), `SELECT variant, sum(conversions) AS orders, toString(sum(value)) AS value, uniqExact(person) AS people,
  countIf(position(person, '@') > 0) AS raw FROM conversion FINAL WHERE source = '/segment/default' GROUP BY variant ORDER BY variant`, nil, &sums); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sums); got != "[{a 5000 137500 50 0} {b 5000 137500 50 0}]" {
		t.Errorf("the orders come to %s", got)
	}
}

// noRejects ends the test where something of a source was refused, and says why.
func noRejects(t *testing.T, db *warehouse.DB, source string) {
	t.Helper()
	var rows []struct {
		ID      string `ch:"id"`
		Code    string `ch:"code"`
		Pointer string `ch:"pointer"`
		Message string `ch:"message"`
	}
	const sql = "SELECT id, code, pointer, message FROM rejects WHERE source = {source:String} LIMIT 1"
	if err := db.Query(t.Context(), sql, map[string]any{"source": source}, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) > 0 {
		t.Fatalf("refused: %+v", rows[0])
	}
}

// storedIDs are the ids of a source, with how many rows each has.
func storedIDs(t *testing.T, db *warehouse.DB, table, source string) map[string]uint64 {
	t.Helper()
	var rows []struct {
		ID string `ch:"id"`
		N  uint64 `ch:"n"`
	}
	sql := "SELECT id, count() AS n FROM " + table + " FINAL WHERE workspace = 'default' AND source = {source:String} GROUP BY id"
	if err := db.Query(t.Context(), sql, map[string]any{"source": source}, &rows); err != nil {
		t.Fatal(err)
	}
	out := make(map[string]uint64, len(rows))
	for _, r := range rows {
		out[r.ID] = r.N
	}
	return out
}
