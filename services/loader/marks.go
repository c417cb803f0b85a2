package loader

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// mark is a message on the topic of marks: a day of a workspace has to be rolled anew. Its key is the workspace, so
// that one roller at a time works on a workspace.
type mark struct {
	Workspace string `json:"workspace"`
	// Day is a UTC day. All stands for every day there is.
	Day event.Day `json:"day,omitzero"`
	All bool      `json:"all,omitzero"`
	// Since, Deals and Rows are those of [warehouse.Touch]: without the first two the day is rolled whole.
	Since event.Time `json:"since,omitzero"`
	Deals event.Time `json:"deals,omitzero"`
	Rows  int        `json:"rows,omitzero"`
	// Partition and Offset are the last event of the chunk that made the mark, for people who look for the cause.
	Partition int   `json:"partition"`
	Offset    int64 `json:"offset"`
}

// mark marks the days that the rows of the chunk touch, with those of the events that voids and corrections among them name.
func (l *loader) mark(ctx context.Context, b *batch) error {
	touched, err := l.db.Touched(ctx, slices.Concat(b.fresh, b.repeated))
	if err != nil {
		return err
	}
	var marks []mark
	for _, workspace := range slices.Sorted(maps.Keys(touched)) {
		for _, t := range touched[workspace] {
			m := mark{Workspace: workspace, Day: t.Day, Rows: t.Rows, Partition: b.chunk.Partition, Offset: b.chunk.Last}
			m.Since.Time, m.Deals.Time = t.Since, t.Deals
			marks = append(marks, m)
		}
	}
	return l.writeMarks(ctx, marks)
}

func (l *loader) writeMarks(ctx context.Context, marks []mark) error {
	messages := make([]bus.Message, len(marks))
	for i, m := range marks {
		var err error
		if messages[i], err = m.message(); err != nil {
			return err
		}
	}
	if _, err := l.marks.Produce(ctx, messages); err != nil {
		return fmt.Errorf("write marks: %w", err)
	}
	return nil
}

// message is the mark as it travels: under the key of its workspace.
func (m mark) message() (bus.Message, error) {
	value, err := json.Marshal(m)
	if err != nil {
		return bus.Message{}, fmt.Errorf("encode mark: %w", err)
	}
	return bus.Message{Key: []byte(m.Workspace), Value: value}, nil
}

// readMark reads a message on the topic of marks.
func readMark(value []byte) (mark, error) {
	var m mark
	if err := json.Unmarshal(value, &m); err != nil {
		return mark{}, err
	}
	if m.Workspace == "" || m.Day.IsZero() && !m.All {
		return mark{}, errors.New("a mark names a workspace and a day")
	}
	return m, nil
}

// due is what the marks of a chunk ask for in one workspace.
type due struct {
	all  bool
	days warehouse.Touches
}

// rollChunk rolls the days that the marks name, each once.
func (l *loader) rollChunk(ctx context.Context, chunk bus.Chunk) error {
	byWorkspace := map[string]*due{}
	for i := range chunk.Messages {
		m := &chunk.Messages[i]
		k, err := readMark(m.Value)
		if err != nil {
			l.metrics.badMarks.Inc()
			l.log.ErrorContext(ctx, "message on the topic of marks is unreadable", "partition", m.Partition, "offset", m.Offset, "error", err)
			continue
		}
		d := byWorkspace[k.Workspace]
		if d == nil {
			d = &due{days: warehouse.Touches{}}
			byWorkspace[k.Workspace] = d
		}
		if k.All {
			d.all = true
		} else {
			d.days.Add(k.Day, warehouse.Touch{Since: k.Since.Time, Deals: k.Deals.Time, Rows: max(k.Rows, 0)})
		}
	}
	for _, workspace := range slices.Sorted(maps.Keys(byWorkspace)) {
		if err := l.roll(ctx, workspace, byWorkspace[workspace], chunk.Last); err != nil {
			return err
		}
	}
	return nil
}

// roll rolls days of one workspace, those of the latest dates first.
//
// Generations grow with the offsets of the marks. All marks of a workspace stand in one partition, and a roll begins to
// read after it has the marks, so that what a later generation is made of includes what an earlier one is made of. The
// low bits are random: a failed roll is repeated under another generation, and two rollers that hold the partition for a
// moment both write theirs; both have seen everything up to the offset.
func (l *loader) roll(ctx context.Context, workspace string, d *due, last int64) error {
	started := time.Now()
	zone, err := l.db.Zone(ctx, workspace)
	if err != nil {
		return err
	}
	if d.all {
		all, err := l.db.AllDays(ctx, workspace)
		if err != nil {
			return err
		}
		for _, day := range all {
			d.days.Add(day, warehouse.Touch{})
		}
	}
	local, seam, err := l.openDays(ctx, workspace, warehouse.LocalTouches(zone, d.days.List()))
	if err != nil {
		return err
	}
	slices.Reverse(local)
	generation := uint64(last+1)<<generationBits | uint64(rand.N(1<<generationBits-maxRolls))
	for chunk := range slices.Chunk(local, warehouse.MaxRollDays) {
		req := warehouse.RollRequest{Workspace: workspace, Zone: zone.String(), Days: chunk, Seam: seam, Generation: generation}
		if err := l.db.Roll(ctx, req); err != nil {
			return err
		}
		// The next one is a roll of its own, so that a snapshot never sees half of a generation.
		generation++
	}
	l.metrics.rolledDays.Add(float64(len(local)))
	l.metrics.rollSeconds.Observe(time.Since(started).Seconds())
	return nil
}

const (
	// generationBits are the random bits of a generation.
	generationBits = 20
	// maxRolls leaves room for the rolls of one chunk: 300 years of days need fewer than 300.
	maxRolls = 1024
)
