package collector

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// What is under way of one import: parcels of rows, of which each is as large as a request may be in events.
const (
	parcelBytes = 1 << 20
	// importWorkers judge and write parcels; importParcels are theirs, one that waits and one that is filled.
	importWorkers = 5
	importParcels = importWorkers + 2
	// importPatience is how long an import waits for the log before it gives up.
	importPatience = time.Minute
)

var errBrokerAway = errors.New("the log does not confirm events")

// parcel is some rows on their way.
type parcel struct {
	// number orders the parcels, last is the number of its last row.
	number, last int
	rows, bytes  int
	events       []mapping.Event
	lines        []int
}

// importRun is one import under way.
type importRun struct {
	*importer
	key access.Key
	// keyText is that of a key that may end while the import runs.
	keyText string
	rows    *mapping.Reader
	from    int
	out     *importAnswers

	mu sync.Mutex
	// sum is what has become of rows whose parcels are durable, and done are parcels that are, though one before them is not.
	sum  importSummary
	next int
	done map[int]int
}

// all reads, judges and writes all rows, and answers. A parcel is read when one before has been written: memory does not grow.
func (run *importRun) all(ctx context.Context) {
	run.done = map[int]int{}
	run.sum = newImportSummary(run.rows.Mapping().Name, run.from)
	parcels := make(chan *parcel, 1)
	// Whoever has gone away after sending has sent all the same: what was read is written.
	g, writing := errgroup.WithContext(context.WithoutCancel(ctx))
	// Where nothing can be written any more, nobody waits for the client.
	defer context.AfterFunc(writing, func() {
		if !errors.Is(context.Cause(writing), context.Canceled) { // which it is at the end
			_ = run.out.control.SetReadDeadline(time.Now())
		}
	})()
	var broken error
	g.Go(func() error {
		defer close(parcels)
		broken = run.read(writing, parcels)
		return nil
	})
	for range importWorkers {
		g.Go(func() error {
			for p := range parcels {
				if err := run.deliver(writing, p); err != nil {
					return err
				}
			}
			return nil
		})
	}
	err := g.Wait()
	if err == nil {
		err = broken
	}
	if err != nil {
		p := fileProblem(err)
		run.sum.Error = &p
		run.log.InfoContext(ctx, "import broke off", "code", p.Code, "next_row", run.sum.NextRow, "error", err)
	}
	run.sum.Complete = err == nil
	if run.sum.Rows > 0 {
		run.sum.Absent = run.rows.Absent()
	}
	run.out.end(run.sum)
}

// read fills parcels. Rows before the first are read and left out: the names of rows depend on those before.
func (run *importRun) read(ctx context.Context, out chan<- *parcel) error {
	p := &parcel{last: run.from - 1}
	push := func() error {
		next := &parcel{number: p.number + 1, last: p.last}
		select {
		case out <- p:
			p = next
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for {
		row, err := run.rows.Next()
		if err != nil {
			if p.rows > 0 {
				if full := push(); full != nil {
					return full
				}
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if run.rows.Named() > mostNamed {
			return errTooMany
		}
		if row.Number < run.from {
			continue
		}
		run.count(row)
		p.rows, p.last = p.rows+1, row.Number
		for _, e := range row.Events {
			p.events, p.lines = append(p.events, e), append(p.lines, row.Line)
			p.bytes += len(e.Data) + len(e.Raw) + leastEvent
		}
		if p.rows >= MaxEvents || len(p.events) >= MaxEvents || p.bytes >= parcelBytes {
			if err := push(); err != nil {
				return err
			}
		}
	}
}

// count notes what the mapping could make nothing of.
func (run *importRun) count(row mapping.Row) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.sum.Rows++
	run.sum.Events += len(row.Events) + len(row.Problems)
	for _, reason := range row.Skipped {
		run.sum.Skipped[reason]++
	}
	for _, problems := range row.Problems {
		run.sum.Rejected[problems[0].Code]++
		for _, p := range problems {
			run.sum.problem(rowProblem{Line: p.Line, Column: p.Column, Code: p.Code, Message: p.Message})
		}
	}
}

// deliver judges the events of a parcel and writes them, those that the log has not confirmed again, until it has.
func (run *importRun) deliver(ctx context.Context, p *parcel) error {
	raws := make([][]byte, len(p.events))
	left := make([]int, len(p.events))
	for i, e := range p.events {
		raw, err := e.Structured()
		if err != nil {
			return err
		}
		raws[i], left[i] = raw, i
	}
	if run.keyText != "" {
		if _, err := run.ring.Find(run.keyText); err != nil {
			return err
		}
	}
	wait, began := 100*time.Millisecond, time.Now()
	for {
		if left = run.send(ctx, p, raws, left); len(left) == 0 {
			run.durable(p)
			return nil
		}
		if time.Since(began) > importPatience {
			return errBrokerAway
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-run.stopping:
			return errStopping
		case <-time.After(wait):
		}
		wait = min(2*wait, 5*time.Second)
	}
}

// send judges and writes some events of a parcel, and returns those that are to be sent again.
func (run *importRun) send(ctx context.Context, p *parcel, raws [][]byte, which []int) (left []int) {
	ctx, cancel := context.WithTimeout(ctx, run.timeout)
	defer cancel()
	in := &intake{key: run.key, receive: receiveID()}
	in.grow(len(which))
	for _, i := range which {
		e, problems := run.parser.Structured(raws[i])
		run.add(ctx, in, e, problems, submission{body: raws[i], contentType: typeStructured})
	}
	run.write(ctx, in)
	ended := make([]entry, 0, len(in.entries))
	run.mu.Lock()
	defer run.mu.Unlock()
	for n, i := range which {
		a := &in.entries[n].answer
		switch a.State {
		case event.Retry:
			left = append(left, i)
			continue
		case event.Accepted:
			run.sum.Accepted++
		case event.Duplicate:
			run.sum.Duplicates++
		case event.Rejected:
			run.sum.Rejected[a.Code]++
			run.sum.problem(rowProblem{Line: p.lines[i], Pointer: a.Pointer, Code: a.Code, Message: a.Message})
		}
		ended = append(ended, in.entries[n])
	}
	run.metrics.count(ended)
	return left
}

// durable notes that a parcel is written, and says so when all before it are.
func (run *importRun) durable(p *parcel) {
	run.mu.Lock()
	defer run.mu.Unlock()
	run.done[p.number] = p.last
	before := run.next
	for {
		last, ok := run.done[run.next]
		if !ok {
			break
		}
		delete(run.done, run.next)
		run.next++
		run.sum.NextRow = last + 1
	}
	if run.next > before {
		run.out.progress(run.sum)
	}
}
