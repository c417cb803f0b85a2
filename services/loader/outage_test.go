package loader

import (
	"context"
	"net/url"
	"strconv"
	"testing"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/embedded" //nolint:depguard // the test stops the engine, which the shared one of embeddedtest must not
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/warehouse"
)

// The warehouse goes away in the middle and comes back: nothing is lost, nothing is twice, and nobody had to restart
// the loader.
func TestWarehouseAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	start := func(port int) *embedded.Database {
		t.Helper()
		engine, err := embedded.StartDatabase(t.Context(), embedded.DatabaseConfig{Dir: dir, TCPPort: port})
		if err != nil {
			t.Fatal(err)
		}
		return engine
	}
	engine := start(0)
	defer func() { _ = engine.Stop(context.Background()) }()
	brokers, prefix := embeddedtest.Broker(t)
	w := worldOf(t, Config{
		Listen: "127.0.0.1:0", Bus: bus.Config{Brokers: brokers, Prefix: prefix, Partitions: 2},
		Warehouse: warehouse.Config{DSN: engine.DSN()}, Linger: 50 * time.Millisecond, RollLinger: 50 * time.Millisecond, Session: 6 * time.Second,
	})
	rows := w.history(21)
	w.run(nil)
	w.send(rows[:len(rows)/2]...)
	w.complete()
	if err := engine.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.send(rows[len(rows)/2:]...)
	address, err := url.Parse(w.cfg.Warehouse.DSN)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(address.Port())
	if err != nil {
		t.Fatal(err)
	}
	engine = start(port)
	w.eventually("the warehouse answers", func() bool { return w.db.Ping(t.Context()) == nil })
	w.check(rows, time.UTC)
}
