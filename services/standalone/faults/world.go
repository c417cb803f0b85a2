package faults

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"golang.org/x/sync/errgroup"

	"plumbline/pkg/bus"
	"plumbline/pkg/event/eventtest"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/waves"
	"plumbline/services/standalone/faults/wire"
	"plumbline/services/standalone/parts"
)

const (
	partitions = 4
	secret     = "a secret of the fault suite, 32 characters and more"
	adminToken = "an admin token of the fault suite"
	// session is how long a loader may be silent.
	session = 3 * time.Second
)

// workspaces are those that events are sent to; the first one is that of the scorecard.
func workspaces() []string { return []string{"alpha", "beta", "gamma"} }

// keyOf is the write key of a workspace.
func keyOf(workspace string) string { return workspace + "-key-0123456789abcdef" }

// world is the installation of one run.
type world struct {
	dir, binary string
	kafka       *cluster
	cfg         bus.Config
	// transport is that of everything that the suite itself asks the brokers. It ends with the run: one that goes on would ask a
	// port that is somebody else's by then, and take the answer for one of Kafka's, with lists of billions.
	transport *kafkago.Transport
	database  *member
	collector *member
	scorecard *member
	loaders   []*member
	// front stands between the clients and the collector, desk between the administrator and the scorecard.
	front, desk *wire.Proxy
	// pause is the time between the passes of erasing a person; see [draft.pause].
	pause time.Duration
	// segments is from how many events on a day is rolled in segments; 0: the product's own.
	segments int
	// dsn is the database without a proxy.
	dsn string

	mu      sync.Mutex
	members []*member
	group   sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
}

