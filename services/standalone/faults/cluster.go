package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
	"plumbline/services/standalone/faults/wire"
	"plumbline/services/standalone/parts"
)

// cluster are the brokers of a run.
type cluster struct {
	members []*member
	group   sync.WaitGroup
	cancel  context.CancelFunc
}

// addrs are the brokers without proxies.
func (c *cluster) addrs() []string {
	var out []string
	for _, m := range c.members {
		out = append(out, m.engine.Addr())
	}
	return out
}

func (c *cluster) replication() int { return min(len(c.members), 3) }

// proxies are one for each broker, for one service.
func (c *cluster) proxies(ctx context.Context) ([]*wire.Proxy, error) {
	// Clients of the last run may still find a port that is given out again, and be answered while others are made.
	var at sync.Map
	moved := func(address string) string {
		if to, ok := at.Load(address); ok {
			return to.(string)
		}
		return address
	}
	var out []*wire.Proxy
	for _, addr := range c.addrs() {
		p, err := wire.Listen(ctx, wire.Kafka(moved), addr)
		if err != nil {
			return out, err
		}
		at.Store(addr, p.Addr())
		out = append(out, p)
	}
	return out, nil
}

// newCluster keeps the brokers running.
func newCluster(ctx context.Context, engines ...engine) *cluster {
	c := &cluster{}
	ctx, c.cancel = context.WithCancel(ctx)
	for i, e := range engines {
		m := &member{name: fmt.Sprintf("broker%d", i+1), engine: e}
		c.members = append(c.members, m)
		c.group.Go(func() { m.keep(ctx) })
	}
	return c
}

// stop ends the brokers.
func (c *cluster) stop() {
	c.cancel()
	c.group.Wait()
	for _, m := range c.members {
		m.engine.Resume()
		m.engine.Kill()
	}
}

// stand runs one run after another. An embedded broker starts in no time, and each run has its own; a cluster of Apache
// Kafka is used again, under other names.
type stand struct {
	cfg    Config
	dir    string
	apache *cluster
	// tamper is called before the judgement. Only the test of the judgement sets it.
	tamper func(context.Context, *run) error
}

// cluster starts brokers, or says that those of the last run are to be used.
func (s *stand) cluster(ctx context.Context, dir string) (*cluster, error) {
	if s.cfg.Kafka == Embedded {
		port, err := parts.FreePort(ctx)
		if err != nil {
			return nil, err
		}
		p, err := parts.Start(ctx, parts.Spec{
			Part: parts.Broker, Dir: dir, Binary: s.cfg.Binary,
			Args: []string{"--dir=" + filepath.Join(dir, "kafka"), "--port=" + strconv.Itoa(port)},
		})
		if err != nil {
			return nil, err
		}
		return newCluster(ctx, p), nil
	}
	if s.apache != nil {
		return s.apache, nil
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return nil, err
	}
	n := 1
	if s.cfg.Kafka == Apache3 {
		n = 3
	}
	engines, err := startApache(ctx, s.cfg.KafkaScript, s.dir, n)
	if err != nil {
		return nil, err
	}
	// It outlives the run.
	s.apache = newCluster(context.WithoutCancel(ctx), engines...)
	return s.apache, nil
}

// release ends the brokers of a run, where they are its own, or deletes its topics.
func (s *stand) release(ctx context.Context, c *cluster, prefix string, failed bool) {
	switch {
	case s.apache == nil:
		c.stop()
	case failed:
		// Its data is what somebody wants to look at: the next run gets another cluster.
		c.stop()
		s.apache = nil
		_ = os.Rename(s.dir, fmt.Sprintf("%s-%s", s.dir, prefix))
	default:
		transport := &kafka.Transport{}
		defer transport.CloseIdleConnections()
		client := &kafka.Client{Addr: kafka.TCP(c.addrs()...), Timeout: 10 * time.Second, Transport: transport}
		req := &kafka.DeleteTopicsRequest{}
		for _, n := range bus.Names() {
			req.Topics = append(req.Topics, bus.Config{Prefix: prefix}.Topic(n))
		}
		_, _ = client.DeleteTopics(ctx, req) // what stays is in nobody's way
	}
}

func (s *stand) close() {
	if s.apache != nil {
		s.apache.stop()
	}
	_ = os.RemoveAll(s.dir)
}

var errNoScript = errors.New("apache kafka: name the script that runs it")
