package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// Loss is how messages went missing from the log.
type Loss string

// The ways in which a log loses messages.
const (
	// LossDeleted: the log no longer has messages that the group has not handled; its retention is too short, or
	// somebody deleted them.
	LossDeleted Loss = "deleted"
	// LossTruncated: the log ends before an offset that the group has handled; brokers lost acknowledged messages, or
	// the topic was made anew.
	LossTruncated Loss = "truncated"
	// LossUnseen: the group has never committed, and the log no longer begins at 0.
	LossUnseen Loss = "unseen"
	// LossHole: the offsets of two messages that were read one after another do not join.
	LossHole Loss = "hole"
)

// Gap says that the messages From to To-1 of a partition can not be read any more. It is an alarm: either they were
// lost, or they were handled before and the group's memory of it was lost.
type Gap struct {
	Group, Topic string
	Partition    int
	From, To     int64
	Loss         Loss
}

// ErrGap is what a [Gap] is as an error.
var ErrGap = errors.New("messages are missing from the log")

// Error names the place and the extent.
func (g Gap) Error() string {
	return fmt.Sprintf("%v: %s, offsets %d to %d of partition %d of %s, for group %s",
		ErrGap, g.Loss, g.From, g.To-1, g.Partition, g.Topic, g.Group)
}

// Unwrap is [ErrGap].
func (g Gap) Unwrap() error { return ErrGap }

func (p *partition) alarm(loss Loss, from, to int64) {
	gap := Gap{Group: p.cfg.Group(p.cc.Group), Topic: p.topic, Partition: p.id, From: from, To: to, Loss: loss}
	p.cc.Metrics.gap(p, gap)
	p.log.ErrorContext(p.stop, "messages are missing from the log", "loss", string(loss), "from", from, "to", to)
	if p.cc.Alarm != nil {
		p.cc.Alarm(gap)
	}
}

// extent is the first offset of the partition and the one that the next message will get. With read-committed, what an
// open transaction holds back is beyond it.
type extent struct{ first, next int64 }

func (p *partition) ask(ctx context.Context) (extent, error) {
	res, err := p.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics:         map[string][]kafka.OffsetRequest{p.topic: {kafka.FirstOffsetOf(p.id), kafka.LastOffsetOf(p.id)}},
		IsolationLevel: kafka.ReadCommitted,
	})
	if err != nil {
		return extent{}, fmt.Errorf("ask for the offsets: %w", err)
	}
	for _, o := range res.Topics[p.topic] {
		if o.Partition != p.id {
			continue
		}
		if o.Error != nil {
			return extent{}, fmt.Errorf("ask for the offsets: %w", o.Error)
		}
		return extent{o.FirstOffset, o.LastOffset}, nil
	}
	return extent{}, errors.New("ask for the offsets: the broker does not know the partition")
}

// settle compares the committed offset with what the log has, and moves to where reading can begin. The client itself
// would move there without a word.
func (p *partition) settle(ctx context.Context) error {
	log, err := p.ask(ctx)
	if err != nil {
		return err
	}
	switch {
	case p.next < 0: // never committed
		if log.first > 0 && p.cc.Topic.joins() {
			p.alarm(LossUnseen, 0, log.first)
		}
		p.next = log.first
	case p.next < log.first:
		// A compaction also moves the beginning of a log, but not past what nobody has read.
		p.alarm(LossDeleted, p.next, log.first)
		p.next = log.first
	case p.next > log.next:
		// Offsets from here on may name other messages than before: read everything that there is.
		p.alarm(LossTruncated, log.next, p.next)
		p.next = log.first
	}
	return nil
}

// hole judges a jump in the offsets and alarms where it is a loss. Where the topic has legitimate holes, it is one only
// if the log now begins after the offset that was expected.
func (p *partition) hole(ctx context.Context, expected, got int64) bool {
	if p.holeAt == got {
		return false // told before, when it ended the chunk before this one
	}
	if !p.cc.Topic.joins() {
		log, err := p.ask(ctx)
		if err != nil || log.first <= expected {
			return false
		}
	}
	p.holeAt = got
	p.alarm(LossHole, expected, got)
	return true
}

// probe asks whether there is really nothing more to read, and tells so.
func (p *partition) probe(ctx context.Context) error {
	if err := p.pass(ctx); err != nil {
		return err
	}
	at := time.Now()
	log, err := p.ask(ctx)
	if err != nil {
		return err
	}
	switch {
	case p.next > log.next || p.next < log.first:
		return fmt.Errorf("the log has offsets %d to %d, reading is at %d", log.first, log.next-1, p.next)
	case p.next == log.next:
		p.cc.Metrics.caughtUp(p)
		if p.cc.Idle != nil {
			p.cc.Idle(p.id, p.next, at)
		}
	}
	return nil
}

// pass goes on to behind what was read and is no message (the markers of transactions, the messages of aborted ones),
// where nothing else came after it: or else the partition would for ever seem to have something to do.
func (p *partition) pass(ctx context.Context) error {
	if len(p.pending) > 0 || p.last.next <= p.next || p.last.skipped < 0 {
		return nil
	}
	if p.last.skipped != p.next {
		p.hole(ctx, p.next, p.last.skipped)
	}
	if err := p.commit(p.last.next); err != nil {
		return fmt.Errorf("%w: commit offset %d: %w", errGenerationOver, p.last.next, err)
	}
	p.next = p.last.next
	return nil
}
