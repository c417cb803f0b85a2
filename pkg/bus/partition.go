package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	// idleEvery is how often a partition without messages asks the broker whether that is still so.
	idleEvery = time.Second
	// backlogWait is how long a chunk may wait for messages that the log has.
	backlogWait = 2 * time.Second
	// leastLinger lets messages that were written together come together.
	leastLinger = 20 * time.Millisecond

	backoffLeast = 100 * time.Millisecond
	backoffMost  = 5 * time.Second
)

// errGenerationOver says that this member may not commit any more in this generation of the group.
var errGenerationOver = errors.New("generation is over")

// partition follows one partition for one generation of the group.
type partition struct {
	*member
	id int
	// next is the offset to read next: everything before it is handled and committed. [kafka.FirstOffset] at first,
	// where the group has never committed.
	next   int64
	log    *slog.Logger
	commit func(offset int64) error
	// answers are what the fetcher has got. pending are messages of the last one that are in no chunk yet; last is that
	// answer.
	answers chan fetched
	pending []Record
	last    fetched
	// holeAt is the offset before which a hole was already told of.
	holeAt int64
	// taken is when the chunk before was handed over.
	taken time.Time
}

// run reads until the generation ends. Returning ends the generation for the whole member.
func (p *partition) run(generation context.Context) {
	failures := 0
	for generation.Err() == nil {
		before := p.next
		err := p.follow(generation)
		switch {
		case generation.Err() != nil:
			return
		case errors.Is(err, errGenerationOver):
			p.log.WarnContext(p.stop, "commit failed, joining again", "error", err)
			return
		}
		if p.next > before {
			failures = 0
		}
		failures++
		p.cc.Metrics.failed(p)
		p.log.ErrorContext(p.stop, "reading again from the committed offset", "error", err, "offset", p.next, "failures", failures)
		if !pause(generation, failures) {
			return
		}
	}
}

