package backup

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// rewind sets what every consumer group has committed to the earliest message that the log has, as
// kafka-consumer-groups --reset-offsets --to-earliest does.
func rewind(ctx context.Context, brokers []string) error {
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(brokers...), Transport: transport, Timeout: 30 * time.Second}
	first, err := firstOffsets(ctx, client)
	if err != nil {
		return fmt.Errorf("rewind the log: %w", err)
	}
	groups, err := client.ListGroups(ctx, &kafka.ListGroupsRequest{})
	if err == nil {
		err = groups.Error
	}
	if err != nil {
		return fmt.Errorf("rewind the log: list groups: %w", err)
	}
	for _, g := range groups.Groups {
		if err := rewindGroup(ctx, client, g.GroupID, first); err != nil {
			return fmt.Errorf("rewind the log: group %s: %w", g.GroupID, err)
		}
	}
	return nil
}

// firstOffsets are the earliest offsets of all partitions of all topics.
func firstOffsets(ctx context.Context, client *kafka.Client) (map[string]map[int]int64, error) {
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return nil, fmt.Errorf("list topics: %w", err)
	}
	ask := map[string][]kafka.OffsetRequest{}
	for _, t := range meta.Topics {
		for _, p := range t.Partitions {
			ask[t.Name] = append(ask[t.Name], kafka.FirstOffsetOf(p.ID))
		}
	}
	if len(ask) == 0 {
		return nil, nil
	}
	res, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: ask})
	if err != nil {
		return nil, fmt.Errorf("ask for offsets: %w", err)
	}
	out := map[string]map[int]int64{}
	for topic, partitions := range res.Topics {
		out[topic] = map[int]int64{}
		for _, p := range partitions {
			if p.Error != nil {
				return nil, fmt.Errorf("ask for offsets of %s: %w", topic, p.Error)
			}
			out[topic][p.Partition] = p.FirstOffset
		}
	}
	return out, nil
}

// rewindGroup rewinds the partitions of which a group has committed anything.
func rewindGroup(ctx context.Context, client *kafka.Client, group string, first map[string]map[int]int64) error {
	ask := map[string][]int{}
	for topic, partitions := range first {
		for p := range partitions {
			ask[topic] = append(ask[topic], p)
		}
	}
	committed, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: ask})
	if err == nil {
		err = committed.Error
	}
	if err != nil {
		return fmt.Errorf("ask what is committed: %w", err)
	}
	commit := map[string][]kafka.OffsetCommit{}
	for topic, partitions := range committed.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return fmt.Errorf("ask what is committed of %s: %w", topic, p.Error)
			}
			if p.CommittedOffset >= 0 {
				commit[topic] = append(commit[topic], kafka.OffsetCommit{Partition: p.Partition, Offset: first[topic][p.Partition]})
			}
		}
	}
	if len(commit) == 0 {
		return nil
	}
	// A commit from outside of the group: no generation, no member.
	res, err := client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1, Topics: commit})
	if err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	for topic, partitions := range res.Topics {
		for _, p := range partitions {
			if p.Error != nil {
				return fmt.Errorf("commit %s: %w", topic, p.Error)
			}
		}
	}
	return nil
}