// newWorld starts an installation with one loader.
func newWorld(ctx context.Context, dir, binary, prefix string, kafka *cluster, d draft) (*world, error) {
	w := &world{dir: dir, binary: binary, kafka: kafka, pause: d.pause(), segments: d.segments, transport: &kafkago.Transport{MetadataTTL: time.Second}}
	w.ctx, w.cancel = context.WithCancel(ctx)
	w.cfg = bus.Config{Brokers: kafka.addrs(), Prefix: prefix, Partitions: partitions, Replication: kafka.replication()}
	if err := w.start(w.ctx); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

func (w *world) start(ctx context.Context) error {
	tcp, err1 := parts.FreePort(ctx)
	http, err2 := parts.FreePort(ctx)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	db, err := parts.Start(ctx, parts.Spec{
		Part: parts.Database, Dir: w.dir, Binary: w.binary,
		Args: []string{"--dir=" + filepath.Join(w.dir, "clickhouse"), "--tcp-port=" + strconv.Itoa(tcp), "--http-port=" + strconv.Itoa(http)},
	})
	if err != nil {
		return err
	}
	w.dsn = db.Addr()
	w.database = w.keep(&member{name: parts.Database, engine: db})
	if _, err := w.addLoader(ctx); err != nil {
		return err
	}
	keys := make([]string, 0, len(workspaces()))
	for _, ws := range workspaces() {
		keys = append(keys, ws+"="+keyOf(ws))
	}
	var g errgroup.Group
	g.Go(func() (err error) {
		w.collector, err = w.service(ctx, parts.Collector, parts.Collector, "--secret="+secret,
			"--workspace-keys="+strings.Join(keys, ","), "--produce-timeout=5s")
		return err
	})
	g.Go(func() (err error) {
		w.scorecard, err = w.service(ctx, parts.Scorecard, parts.Scorecard, "--secret="+secret, "--admin-token="+adminToken,
			"--workspace="+workspaces()[0])
		return err
	})
	if err := g.Wait(); err != nil {
		return err
	}
	if w.front, err = wire.Listen(ctx, wire.HTTP, w.collector.engine.Addr()); err != nil {
		return err
	}
	if w.desk, err = wire.Listen(ctx, wire.HTTP, w.scorecard.engine.Addr()); err != nil {
		return err
	}
	return w.openWaves(ctx)
}

// surveyWave is the wave of the survey that every answer is of.
const surveyWave = "2026-q1"

// openWaves opens the wave of each workspace with a secret that the suite knows: it must say what is stored of an answer.
func (w *world) openWaves(ctx context.Context) error {
	var messages []bus.Message
	for _, ws := range workspaces() {
		key, err := eventtest.Waves(secret).Secret(ws, surveyWave)
		if err != nil {
			return err
		}
		m, err := waves.Opening(ws, surveyWave, key, time.Now())
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	p := bus.NewProducer(w.cfg, bus.Waves)
	_, err := p.Produce(ctx, messages)
	return errors.Join(err, p.Close())
}

// addLoader starts one more loader.
func (w *world) addLoader(ctx context.Context) (*member, error) {
	w.mu.Lock()
	name := fmt.Sprintf("loader%d", len(w.loaders)+1)
	w.mu.Unlock()
	m, err := w.service(ctx, parts.Loader, name, "--session="+session.String(), "--linger=100ms", "--roll-linger=200ms", "--chunk-messages=400",
		"--secret="+secret, "--erase-pause="+w.pause.String(), fmt.Sprintf("--clickhouse-segment-rows=%d", w.segments))
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.loaders = append(w.loaders, m)
	w.mu.Unlock()
	return m, nil
}

// service starts a service with proxies of its own before its engines.
func (w *world) service(ctx context.Context, part, name string, args ...string) (*member, error) {
	port, err := parts.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	m := &member{name: name}
	dsn, err := url.Parse(w.dsn)
	if err != nil {
		return nil, err
	}
	if m.warehouse, err = wire.Listen(ctx, wire.ClickHouse, dsn.Host); err != nil {
		return nil, err
	}
	dsn.Host = m.warehouse.Addr()
	if m.brokers, err = w.kafka.proxies(ctx); err != nil {
		return nil, err
	}
	var addrs []string
	for _, p := range m.brokers {
		addrs = append(addrs, p.Addr())
	}
	args = append(
		args, "--listen=127.0.0.1:"+strconv.Itoa(port), "--log-format=json", "--clickhouse-dsn="+dsn.String(), "--clickhouse-insert-timeout=5s",
		"--kafka-brokers="+strings.Join(addrs, ","), "--kafka-prefix="+w.cfg.Prefix,
		"--kafka-partitions="+strconv.Itoa(partitions), "--kafka-replication="+strconv.Itoa(w.cfg.Replication),
	)
	p, err := parts.Start(ctx, parts.Spec{Part: part, Name: name, Args: args, Dir: w.dir, Binary: w.binary})
	if err != nil {
		return nil, err
	}
	m.engine, m.log = p, p.Log()
	return w.keep(m), nil
}

// keep lets a member be started again where it has ended.
func (w *world) keep(m *member) *member {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.members = append(w.members, m)
	w.group.Go(func() { m.keep(w.ctx) })
	return m
}

// all are the members, brokers too.
func (w *world) all() []*member {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append(append([]*member(nil), w.members...), w.kafka.members...)
}

// links are all proxies between services and engines of one sort.
func (w *world) links(engine string) []*wire.Proxy {
	var out []*wire.Proxy
	for _, m := range w.all() {
		if engine != parts.Database {
			out = append(out, m.brokers...)
		}
		if engine != parts.Broker && m.warehouse != nil {
			out = append(out, m.warehouse)
		}
	}
	return out
}

// calm ends all faults, and waits until everything runs.
func (w *world) calm(ctx context.Context) error {
	w.front.Calm()
	w.desk.Calm()
	for _, p := range w.links("") {
		p.Calm()
	}
	for _, m := range w.all() {
		m.calm()
	}
	for _, m := range w.all() {
		if err := m.await(ctx); err != nil {
			return err
		}
	}
	return nil
}

// stop ends everything but the brokers.
func (w *world) stop() error {
	w.cancel()
	w.group.Wait()
	w.transport.CloseIdleConnections()
	for _, p := range []*wire.Proxy{w.front, w.desk} {
		if p != nil {
			p.Close()
		}
	}
	var g errgroup.Group
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, m := range w.members {
		g.Go(func() error {
			m.engine.Resume()
			m.engine.Kill()
			for _, p := range append(m.brokers, m.warehouse) {
				if p != nil {
					p.Close()
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// client asks the brokers without a proxy.
func (w *world) client() *kafkago.Client {
	return &kafkago.Client{Addr: kafkago.TCP(w.cfg.Brokers...), Timeout: 10 * time.Second, Transport: w.transport}
}

// open opens the warehouse without a proxy.
func (w *world) open(ctx context.Context) (*warehouse.DB, error) {
	return warehouse.Open(ctx, warehouse.Config{DSN: w.dsn})
}

// await is open, for a database that a fault may have killed just now: it comes back.
func (w *world) await(ctx context.Context) (*warehouse.DB, error) {
	for deadline := time.Now().Add(settleTime); ; {
		db, err := w.open(ctx)
		if err == nil || time.Now().After(deadline) {
			return db, err
		}
		if stopped := process.Wait(ctx, 100*time.Millisecond); stopped != nil {
			return nil, errors.Join(stopped, err)
		}
	}
}

// engine is a process that can be hurt: one of package parts, or a broker of Apache Kafka.
type engine interface {
	Addr() string
	Running() bool
	Kill()
	Pause()
	Resume()
	Restart(ctx context.Context) error
	LimitFiles(size uint64) error
}

// member is a process of the installation, with the proxies through which it reaches the engines.
type member struct {
	name string
	// log is the path of its log file.
	log       string
	engine    engine
	brokers   []*wire.Proxy
	warehouse *wire.Proxy

	mu sync.Mutex
	// until is when it may be started again after its end.
	until time.Time
	// gone says that it shall not come back by itself.
	gone bool
}

// keep starts the member again where it has ended, as whoever runs services does.
func (m *member) keep(ctx context.Context) {
	ticker := time.NewTicker(30 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if m.engine.Running() || !m.due() {
			continue
		}
		// What does not start is tried again: its engines may be away.
		if err := m.engine.Restart(ctx); err != nil {
			m.away(time.Duration(100+rand.IntN(200)) * time.Millisecond)
		}
	}
}

func (m *member) due() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return !m.gone && time.Now().After(m.until)
}

// away keeps the member from being started again for a while.
func (m *member) away(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.until = time.Now().Add(d)
}

// kill kills the member; it comes back after a while.
func (m *member) kill(away time.Duration) {
	m.away(away)
	m.engine.Kill()
	m.away(away)
}

// leave ends the member until calm.
func (m *member) leave() {
	m.mu.Lock()
	m.gone = true
	m.mu.Unlock()
	m.engine.Kill()
}

// calm ends what hurts the member.
func (m *member) calm() {
	m.mu.Lock()
	m.gone, m.until = false, time.Time{}
	m.mu.Unlock()
	m.engine.Resume()
	_ = m.engine.LimitFiles(parts.Unlimited) // a member that has just ended has no limit either
}

// await waits until the member runs.
func (m *member) await(ctx context.Context) error {
	for !m.engine.Running() {
		if err := process.Wait(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("%s does not come back: %w", m.name, err)
		}
	}
	return nil
}

// retire stops the member in good order until calm.
func (m *member) retire(ctx context.Context) {
	m.mu.Lock()
	m.gone = true
	m.mu.Unlock()
	p, ok := m.engine.(*parts.Process)
	if !ok {
		return
	}
	stop, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	_ = p.Stop(stop) // what does not stop is killed
}
