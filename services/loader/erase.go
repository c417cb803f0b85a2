package loader

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

const (
	// eraseEvery is how often the loader looks for erasures to work on.
	eraseEvery = time.Second
	// watchEvery is how often it looks whether an erased person has come back into the tables.
	watchEvery = 10 * time.Minute
	// readerLife is longer than any request that may still read a rollup that was superseded: answers are cut off after a
	// minute.
	readerLife = 65 * time.Second
	// rollPatience is how long a pass waits for the rolls that it has asked for, before it tries again from the start.
	rollPatience = 10 * time.Minute
	// lastPass is the pass after which a person is erased.
	lastPass = 2
	// askAgain is after how long a pass asks again for the roll of a day, and a pass that has failed is tried again.
	askAgain = 15 * time.Second
	// rollPoll is how often a pass looks whether its rolls are done.
	rollPoll = 200 * time.Millisecond
)

// settled is how long after the first pass whoever wrote during it has stopped: a loader that has lost its partitions hands
// its chunk in within the rebalance timeout, and an insert that has begun ends within its own.
func (l *loader) settled() time.Duration {
	if l.cfg.ErasePause != 0 {
		return l.cfg.ErasePause
	}
	session := max(l.cfg.Session, 10*time.Second)
	insert := max(l.cfg.Warehouse.InsertTimeout, 20*time.Second)
	return max(session+bus.RebalanceTimeout(session)+insert, readerLife)
}

// eraseLoop does the passes of erasures when they are due, and watches over those that are done. Several loaders may do so
// at once: a pass that is done twice finds nothing the second time.
func (l *loader) eraseLoop(ctx context.Context) error {
	ticker := time.NewTicker(eraseEvery)
	defer ticker.Stop()
	watched, failed := time.Now(), time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if time.Since(failed) < l.again() {
			continue
		}
		watch := time.Since(watched) >= watchEvery
		if err := l.eraseDue(ctx, watch); err != nil && ctx.Err() == nil {
			l.log.ErrorContext(ctx, "erasing failed, it is tried again", "error", err)
			failed = time.Now()
			continue
		}
		if watch {
			watched = time.Now()
		}
	}
}

// eraseDue does every pass that is due. With watch it also does those of persons who have come back.
func (l *loader) eraseDue(ctx context.Context, watch bool) error {
	all, err := l.db.Erasures(ctx, "")
	if err != nil || len(all) == 0 {
		return err
	}
	passes, err := l.db.ErasurePasses(ctx, "")
	if err != nil {
		return err
	}
	last := map[string]warehouse.ErasurePass{}
	for _, p := range passes {
		if p.Pass >= last[p.ErasureID].Pass {
			last[p.ErasureID] = p
		}
	}
	back := map[string]bool{}
	if watch {
		if back, err = l.cameBack(ctx, all); err != nil {
			return err
		}
	}
	var errs []error
	for _, e := range all {
		p := last[e.ErasureID]
		switch {
		case p.Pass == 0, p.Pass < lastPass && time.Since(p.FinishedAt) >= l.settled(), p.Pass >= lastPass && back[e.Workspace]:
			errs = append(errs, l.erase(ctx, e, p.Pass+1))
		}
	}
	return errors.Join(errs...)
}

// cameBack are the workspaces in whose tables somebody who was erased stands.
func (l *loader) cameBack(ctx context.Context, all []registry.Erasure) (map[string]bool, error) {
	out := map[string]bool{}
	for _, e := range all {
		if _, asked := out[e.Workspace]; asked {
			continue
		}
		named, err := l.db.NamesErased(ctx, e.Workspace)
		if err != nil {
			return nil, err
		}
		out[e.Workspace] = named
	}
	return out, nil
}

