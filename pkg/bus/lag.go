package bus

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	// lagFirst is how long after it has joined a member looks for the first time how far it is behind, lagEvery how often.
	lagFirst = 5 * time.Second
	lagEvery = 30 * time.Second
	// lagTimeout bounds one look.
	lagTimeout = 15 * time.Second
	// lagAlarm is the share of the retention from which on a lag is an alarm: what is left is the time to mend it.
	lagAlarm = 0.5
)

// lag is how far a group is behind in one partition.
type lag struct {
	partition int
	// age is that of the oldest message that is not handled, by the broker's time; 0 where there is none.
	age time.Duration
	// share is the part of the topic's retention that it has used up: at 1 the broker deletes it. 0 where it keeps messages
	// for ever.
	share float64
}

// watchLag compares, now and then, how old the oldest unhandled message of each partition is with how long the topic
// keeps messages: a group that falls behind further than that loses some. It runs until the generation ends.
func (m *member) watchLag(partitions []int) func(generation context.Context) {
	return func(generation context.Context) {
		defer m.cc.Metrics.forgetAges(m, partitions)
		timer := time.NewTimer(lagFirst)
		defer timer.Stop()
		for {
			select {
			case <-generation.Done():
				return
			case <-timer.C:
			}
			lags, err := m.lags(generation, partitions, time.Now())
			if err != nil && generation.Err() == nil {
				m.log.WarnContext(m.stop, "asking for the lag failed", "error", err)
			}
			m.tellLags(lags)
			timer.Reset(lagEvery)
		}
	}
}

// tellLags writes what was found to the metrics, and to the log what is an alarm.
func (m *member) tellLags(lags []lag) {
	for _, l := range lags {
		m.cc.Metrics.age(m, l)
		if l.share >= lagAlarm {
			m.log.ErrorContext(m.stop, "unhandled messages come close to their deletion", "partition", l.partition,
				"age", l.age.Round(time.Second).String(), "share_of_retention", l.share)
		}
	}
}

// lags measures the partitions.
func (m *member) lags(ctx context.Context, partitions []int, now time.Time) ([]lag, error) {
	ctx, cancel := context.WithTimeout(ctx, lagTimeout)
	defer cancel()
	retention, err := retentionOf(ctx, m.client, m.topic)
	if err != nil {
		return nil, err
	}
	extents, err := extentsOf(ctx, m.client, m.topic, partitions)
	if err != nil {
		return nil, err
	}
	committed, err := committedOffsets(ctx, m.client, m.cfg.Group(m.cc.Group), m.topic, partitions)
	if err != nil {
		return nil, err
	}
	var out []lag
	var errs []error
	for _, p := range slices.Sorted(slices.Values(partitions)) {
		next := max(committed[p], extents[p].first)
		l := lag{partition: p}
		if next < extents[p].next {
			oldest, err := m.timeAt(ctx, p, next)
			if err != nil {
				errs = append(errs, fmt.Errorf("partition %d: %w", p, err))
				continue
			}
			l.age = max(now.Sub(oldest), 0)
			if retention > 0 {
				l.share = float64(l.age) / float64(retention)
			}
		}
		out = append(out, l)
	}
	return out, errors.Join(errs...)
}

// timeAt is the broker's time of the first message from an offset on.
func (m *member) timeAt(ctx context.Context, partition int, offset int64) (time.Time, error) {
	var at time.Time
	err := eachRecord(ctx, m.client, &kafka.FetchRequest{
		Topic: m.topic, Partition: partition, Offset: offset, MinBytes: 1, MaxBytes: 1, MaxWait: time.Second,
	}, func(r *kafka.Record) error {
		if at.IsZero() {
			at = r.Time
		}
		return nil
	})
	if err == nil && at.IsZero() {
		// Only markers of transactions stand there; they are not waiting for anybody.
		at = time.Now()
	}
	return at, err
}

// retentionOf is how long a topic keeps messages, as the broker says; 0 is for ever.
func retentionOf(ctx context.Context, client *kafka.Client, topic string) (time.Duration, error) {
	value, err := settingOf(ctx, client, topic, "retention.ms")
	if err != nil || value == "" {
		return 0, err
	}
	ms, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("retention.ms of %s is %q, no number", topic, value)
	}
	// Beyond what a Duration holds, 292 years, is for ever too.
	if ms < 0 || ms > int64(1<<63-1)/int64(time.Millisecond) {
		return 0, nil
	}
	return time.Duration(ms) * time.Millisecond, nil
}

// settingOf asks for one setting of a topic; "" where the broker does not tell it.
func settingOf(ctx context.Context, client *kafka.Client, topic, name string) (string, error) {
	res, err := client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{Resources: []kafka.DescribeConfigRequestResource{
		{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, ConfigNames: []string{name}},
	}})
	if err != nil {
		return "", fmt.Errorf("ask for the settings of %s: %w", topic, err)
	}
	for _, r := range res.Resources {
		if r.Error != nil {
			return "", fmt.Errorf("ask for the settings of %s: %w", topic, r.Error)
		}
		for _, e := range r.ConfigEntries {
			if e.ConfigName == name {
				return e.ConfigValue, nil
			}
		}
	}
	return "", nil
}
