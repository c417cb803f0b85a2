package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/bus"
)

const (
	// groupEvery is how often a consumer group is asked how far it is.
	groupEvery = 10 * time.Millisecond
	// groupPatience is how long a group may make no progress.
	groupPatience = 60 * time.Second
	// measuredPermille is how much of the topic is measured. At its end both sides wait for chunks to fill that never do.
	measuredPermille = 950
)

// watchGroup waits until the group has committed all n messages of the topic, and returns how many it did in a second,
// from the start until most of the topic is committed. Both sides commit what they have stored, so that one measure holds
// for both.
func watchGroup(ctx context.Context, cfg bus.Config, group string, n int, started time.Time) (rate float64, err error) {
	transport := cfg.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport, Timeout: 10 * time.Second}
	ticker := time.NewTicker(groupEvery)
	defer ticker.Stop()
	before := 0
	for moved := started; ; {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticker.C:
		}
		done, err := committed(ctx, client, cfg, group)
		if err != nil {
			return 0, err
		}
		now := time.Now()
		if done > before {
			before, moved = done, now
		}
		if rate == 0 && done >= n*measuredPermille/1000 {
			rate = float64(done) / now.Sub(started).Seconds()
		}
		switch {
		case done >= n:
			return rate, nil
		case now.Sub(moved) > groupPatience:
			return 0, fmt.Errorf("the group %s stands still: %d of %d messages are committed", group, done, n)
		}
	}
}

// committed is how many messages of the topic, which begins at 0, the group has committed.
func committed(ctx context.Context, client *kafka.Client, cfg bus.Config, group string) (int, error) {
	partitions := make([]int, cfg.PartitionCount())
	for i := range partitions {
		partitions[i] = i
	}
	res, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topicOf(cfg): partitions}})
	if err != nil {
		return 0, fmt.Errorf("ask for the committed offsets: %w", err)
	}
	sum := 0
	for _, p := range res.Topics[topicOf(cfg)] {
		sum += int(max(p.CommittedOffset, 0)) // -1: none yet
	}
	return sum, nil
}

// forgetGroups makes consumer groups begin anew.
func forgetGroups(ctx context.Context, cfg bus.Config, groups ...string) error {
	transport := cfg.Transport()
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: transport, Timeout: 10 * time.Second}
	res, err := client.DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: groups})
	if err != nil {
		return fmt.Errorf("delete consumer groups: %w", err)
	}
	var errs []error
	for group, err := range res.Errors {
		if err != nil && !errors.Is(err, kafka.GroupIdNotFound) {
			errs = append(errs, fmt.Errorf("delete consumer group %s: %w", group, err))
		}
	}
	return errors.Join(errs...)
}
