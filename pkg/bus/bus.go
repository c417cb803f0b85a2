// Package bus is our side of Kafka: the topics that are ours, how a message gets into them durably, and how a
// consumer group takes them in chunks without ever skipping one.
//
// It gives at-least-once delivery in offset order within a partition: whoever handles a chunk must be able to see a
// message twice. It does not know what a message says, and it never decides that a message may be lost: where the log
// itself has lost some, that is an alarm.
package bus

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
)

// Name is one of our topics, without the prefix.
type Name string

// The topics.
const (
	// Events holds accepted events; only collectors write it.
	Events Name = "events"
	// Registry holds every version of every registry entry; it is compacted.
	Registry Name = "registry"
	// Rejected holds what was not taken, with the raw bytes.
	Rejected Name = "rejected"
	// Marks holds the days whose rollups must be made again.
	Marks Name = "marks"
	// Inbox is where foreign producers write.
	Inbox Name = "inbox"
	// Probe takes what readiness writes to see whether writing works; nobody reads it.
	Probe Name = "probe"
	// Access holds every version of every API key, without secrets, when each was last used, and which sessions were ended
	// before their time; it is compacted.
	Access Name = "access"
	// Audit holds who has read evidence and who has changed what; nothing of it is ever taken back.
	Audit Name = "audit"
	// Alerts holds how each alert and digest stands, and what of it is still to be sent; it is compacted.
	Alerts Name = "alerts"
)

// Names lists the topics, always in the same order.
func Names() []Name {
	return []Name{Events, Registry, Rejected, Marks, Inbox, Probe, Access, Audit, Alerts}
}

// MaxMessageBytes is the most bytes that one message of a topic may have, as the broker counts them.
const MaxMessageBytes = 1 << 20

// The defaults of a [Config].
const (
	DefaultPrefix     = "plumbline"
	DefaultPartitions = 6
)

// Config says where the brokers are and how our topics are laid out. The zero values of all but Brokers are the
// defaults.
type Config struct {
	// Brokers are the addresses, host:port, to start with.
	Brokers []string `name:"brokers" help:"addresses of the brokers, host:port, by comma"`
	// Prefix stands before the topic names with a dot: "plumbline" gives "plumbline.events".
	Prefix string `name:"prefix" default:"plumbline" help:"what stands before the names of topics and consumer groups"`
	// Partitions is how many each topic has; it can never change, because it decides where an identity lives.
	Partitions int `name:"partitions" default:"6" help:"partitions of each topic; can never change"`
	// Replication is how many brokers keep each partition: 1 where there is one broker, else 3.
	Replication int `name:"replication" default:"1" help:"brokers that keep each partition"`
	// Security is how we connect to them.
	Security
}

func (c Config) withDefaults() Config {
	if c.Prefix == "" {
		c.Prefix = DefaultPrefix
	}
	if c.Partitions == 0 {
		c.Partitions = DefaultPartitions
	}
	if c.Replication == 0 {
		c.Replication = 1
	}
	return c
}

// Validate reports everything that is wrong with the config.
func (c Config) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("brokers: give at least one address, host:port"))
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("brokers: %q is no host:port", b))
		}
	}
	if c.Partitions < 0 || c.Partitions > 1000 {
		errs = append(errs, fmt.Errorf("partitions: %d is not within 1 to 1000", c.Partitions))
	}
	if c.Replication < 0 || c.Replication > 100 {
		errs = append(errs, fmt.Errorf("replication: %d is not within 1 to 100", c.Replication))
	}
	return errors.Join(append(errs, c.Security.Validate(c.Brokers))...)
}

// Topic is the full name of a topic.
func (c Config) Topic(n Name) string { return c.withDefaults().Prefix + "." + string(n) }

// Group is the full name of a consumer group.
func (c Config) Group(name string) string { return c.withDefaults().Prefix + "." + name }

// PartitionCount is how many partitions each topic has.
func (c Config) PartitionCount() int { return c.withDefaults().Partitions }

// PartitionOf is the partition, of n, where the key lives: the partitioner of the Java client (murmur2).
func PartitionOf(key []byte, n int) int { return Partitioner(n)(key) }

// Partitioner is [PartitionOf] for many keys.
func Partitioner(n int) func(key []byte) int {
	partitions := make([]int, n)
	for i := range partitions {
		partitions[i] = i
	}
	return func(key []byte) int {
		return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, partitions...)
	}
}

const (
	clientID    = "plumbline"
	dialTimeout = 3 * time.Second
	// metadataTTL is how stale the client's picture of the cluster may be, and thus how soon it sees that a broker is
	// back.
	metadataTTL = time.Second
)
