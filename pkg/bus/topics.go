package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"

	"plumbline/pkg/trust"
)

const day = 24 * time.Hour

// retention is how long a topic keeps messages. Events outlive the longest outage of a loader that somebody is expected
// to notice; raw bytes of rejects and of the inbox may hold personal data and live 30 days at most.
func (n Name) retention() time.Duration {
	switch n {
	case Rejected, Inbox:
		return 30 * day
	case Probe:
		return time.Hour
	case Audit:
		// Its table keeps it for ever, and is made anew from here for more than a year. Not for ever here: what the log holds
		// of a person who was erased goes away only with its messages.
		return 400 * day
	default:
		return 7 * day
	}
}

// joins tells whether the offsets of the topic follow each other without holes: not where a compaction or the markers
// of foreign transactions leave some.
func (n Name) joins() bool { return !n.compacted() && n != Inbox }

// compacted tells whether the topic keeps the last message of every key, for ever.
func (n Name) compacted() bool { return n == Registry || n == Access || n == Waves || n == Alerts }

// CompactionLag is how long a message of the topic of waves may stay after it was taken back or replaced, once another message
// of its partition has come.
const CompactionLag = day

// settings are those that every topic of ours needs to be right, whatever the cluster's defaults are.
func (c Config) settings(n Name) map[string]string {
	out := map[string]string{
		// The event's own time would let retention eat a backfill.
		"message.timestamp.type": "LogAppendTime",
		"max.message.bytes":      strconv.Itoa(MaxMessageBytes),
		"min.insync.replicas":    "1",
		"cleanup.policy":         "delete",
		"retention.ms":           strconv.FormatInt(n.retention().Milliseconds(), 10),
		"retention.bytes":        "-1",
	}
	if c.Replication >= 3 {
		// An acknowledged message survives the loss of a broker.
		out["min.insync.replicas"] = "2"
	}
	if n.compacted() {
		out["cleanup.policy"] = "compact"
		out["retention.ms"] = "-1"
	}
	if n == Waves {
		lag := strconv.FormatInt(CompactionLag.Milliseconds(), 10)
		out["segment.ms"], out["max.compaction.lag.ms"], out["min.cleanable.dirty.ratio"] = lag, lag, "0.01"
	}
	return out
}

// guarded are the settings without which the guarantee of delivery does not hold: [Ensure] refuses a topic that has
// others. Retention is the operator's to change.
func guarded() []string {
	return []string{"message.timestamp.type", "cleanup.policy", "min.insync.replicas"}
}

// Ensure creates the topics that are missing and verifies those that exist: a topic with another number of partitions
// would send identities elsewhere, and is refused. It may be called by many processes at once.
func Ensure(ctx context.Context, cfg Config) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	cfg = cfg.withDefaults()
	t := cfg.Transport()
	defer t.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Transport: t, Timeout: 15 * time.Second}
	existing, err := create(ctx, client, cfg)
	if err != nil {
		if why := cfg.reach(ctx); why != nil {
			err = why
		}
		return fmt.Errorf("ensure topics: %w", err)
	}
	if len(existing) > 0 {
		err := errors.Join(verifyPartitions(ctx, client, cfg, existing), verifySettings(ctx, client, cfg, existing))
		if err != nil {
			return fmt.Errorf("ensure topics: %w", err)
		}
	}
	if err := awaitLeaders(ctx, client, cfg); err != nil {
		return fmt.Errorf("ensure topics: %w", err)
	}
	return nil
}

// ErrLayout says that a topic is laid out in another way than the configuration says: waiting does not change it.
var ErrLayout = errors.New("topic is laid out otherwise")

// awaitSilence is how often the log says that the brokers are still awaited.
const awaitSilence = 30 * time.Second

// Await is [Ensure] that waits for brokers which do not answer or can not do it now. It gives up when ctx ends, or where
// the configuration is wrong, the brokers and we do not believe each other, or a topic is laid out otherwise.
func Await(ctx context.Context, cfg Config, log *slog.Logger) error {
	var told time.Time
	for failures := 1; ; failures++ {
		err := Ensure(ctx, cfg)
		if err == nil {
			if !told.IsZero() {
				log.InfoContext(ctx, "the brokers are there")
			}
			return nil
		}
		if ctx.Err() != nil || errors.Is(err, ErrLayout) || errors.Is(err, trust.ErrRefused) || cfg.Validate() != nil {
			return errors.Join(ctx.Err(), err)
		}
		if time.Since(told) > awaitSilence {
			told = time.Now()
			log.WarnContext(ctx, "waiting for the brokers", "error", err)
		}
		if !pause(ctx, failures) {
			return errors.Join(ctx.Err(), err)
		}
	}
}

// leaderWait is how long the leaders of new partitions may take to be there.
const leaderWait = 30 * time.Second