// erase does one pass of one erasure and records it. The order keeps every number right at every moment: the registry
// prices the pseudonym before the first row bears it, and forgets the person after the last row of theirs is rolled.
func (l *loader) erase(ctx context.Context, e registry.Erasure, number uint8) error {
	if err := l.mayErase(e); err != nil {
		return err
	}
	if err := l.erased.now(ctx); err != nil {
		return err
	}
	// A person who was erased before keeps the pseudonym.
	if name, ok := l.erased.of(e.Workspace).pseudonyms[e.Person]; ok {
		e.Pseudonym = name
	}
	pass := warehouse.ErasurePass{Workspace: e.Workspace, ErasureID: e.ErasureID, Pass: number, StartedAt: time.Now()}
	old, err := l.renameEntries(ctx, e.Workspace)
	if err != nil {
		return err
	}
	pass.Entries = uint64(len(old))
	if err := l.eraseRows(ctx, e, &pass); err != nil {
		return err
	}
	if k := l.erased.seeker(e.Workspace); k != nil {
		if pass.Rejects, err = l.db.EraseTexts(ctx, e.Workspace, k.Find); err != nil {
			return err
		}
	}
	if err := l.eraseRollups(ctx, e, &pass); err != nil {
		return err
	}
	if err := errors.Join(l.db.EraseEntries(ctx, e.Workspace, old), l.eraseRequester(ctx, e), l.db.EraseAudit(ctx, e)); err != nil {
		return err
	}
	pass.FinishedAt = time.Now()
	if number > lastPass && !pass.Found() {
		return nil
	}
	if number == lastPass {
		if err := l.recordErased(ctx, e); err != nil {
			return err
		}
	}
	if err := l.db.InsertErasurePass(ctx, pass); err != nil {
		return err
	}
	l.metrics.erasurePasses.Inc()
	l.log.InfoContext(ctx, "erased a person", "erasure", e.ErasureID, "pass", number, "events", pass.Events,
		"corrections", pass.Corrections, "rejects", pass.Rejects, "entries", pass.Entries, "days", pass.Days)
	return nil
}

// mayErase refuses to begin what could not be finished: without the secret that has hashed the person, the raw bytes of
// rejects would keep their id.
func (l *loader) mayErase(e registry.Erasure) error {
	if e.IDBytes == 0 || e.SealCheck == registry.SealCheck(l.erased.sealer) {
		return nil
	}
	return fmt.Errorf("erasure %s waits: start the loader with --secret, the secret of the collector and the scorecard", e.ErasureID)
}

// renameEntries stores and publishes the entries of erased persons under their pseudonyms, and returns the old versions,
// which are still there.
func (l *loader) renameEntries(ctx context.Context, workspace string) (old []registry.Record, err error) {
	records, err := l.db.Registry(ctx, workspace)
	if err != nil {
		return nil, err
	}
	renamed, old, err := l.erased.renamed(records)
	if err != nil || len(old) == 0 {
		return nil, err
	}
	if err := l.db.InsertRegistry(ctx, renamed); err != nil {
		return nil, err
	}
	return old, l.publishRenamed(ctx, workspace, old)
}

// publishRenamed brings the topic, which keeps the last message of every key, to the state of the table: each key that has
// got a version of a renamed record gets its latest one again, and the keys that named a person get an empty message,
// after which the topic forgets them.
func (l *loader) publishRenamed(ctx context.Context, workspace string, old []registry.Record) error {
	renamed, _, err := l.erased.renamed(old)
	if err != nil {
		return err
	}
	touched, gone := map[string]bool{}, map[string]bool{}
	for i := range old {
		key := string(renamed[i].MessageKey())
		touched[key] = true
		if before := string(old[i].MessageKey()); before != key {
			gone[before] = true
		}
	}
	stored, err := l.db.Registry(ctx, workspace)
	if err != nil {
		return err
	}
	latest := map[string]registry.Record{}
	for _, r := range stored { // by valid_from, then recorded_at
		if key := string(r.MessageKey()); touched[key] {
			latest[key] = r
		}
	}
	var messages []bus.Message
	for _, r := range latest {
		// Where only a text was renamed, the old version still stands under the same key.
		current, _, err := l.erased.renamed([]registry.Record{r})
		if err != nil {
			return err
		}
		key, value, err := current[0].Message()
		if err != nil {
			return err
		}
		messages = append(messages, bus.Message{Key: key, Value: value})
	}
	for key := range gone {
		messages = append(messages, bus.Message{Key: []byte(key)})
	}
	if _, err := l.registry.Produce(ctx, messages); err != nil {
		return fmt.Errorf("publish entries of an erased person: %w", err)
	}
	return nil
}

// eraseRequester takes the person out of the erasures that they have asked for.
func (l *loader) eraseRequester(ctx context.Context, e registry.Erasure) error {
	all, err := l.db.Erasures(ctx, e.Workspace)
	if err != nil {
		return err
	}
	var messages []bus.Message
	for _, other := range all {
		if event.PersonDigest(e.Workspace, other.RequestedBy) != e.Person {
			continue
		}
		other.RequestedBy = e.Pseudonym
		key, value, err := other.Message()
		if err != nil {
			return err
		}
		messages = append(messages, bus.Message{Key: key, Value: value})
	}
	if len(messages) == 0 {
		return nil
	}
	if _, err := l.registry.Produce(ctx, messages); err != nil {
		return fmt.Errorf("publish erasures: %w", err)
	}
	return l.db.EraseRequester(ctx, e)
}

