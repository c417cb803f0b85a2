package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// BrokerConfig says where a broker keeps its log and where it listens.
type BrokerConfig struct {
	// Dir is the data folder; it is created (mode 0700) where missing, and
	// one process at a time may use it.
	Dir string
	// Port is where the Kafka protocol listens, on 127.0.0.1. 0: a free port.
	Port int
}

// Broker is a running broker that speaks the Kafka protocol.
type Broker struct {
	cluster  *kfake.Cluster
	endWatch context.CancelFunc
	data     string // folder of its files
	addrs    []string
	lock     *os.File
	stopOnce sync.Once
	stopErr  error
	stopped  chan struct{} // closed when the broker has stopped
}

// groupMinSession lets a consumer group of this machine notice a dead member
// sooner than the 6 s that a Kafka cluster asks for at least.
const groupMinSession = time.Second

// brokerSettings are the broker-wide settings that differ from Kafka's own.
func brokerSettings() map[string]string {
	return map[string]string{
		// Kafka forgets the offsets of a group that was away for 7 days: a
		// laptop that was closed over a holiday. 20 years, in minutes.
		"offsets.retention.minutes": "10512000",
	}
}

// StartBroker starts a broker on the folder. Every acknowledged message is on
// disk (fsync), and topics, messages and committed offsets are there again at
// the next start, also after a crash. Topics are only created when asked for.
// A message gets the time of its append, whatever its producer says and its
// topic's message.timestamp.type is.
// ctx bounds the start only; the broker runs until Stop or the end of this
// process.
//
// Errors wrap [ErrFolderInUse] where another process holds the folder.
func StartBroker(ctx context.Context, cfg BrokerConfig) (*Broker, error) {
	dir, err := filepath.Abs(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	lock, err := lockFolder(ctx, dir)
	if err != nil {
		return nil, fmt.Errorf("start broker: %w", err)
	}
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(cfg.Port),
		kfake.ClusterID("plumbline"),
		kfake.DataDir(BrokerData(dir)),
		kfake.SyncWrites(),
		kfake.GroupMinSessionTimeout(groupMinSession),
		kfake.BrokerConfigs(brokerSettings()),
	)
	if err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			err = fmt.Errorf("%w: %d: %w", errPortTaken, cfg.Port, err)
		}
		return nil, errors.Join(fmt.Errorf("start broker: %w", err), lock.Close())
	}
	// It compacts and lets old messages go once an hour: on a machine that never runs for so long, never.
	cluster.Compact()
	stampAppendTime(cluster)
	watch, endWatch := context.WithCancel(context.WithoutCancel(ctx))
	g := newGhosts(cluster.ListenAddrs()[0])
	g.listen(cluster)
	go g.run(watch)
	return &Broker{
		cluster:  cluster,
		endWatch: endWatch,
		data:     BrokerData(dir),
		addrs:    cluster.ListenAddrs(),
		lock:     lock,
		stopped:  make(chan struct{}),
	}, nil
}

// Addrs are the addresses, host:port, that a client starts with.
func (b *Broker) Addrs() []string { return slices.Clone(b.addrs) }

// Stop ends the broker and returns when its state is on disk, or with an error
// when ctx ends first. Clients lose their connections. A second call only waits
// for the first.
func (b *Broker) Stop(ctx context.Context) error {
	b.stopOnce.Do(func() {
		go func() {
			defer close(b.stopped)
			b.endWatch()
			b.cluster.Close()
			b.stopErr = b.lock.Close()
		}()
	})
	select {
	case <-b.stopped:
		if b.stopErr != nil {
			return fmt.Errorf("stop broker: release folder lock: %w", b.stopErr)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop broker: %w", ctx.Err())
	}
}
