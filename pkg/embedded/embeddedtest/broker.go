package embeddedtest

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/embedded"
)

// Broker returns the addresses of a broker, and a prefix for the names of
// topics and consumer groups that no other test uses, such as
// "t1a2b3c4d.plumbline".
func Broker(t testing.TB) (addrs []string, prefix string) {
	t.Helper()
	prefix = unique() + ".plumbline"
	switch kind := os.Getenv("PLUMBLINE_KAFKA"); kind {
	case "", "embedded":
		broker, err := engines.startBroker()
		if err != nil {
			t.Fatalf("start the test broker: %v", err)
		}
		return broker.Addrs(), prefix
	case "apache":
		list := os.Getenv("PLUMBLINE_KAFKA_ADDRS")
		if list == "" {
			t.Fatal("PLUMBLINE_KAFKA=apache needs PLUMBLINE_KAFKA_ADDRS; PLUMBLINE_KAFKA=apache scripts/test starts a Kafka and sets it")
		}
		addrs = strings.Split(list, ",")
		t.Cleanup(func() { deleteTopics(t, addrs[0], prefix) })
		return addrs, prefix
	default:
		t.Fatalf("PLUMBLINE_KAFKA is %q; it may be embedded or apache", kind)
		return nil, ""
	}
}

// startBroker starts the broker of this test binary, once.
func (s *shared) startBroker() (*embedded.Broker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broker != nil || s.brokerErr != nil {
		return s.broker, s.brokerErr
	}
	s.broker, s.brokerErr = func() (*embedded.Broker, error) {
		dir, err := s.folder("kafka")
		if err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
		defer cancel()
		return embedded.StartBroker(ctx, embedded.BrokerConfig{Dir: dir})
	}()
	return s.broker, s.brokerErr
}

// deleteTopics deletes what a test left on a real Kafka, which outlives it.
func deleteTopics(t testing.TB, addr, prefix string) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	client := kafka.Client{Addr: kafka.TCP(addr)}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		t.Errorf("list topics of %s: %v", prefix, err)
		return
	}
	var topics []string
	for _, topic := range meta.Topics {
		if strings.HasPrefix(topic.Name, prefix) {
			topics = append(topics, topic.Name)
		}
	}
	if len(topics) == 0 {
		return
	}
	res, err := client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: topics})
	if err != nil {
		t.Errorf("delete topics of %s: %v", prefix, err)
		return
	}
	for topic, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.UnknownTopicOrPartition) {
			t.Errorf("delete topic %s: %v", topic, err)
		}
	}
}