// awaitLeaders waits until every partition has a leader that answers: a cluster says that it has created a topic before
// it takes messages for it.
func awaitLeaders(ctx context.Context, client *kafka.Client, cfg Config) error {
	ctx, cancel := context.WithTimeout(ctx, leaderWait)
	defer cancel()
	for failures := 1; ; failures++ {
		var errs []error
		for _, n := range Names() {
			errs = append(errs, askLeaders(ctx, client, cfg.Topic(n), cfg.Partitions))
		}
		err := errors.Join(errs...)
		if err == nil || !pause(ctx, failures) {
			return err
		}
	}
}

// askLeaders asks the leader of every partition of a topic, and fails where one does not answer.
func askLeaders(ctx context.Context, client *kafka.Client, topic string, partitions int) error {
	req := &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{}}
	for i := range partitions {
		req.Topics[topic] = append(req.Topics[topic], kafka.LastOffsetOf(i))
	}
	res, err := client.ListOffsets(ctx, req)
	if err != nil {
		return fmt.Errorf("ask the brokers for %s: %w", topic, err)
	}
	answers := res.Topics[topic]
	if len(answers) != partitions {
		return fmt.Errorf("ask the brokers for %s: %d of %d partitions answered", topic, len(answers), partitions)
	}
	for _, a := range answers {
		if a.Error != nil {
			return fmt.Errorf("ask the brokers for partition %d of %s: %w", a.Partition, topic, a.Error)
		}
	}
	return nil
}

// create creates what is missing and returns what was there.
func create(ctx context.Context, client *kafka.Client, cfg Config) ([]Name, error) {
	req := &kafka.CreateTopicsRequest{}
	for _, n := range Names() {
		topic := kafka.TopicConfig{Topic: cfg.Topic(n), NumPartitions: cfg.Partitions, ReplicationFactor: cfg.Replication}
		for k, v := range cfg.settings(n) {
			topic.ConfigEntries = append(topic.ConfigEntries, kafka.ConfigEntry{ConfigName: k, ConfigValue: v})
		}
		req.Topics = append(req.Topics, topic)
	}
	res, err := client.CreateTopics(ctx, req)
	if err != nil {
		return nil, err
	}
	var existing []Name
	var errs []error
	for _, n := range Names() {
		switch err := res.Errors[cfg.Topic(n)]; {
		case errors.Is(err, kafka.TopicAlreadyExists):
			existing = append(existing, n)
		case err != nil:
			errs = append(errs, fmt.Errorf("create %s: %w", cfg.Topic(n), err))
		}
	}
	return existing, errors.Join(errs...)
}

func verifyPartitions(ctx context.Context, client *kafka.Client, cfg Config, names []Name) error {
	req := &kafka.MetadataRequest{}
	for _, n := range names {
		req.Topics = append(req.Topics, cfg.Topic(n))
	}
	res, err := client.Metadata(ctx, req)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range res.Topics {
		switch {
		case t.Error != nil:
			errs = append(errs, fmt.Errorf("ask for %s: %w", t.Name, t.Error))
		case len(t.Partitions) != cfg.Partitions:
			errs = append(errs, fmt.Errorf("%w: %s has %d partitions, the configuration says %d: "+
				"the number decides where an event lives and can not change; set it to %d",
				ErrLayout, t.Name, len(t.Partitions), cfg.Partitions, len(t.Partitions)))
		}
	}
	return errors.Join(errs...)
}

func verifySettings(ctx context.Context, client *kafka.Client, cfg Config, names []Name) error {
	req := &kafka.DescribeConfigsRequest{}
	want := make(map[string]map[string]string)
	for _, n := range names {
		want[cfg.Topic(n)] = cfg.settings(n)
		req.Resources = append(req.Resources, kafka.DescribeConfigRequestResource{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: cfg.Topic(n), ConfigNames: guarded(),
		})
	}
	res, err := client.DescribeConfigs(ctx, req)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range res.Resources {
		if r.Error != nil {
			errs = append(errs, fmt.Errorf("ask for the settings of %s: %w", r.ResourceName, r.Error))
			continue
		}
		for _, e := range r.ConfigEntries {
			if !slices.Contains(guarded(), e.ConfigName) || holds(e.ConfigName, e.ConfigValue, want[r.ResourceName][e.ConfigName]) {
				continue
			}
			errs = append(errs, fmt.Errorf("%w: %s has %s=%s, it must be %s",
				ErrLayout, r.ResourceName, e.ConfigName, e.ConfigValue, want[r.ResourceName][e.ConfigName]))
		}
	}
	return errors.Join(errs...)
}

// holds compares a setting: more replicas in sync than asked for are as good.
func holds(name, got, want string) bool {
	if name != "min.insync.replicas" {
		return got == want
	}
	g, err1 := strconv.Atoi(got)
	w, err2 := strconv.Atoi(want)
	return err1 == nil && err2 == nil && g >= w
}