// pause waits longer after each failure; false when ctx has ended.
func pause(ctx context.Context, failures int) bool {
	d := min(backoffLeast<<min(failures-1, 10), backoffMost)
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// follow reads from p.next on and hands over chunk after chunk, until something fails.
func (p *partition) follow(generation context.Context) error {
	if err := p.settle(generation); err != nil {
		return err
	}
	p.holeAt, p.pending, p.last = 0, nil, fetched{next: p.next, skipped: -1}
	p.answers = make(chan fetched, 1)
	fetching, stop := context.WithCancel(generation)
	var done sync.WaitGroup
	defer done.Wait()
	defer stop()
	f := &fetcher{client: p.client, dialTo: p.cfg.dial, topic: p.topic, partition: p.id}
	done.Go(func() { f.run(fetching, p.last.next, p.answers) })
	for {
		if err := p.step(generation); err != nil {
			return err
		}
	}
}

// step hands over one chunk, or finds that there is none.
func (p *partition) step(generation context.Context) error {
	var turn turn
	defer turn.end()
	chunk, err := p.collect(generation, &turn)
	if err != nil {
		return err
	}
	if len(chunk.Records) == 0 {
		return p.probe(generation)
	}
	return p.deliver(generation, chunk)
}

// linger is how long a chunk still waits to become full, once it has its first message. After a silence it is a moment;
// else up to the next beat. Beats are Linger apart and the same for all partitions, so that whoever handles chunks of
// several has them at the same time.
func (p *partition) linger() time.Duration {
	now := time.Now()
	if now.Sub(p.taken) >= p.cc.Linger {
		return min(leastLinger, p.cc.Linger)
	}
	return time.Until(now.Truncate(p.cc.Linger).Add(p.cc.Linger))
}

// collect gathers a chunk: until it is full, until its time has come, or up to a hole. It is empty when no message came
// for a while.
func (p *partition) collect(generation context.Context, turn *turn) (Records, error) {
	wait := time.NewTimer(idleEvery)
	defer wait.Stop()
	if more, err := p.await(generation, wait.C); !more {
		return Records{}, err
	}
	first := &p.pending[0]
	if first.from != p.next {
		p.hole(generation, p.next, first.from)
	}
	p.next = first.Offset
	chunk := Records{Topic: p.topic, Partition: p.id, First: first.Offset, Last: first.Offset - 1}
	wait.Reset(p.linger())
	begun := time.Now()
	for size := int64(0); ; {
		n, full := p.fitting(generation, &chunk, &size)
		chunk.Records = append(chunk.Records, p.pending[:n]...)
		p.pending = p.pending[n:]
		chunk.HighWater = p.last.highWater
		if full {
			return chunk, nil
		}
		if size > turnBytes && !turn.taken() {
			if err := turn.take(generation, p.turns); err != nil {
				return Records{}, err
			}
			wait.Reset(p.linger()) // it has waited enough: a large chunk is worth more than a quick one
		}
		more, err := p.await(generation, wait.C)
		for err == nil && !more && p.last.highWater > chunk.Last+1 && time.Since(begun) < backlogWait {
			// The log has more: what is behind anyway is done faster in large chunks.
			wait.Reset(backlogWait - time.Since(begun))
			more, err = p.await(generation, wait.C)
		}
		if err != nil {
			return Records{}, err
		}
		if !more {
			return chunk, nil
		}
	}
}

// fitting counts the pending messages that the chunk may still take, and counts them in; full tells that it takes no more.
func (p *partition) fitting(generation context.Context, chunk *Records, size *int64) (n int, full bool) {
	room := p.cc.MaxMessages - len(chunk.Records)
	for i := range p.pending {
		r := &p.pending[i]
		s := r.size()
		isFirst := chunk.Last < chunk.First
		if i == room || !isFirst && (*size+s > p.cc.MaxBytes || r.from != chunk.Last+1 && p.hole(generation, chunk.Last+1, r.from)) {
			return i, true
		}
		*size += s
		chunk.Last = r.Offset
	}
	return len(p.pending), len(p.pending) == room
}

// await waits until a message is pending; false when none came before wait ended. An ended generation is an error: what
// is not yet in hand is left to the next owner.
func (p *partition) await(generation context.Context, wait <-chan time.Time) (bool, error) {
	for len(p.pending) == 0 {
		var a fetched
		select {
		case a = <-p.answers: // before anything else: what is there is taken, however late it is
		default:
			select {
			case a = <-p.answers:
			case <-generation.Done():
			case <-wait:
				return false, nil
			}
		}
		if generation.Err() != nil {
			return false, generation.Err()
		}
		if a.err != nil {
			return false, a.err
		}
		p.pending, p.last = a.records, a
	}
	return true, nil
}

// deliver hands the chunk over, then commits: never the other way round.
func (p *partition) deliver(generation context.Context, chunk Records) error {
	ctx, cancel := p.handlerContext(generation)
	defer cancel()
	started := time.Now()
	p.taken = started
	if err := p.handle(ctx, chunk); err != nil {
		return fmt.Errorf("handle offsets %d to %d: %w", chunk.First, chunk.Last, err)
	}
	if err := p.commit(chunk.Last + 1); err != nil {
		return fmt.Errorf("%w: commit offset %d: %w", errGenerationOver, chunk.Last+1, err)
	}
	p.next = chunk.Last + 1
	p.cc.Metrics.handled(p, chunk, time.Since(started))
	return nil
}

// handlerContext outlives the generation, and the stop of the consumer, by the grace: the chunk in hand is better
// finished than done twice.
func (p *partition) handlerContext(generation context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(p.stop))
	release := context.AfterFunc(generation, func() {
		timer := time.NewTimer(p.cc.Grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		release()
		cancel()
	}
}

// turnBytes is how large a chunk may become before it must have its turn.
const turnBytes = 1 << 20

// turn bounds how many large chunks a consumer holds at once. The zero value holds none.
type turn struct{ of *semaphore.Weighted }

// take waits for a turn; where turns are not counted, there is always one.
func (t *turn) take(ctx context.Context, turns *semaphore.Weighted) error {
	if turns == nil {
		return nil
	}
	if err := turns.Acquire(ctx, 1); err != nil {
		return err
	}
	t.of = turns
	return nil
}

func (t *turn) taken() bool { return t.of != nil }

func (t *turn) end() {
	if t.of != nil {
		t.of.Release(1)
	}
}
