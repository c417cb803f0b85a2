package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/produce"
	"github.com/segmentio/kafka-go/protocol/rawproduce"
)

const (
	// maxAttempts outlast a change of leaders, and end within lateness.
	maxAttempts = 6
	// attemptTimeout bounds one attempt: the broker's wait for its replicas, and the way there and back.
	attemptTimeout = 5 * time.Second
	firstBackoff   = 100 * time.Millisecond
	longestBackoff = time.Second
	// requestBytes bounds one request.
	requestBytes = 8 << 20
	// perLeader is how many requests are on the way to one broker at a time: while one is being written to disk, the
	// next one can be made.
	perLeader = 2
	// nobody is the leader of a partition of which none is known.
	nobody = -1
)

// line are the batches of one partition that wait to be sent. One of them is on the way at a time, so that the messages
// of a partition keep their order also where one has to be sent again.
type line struct {
	waiting []*batch
	busy    bool
	leader  int
}

// open is the batch that a message of so many bytes goes into.
func (p *Producer) open(partition int, n int64) *batch {
	l := &p.lines[partition]
	if k := len(l.waiting); k > 0 && l.waiting[k-1].fits(n) {
		return l.waiting[k-1]
	}
	b := &batch{partition: partition, records: p.buffers.get(), born: time.Now()}
	l.waiting = append(l.waiting, b)
	return b
}

// kick sends what can be sent: of each partition that has nothing on the way the first batch, in one request for all
// partitions of a leader. There is no waiting for more messages: what comes while a request is on the way makes up the
// next one, so that a lone message goes at once and a flood goes in large batches. The caller holds the lock.
func (p *Producer) kick() {
	requests := map[int][]*batch{}
	for i := range p.lines {
		l := &p.lines[i]
		if l.busy || len(l.waiting) == 0 || l.leader != nobody && p.sending[l.leader] >= perLeader {
			continue
		}
		key := l.leader
		if key == nobody {
			key = nobody - i // alone: the client finds out where to
		}
		if total(requests[key]) < requestBytes {
			requests[key] = append(requests[key], l.waiting[0])
			l.waiting, l.busy = l.waiting[1:], true
		}
	}
	now := time.Now()
	for leader, batches := range requests {
		for _, b := range batches {
			b.seal(now)
		}
		p.sending[leader]++
		p.sends.Go(func() { p.send(leader, batches) })
	}
}

func total(batches []*batch) (n int) {
	for _, b := range batches {
		n += len(b.records)
	}
	return n
}

// send makes one attempt at a request, then sends what has come meanwhile.
func (p *Producer) send(leader int, batches []*batch) {
	answers := p.attempt(batches)
	failed := 0
	for i, b := range batches {
		b.attempts++
		switch {
		case answers[i].err == nil:
			p.acknowledge(b, answers[i].offset, nil)
			p.buffers.put(b.records) // the client has read them to the end
			batches[i] = nil
		case b.attempts == maxAttempts, time.Since(b.born) > lateness, !isPassing(answers[i].err):
			p.acknowledge(b, 0, answers[i].err)
			batches[i] = nil
			failed++
		default:
			failed++
		}
	}
	if failed > 0 || leader <= nobody {
		p.locate()
	}
	p.mu.Lock()
	p.sending[leader]--
	for i := range batches {
		if batches[i] == nil {
			p.lines[answers[i].partition].busy = false
		}
	}
	p.kick()
	p.mu.Unlock()
	for _, b := range batches {
		if b != nil {
			p.sends.Go(func() { p.again(b) })
		}
	}
}

// again puts a batch back at the head of its partition, after a while.
func (p *Producer) again(b *batch) {
	time.Sleep(min(firstBackoff<<(b.attempts-1), longestBackoff))
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &p.lines[b.partition]
	l.waiting = append([]*batch{b}, l.waiting...)
	l.busy = false
	p.kick()
}

// isPassing tells whether another attempt may succeed: not where the broker has refused what is in the batch. A request
// of which nothing was heard may be sent again, because the same event twice is one event.
func isPassing(err error) bool {
	var code kafka.Error
	return !errors.As(err, &code) || code.Temporary()
}

// answer is what became of a batch.
type answer struct {
	partition int
	offset    int64
	err       error
}

// attempt sends one request. The answers are in the order of the batches.
func (p *Producer) attempt(batches []*batch) []answer {
	ctx, cancel := context.WithTimeout(context.Background(), attemptTimeout)
	defer cancel()
	req := &rawproduce.Request{
		Acks: int16(kafka.RequireAll), Timeout: int32(attemptTimeout.Milliseconds()),
		Topics: []rawproduce.RequestTopic{{Topic: p.topic, Partitions: make([]rawproduce.RequestPartition, len(batches))}},
	}
	answers := make([]answer, len(batches))
	for i, b := range batches {
		answers[i] = answer{partition: b.partition, err: errUnanswered}
		part := &req.Topics[0].Partitions[i]
		part.Partition, part.RecordSet.Reader = int32(b.partition), bytes.NewReader(b.records)
	}
	res, err := p.transport.RoundTrip(ctx, kafka.TCP(p.brokers...), req)
	if err != nil {
		for i := range answers {
			answers[i].err = fmt.Errorf("send to the broker: %w", err)
		}
		return answers
	}
	read(answers, res)
	return answers
}

// read takes the answers out of a response.
func read(answers []answer, res kafka.Response) {
	r, ok := res.(*produce.Response)
	if !ok {
		return
	}
	for _, t := range r.Topics {
		for _, part := range t.Partitions {
			for i := range answers {
				a := &answers[i]
				if a.partition != int(part.Partition) {
					continue
				}
				if a.offset, a.err = part.BaseOffset, nil; part.ErrorCode != 0 {
					a.err = refused(kafka.Error(part.ErrorCode))
				}
			}
		}
	}
}

// refused is an error of the broker. What is too large for its topic is so whoever finds it out.
func refused(code kafka.Error) error {
	if code == kafka.MessageSizeTooLarge {
		return fmt.Errorf("%w: %w", ErrTooLarge, code)
	}
	return code
}

// locate asks which broker leads which partition: from what the client knows, which it renews by itself. It only
// decides what goes together in a request; where a request goes is the client's to know.
func (p *Producer) locate() {
	ctx, cancel := context.WithTimeout(context.Background(), attemptTimeout)
	defer cancel()
	client := &kafka.Client{Addr: kafka.TCP(p.brokers...), Transport: p.transport}
	res, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{p.topic}})
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.lines {
		p.lines[i].leader = nobody
	}
	if err != nil {
		return
	}
	for _, t := range res.Topics {
		for _, part := range t.Partitions {
			if part.ID < len(p.lines) && part.Error == nil && part.Leader.Host != "" {
				p.lines[part.ID].leader = part.Leader.ID
			}
		}
	}
}