// eraseRows takes the person out of the raw rows.
func (l *loader) eraseRows(ctx context.Context, e registry.Erasure, pass *warehouse.ErasurePass) error {
	events, err := l.db.EraseEvents(ctx, e)
	if err != nil {
		return err
	}
	corrections, err := l.db.EraseCorrections(ctx, e, l.erased.eraser)
	if err != nil {
		return err
	}
	pass.Events, pass.Corrections = pass.Events+events, pass.Corrections+corrections
	return nil
}

// eraseRollups makes the days anew in which readers see the person, waits until they do not, and after the first pass
// deletes what superseded rollups still say. It notes how many days there were. A roll that has read the rows before
// they were changed may end after the first look, so that each look asks for what it finds. A day that still names the
// person after its roll is made of a row that came behind the pass, of a chunk that was read before anybody knew of the
// erasure: no roll helps there until the rows were changed again.
func (l *loader) eraseRollups(ctx context.Context, e registry.Erasure, pass *warehouse.ErasurePass) error {
	if pass.Pass >= lastPass {
		if err := l.awaitRolls(ctx, e.Workspace); err != nil {
			return err
		}
	}
	asked := map[event.Day]time.Time{}
	for deadline := time.Now().Add(rollPatience); ; {
		days, err := l.db.ErasedDays(ctx, e)
		if err != nil {
			return err
		}
		due := slices.DeleteFunc(slices.Clone(days), func(d event.Day) bool { return time.Since(asked[d]) < l.again() })
		if slices.ContainsFunc(due, func(d event.Day) bool { return !asked[d].IsZero() }) {
			if err := l.eraseRows(ctx, e, pass); err != nil {
				return err
			}
		}
		if err := l.rollErased(ctx, e, due); err != nil {
			return err
		}
		for _, d := range due {
			asked[d] = time.Now()
		}
		clean := len(days) == 0
		if clean && pass.Pass >= lastPass {
			if clean, err = l.db.SweepErased(ctx, e, time.Now().Add(-l.readers())); err != nil {
				return err
			}
		}
		switch {
		case clean:
			pass.Days = uint64(len(asked))
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("erasure %s: %d days still name the person after %s", e.ErasureID, len(days), rollPatience)
		}
		if err := process.Wait(ctx, rollPoll); err != nil {
			return err
		}
	}
}

// awaitRolls waits until every roll of the workspace has ended that was asked for before: one that has read the rows before
// they were changed, and shows nothing yet, cannot be looked for. The marks of a workspace are handled one after the other,
// so that it is enough to wait for a mark of its own.
func (l *loader) awaitRolls(ctx context.Context, workspace string) error {
	message, err := mark{Workspace: workspace, Day: event.DayOf(time.Now())}.message()
	if err != nil {
		return err
	}
	receipts, err := l.marks.Produce(ctx, []bus.Message{message})
	if err != nil {
		return fmt.Errorf("write a mark: %w", err)
	}
	own := receipts[0]
	for deadline := time.Now().Add(rollPatience); ; {
		next, err := l.db.NextOffset(ctx, warehouse.StreamMarks, own.Partition)
		if err != nil {
			return err
		}
		switch {
		case next > own.Offset:
			return nil
		case time.Now().After(deadline):
			return fmt.Errorf("the rolls of %q have not ended in %s", workspace, rollPatience)
		}
		if err := process.Wait(ctx, rollPoll); err != nil {
			return err
		}
	}
}

// rollErased has the days rolled; those that are sealed, whose raw rows may be gone, are copied without the person.
func (l *loader) rollErased(ctx context.Context, e registry.Erasure, days []event.Day) error {
	seal, err := l.seal.read(ctx)
	if err != nil {
		return err
	}
	sealed := func(d event.Day) bool { return d.Before(seal.SealedBefore.Time) }
	if closed := slices.DeleteFunc(slices.Clone(days), func(d event.Day) bool { return !sealed(d) }); len(closed) > 0 {
		if err := l.db.EraseSealed(ctx, e, closed); err != nil {
			return err
		}
	}
	var marks []mark
	for _, d := range days {
		if !sealed(d) {
			marks = append(marks, mark{Workspace: e.Workspace, Day: d})
		}
	}
	return l.writeMarks(ctx, marks)
}

// readers is how long ago a rollup must have been superseded so that nobody reads it.
func (l *loader) readers() time.Duration {
	if l.cfg.ErasePause != 0 {
		return l.cfg.ErasePause
	}
	return readerLife
}

// again is after how long what has failed is tried again.
func (l *loader) again() time.Duration {
	if l.cfg.ErasePause != 0 {
		return min(askAgain, l.cfg.ErasePause)
	}
	return askAgain
}
