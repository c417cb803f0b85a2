package faults

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"plumbline/pkg/bus"
	"plumbline/pkg/client"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// place is where a message stands in the log.
type place = event.Receipt

// model is what the log says must be: the first occurrence of an event wins, others are duplicates or conflicts, and what
// is none of ours is refused.
type model struct {
	winners map[event.Identity]event.Stored
	// at are all occurrences, refusals the codes of what must be refused.
	at       map[place]event.Stored
	refusals map[place]event.Code
	voided   map[event.Identity]bool
	// both are stored, or copies of what is, and listed as bad targets beside: of two loaders that had the chunk at the same time
	// one has seen the target and the other has not.
	both map[place]bool
	// kinds are all kinds that an event was sent as.
	kinds map[event.Identity]map[event.Kind]bool
	// erased are the facts that told of the person who was erased.
	erased map[event.Identity]bool
}

// newModel reads the log. Whether an amendment of an amendment, or of an event of another kind, is refused as a bad target
// depends on which of the two was loaded first, in another partition perhaps; it has no effect either way. So the model
// takes that from those that were refused, and [model.groundless] says which of them had no reason.
func newModel(log map[int][]message, badTargets, stored map[place]bool) *model {
	m := &model{
		winners: map[event.Identity]event.Stored{}, at: map[place]event.Stored{}, refusals: map[place]event.Code{},
		voided: map[event.Identity]bool{}, kinds: map[event.Identity]map[event.Kind]bool{}, both: map[place]bool{},
	}
	for p := range partitions {
		for _, msg := range log[p] {
			m.add(p, msg, badTargets, stored)
		}
	}
	for _, e := range m.winners {
		if target, ok := warehouse.TargetOf(e.Event); ok && e.Kind == event.KindVoid {
			m.voided[target] = true
		}
	}
	return m
}

// groundless are the places where an event was refused as a bad target that had a good one.
func (m *model) groundless() []place {
	var out []place
	for at, e := range m.at {
		if m.refusals[at] != event.CodeBadTarget && !m.both[at] {
			continue
		}
		target, _ := warehouse.TargetOf(e.Event)
		c, isCorrection := e.Data.(*event.Correct)
		reason := false
		for kind := range m.kinds[target] {
			reason = reason || kind.Amends() || isCorrection && c.Target != kind
		}
		if !reason {
			out = append(out, at)
		}
	}
	return out
}

func (m *model) add(p int, msg message, badTargets, stored map[place]bool) {
	at := place{Partition: p, Offset: msg.Offset}
	e, err := event.FromMessage(p, msg.Offset, msg.Time, msg.Key, bus.Headers(&msg), msg.Value)
	switch {
	case err != nil:
		m.refusals[at] = event.CodeUndecodable
		return
	case bus.PartitionOf(msg.Key, partitions) != p:
		m.refusals[at] = event.CodeWrongPartition
		return
	}
	m.at[at] = e
	if m.kinds[e.Identity] == nil {
		m.kinds[e.Identity] = map[event.Kind]bool{}
	}
	m.kinds[e.Identity][e.Kind] = true
	first, ok := m.winners[e.Identity]
	switch {
	case !ok && badTargets[at] && e.Kind.Amends() && !stored[at]:
		m.refusals[at] = event.CodeBadTarget
	case !ok:
		m.both[at] = badTargets[at]
		m.winners[e.Identity] = e
	case first.Payload != e.Payload || first.Kind != e.Kind || !first.Time.Equal(e.Time):
		m.refusals[at] = event.CodeIDConflict
	default:
		m.both[at] = m.both[first.Receipt] && badTargets[at] // whoever refused the first one has refused its copy
	}
}

// rows are the winners of a workspace.
func (m *model) rows(workspace string) []event.Stored {
	var out []event.Stored
	for _, e := range m.winners {
		if e.Workspace == workspace {
			out = append(out, e)
		}
	}
	return out
}

// judge compares everything, once all is at rest.
func (r *run) judge(ctx context.Context, rep *report) error {
	log, err := r.wholeLog(ctx)
	if err != nil {
		return err
	}
	db, err := r.w.open(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	rejects, err := readRejects(ctx, db)
	if err != nil {
		return err
	}
	badTargets := map[place]bool{}
	for at, x := range rejects {
		badTargets[at] = x.code == event.CodeBadTarget
	}
	stored, err := readPlaces(ctx, db)
	if err != nil {
		return err
	}
	m := newModel(log, badTargets, stored)
	if r.replays != nil {
		r.replays.accounts(m, rep)
	}
	r.judgeLog(m, rep)
	if err := r.judgeDesk(ctx, db, m, rep); err != nil {
		return err
	}
	if err := r.judgeAlarms(ctx, rep); err != nil {
		return err
	}
	m.judgeRejects(rejects, rep)
	return errors.Join(m.judgeDuplicates(ctx, db, rep), r.judgeInbox(ctx, db, m, rep), r.judgeOutcomes(ctx, m, rep), r.judgeRows(ctx, db, m, rep),
		r.judgeTexts(ctx, db, m, rep), r.judgeRollups(ctx, db, m, rep))
}

// judgeDesk judges replays and the erasure; from then on the model is without the person.
func (r *run) judgeDesk(ctx context.Context, db *warehouse.DB, m *model, rep *report) error {
	if r.replays != nil {
		if err := r.judgeReplays(ctx, db, m, rep); err != nil {
			return err
		}
	}
	if r.erasing != nil {
		return r.judgeErasing(ctx, db, m, rep)
	}
	return nil
}

// judgeLog compares what was accepted with the log: each event stands where its receipt says, with the content that was
// sent, and the log holds nothing that nobody sent.
func (r *run) judgeLog(m *model, rep *report) {
	for _, a := range r.load.accepted {
		e, ok := m.at[a.receipt]
		switch {
		case !ok:
			rep.lost = append(rep.lost, fmt.Sprintf("%s %s was accepted as %s, where the log has nothing of ours", a.source, a.id, a.receipt))
		case e.Identity != event.IdentityOf(a.workspace, a.source, a.id) || e.Payload != a.payload:
			rep.lost = append(rep.lost, fmt.Sprintf("%s %s was accepted as %s, where the log has %s %s", a.source, a.id, a.receipt, e.Source, e.ID))
		}
	}
	for at, e := range m.at {
		if !r.load.sent[e.Identity][e.Payload] {
			rep.duplicated = append(rep.duplicated, fmt.Sprintf("nobody sent %s %s as the log has it at %s", e.Source, e.ID, at))
		}
	}
	for _, text := range r.load.refused {
		rep.lost = append(rep.lost, "refused by the collector: "+text)
	}
}

// judgeAlarms looks for the alarm of a gap in the logs of the loaders: there where the log was cut, else nowhere.
func (r *run) judgeAlarms(ctx context.Context, rep *report) error {
	alarms := 0
	for _, l := range r.w.loaders {
		text, err := os.ReadFile(l.log)
		if err != nil {
			r.note(err)
			continue
		}
		alarms += bytes.Count(text, []byte("messages are missing from the log"))
	}
	switch {
	case len(r.cuts) > 0 && alarms == 0 && len(r.w.loaders) == 1:
		kept, err := r.cutsKept(ctx)
		if err != nil {
			return err
		}
		if kept {
			rep.wrong = append(rep.wrong, "the log was cut behind the loader, and no alarm showed")
		}
	case len(r.cuts) == 0 && alarms > 0:
		rep.lost = append(rep.lost, fmt.Sprintf("%d alarms of gaps in the log, which nobody has cut", alarms))
	}
	return nil
}

// judgeOutcomes asks what became of everything that was accepted.
func (r *run) judgeOutcomes(ctx context.Context, m *model, rep *report) error {
	byWorkspace := map[string][]acked{}
	for _, a := range r.load.accepted {
		byWorkspace[a.workspace] = append(byWorkspace[a.workspace], a)
	}
	for ws, list := range byWorkspace {
		refs := make([]client.Ref, len(list))
		for i, a := range list {
			refs[i] = client.Ref{Source: a.source, ID: a.id, Receipt: a.receipt.String()}
		}
		outcomes, err := r.load.clients[ws].Outcomes(ctx, refs)
		if err != nil {
			return fmt.Errorf("ask for outcomes: %w", err)
		}
		for i, o := range outcomes {
			if text := m.wrongOutcome(list[i], o); text != "" {
				rep.lost = append(rep.lost, text)
			}
		}
	}
	return nil
}

// wrongOutcome compares an outcome with the place of the event in the log; it is empty where it is right.
func (m *model) wrongOutcome(a acked, o client.Outcome) string {
	want, code := client.Duplicate, event.Code("")
	switch winner, ok := m.winners[event.IdentityOf(a.workspace, a.source, a.id)]; {
	case ok && winner.Receipt == a.receipt: // no winner has the first place of the log, either
		want = client.Loaded
	case m.refusals[a.receipt] != "":
		want, code = client.Rejected, m.refusals[a.receipt]
	}
	if o.State == want && o.Code == code || m.both[a.receipt] && o.Code == event.CodeBadTarget {
		return ""
	}
	return fmt.Sprintf("%s %s of %s at %s is %s %s, want %s %s", a.source, a.id, a.workspace, a.receipt, o.State, o.Code, want, code)
}

// raw is a row of a raw table.
type raw struct {
	Identity  [16]byte `ch:"identity"`
	Partition uint16   `ch:"p"`
	Offset    uint64   `ch:"o"`
	Payload   [16]byte `ch:"payload"`
	N         uint64   `ch:"n"`
}

// judgeRows compares raw rows and identities with the winners.
func (r *run) judgeRows(ctx context.Context, db *warehouse.DB, m *model, rep *report) error {
	const columns = "SELECT identity, any(kafka_partition) AS p, any(kafka_offset) AS o, any(payload) AS payload, count() AS n FROM "
	stored := map[event.Identity]bool{}
	for _, spec := range event.Catalogue() {
		var rows []raw
		if err := db.Query(ctx, columns+spec.Table+" FINAL GROUP BY identity", nil, &rows); err != nil {
			return err
		}
		for _, row := range rows {
			stored[row.Identity] = true
			m.judgeRow(row, spec.Kind, rep)
		}
	}
	var ids []raw
	const identities = "SELECT identity, any(kafka_partition) AS p, min(kafka_offset) AS o, argMin(payload, kafka_offset) AS payload, " +
		"uniqExact(kafka_offset) AS n FROM identities GROUP BY identity"
	if err := db.Query(ctx, identities, nil, &ids); err != nil {
		return err
	}
	known := map[event.Identity]bool{}
	for _, row := range ids {
		known[row.Identity] = true
		m.judgeRow(row, m.winners[row.Identity].Kind, rep)
	}
	for id, e := range m.winners {
		if !stored[id] || !known[id] {
			rep.lost = append(rep.lost, fmt.Sprintf("%s %s of %s, first at %s: row %t, identity %t", e.Source, e.ID, e.Workspace, e.Receipt, stored[id], known[id]))
		}
	}
	return nil
}

func (m *model) judgeRow(row raw, kind event.Kind, rep *report) {
	e, ok := m.winners[row.Identity]
	at := place{Partition: int(row.Partition), Offset: int64(row.Offset)}
	switch {
	case !ok:
		rep.duplicated = append(rep.duplicated, fmt.Sprintf("a row of %s, identity %s at %s, is of no event in the log", kind, hex.EncodeToString(row.Identity[:]), at))
	case row.N != 1:
		rep.duplicated = append(rep.duplicated, fmt.Sprintf("%d rows of %s %s", row.N, e.Source, e.ID))
	case e.Kind != kind || e.Payload != row.Payload || e.Receipt != at:
		rep.lost = append(rep.lost, fmt.Sprintf("%s %s is stored as %s from %s, want %s from %s", e.Source, e.ID, kind, at, e.Kind, e.Receipt))
	}
}

// readPlaces reads from where in the log identities were stored.
func readPlaces(ctx context.Context, db *warehouse.DB) (map[place]bool, error) {
	var rows []struct {
		Partition uint16 `ch:"kafka_partition"`
		Offset    uint64 `ch:"kafka_offset"`
	}
	if err := db.Query(ctx, "SELECT DISTINCT kafka_partition, kafka_offset FROM identities", nil, &rows); err != nil {
		return nil, err
	}
	out := map[place]bool{}
	for _, row := range rows {
		out[place{Partition: int(row.Partition), Offset: int64(row.Offset)}] = true
	}
	return out, nil
}

// refusal is what the loader has refused at a place.
type refusal struct {
	code event.Code
	n    uint64
}

func readRejects(ctx context.Context, db *warehouse.DB) (map[place]refusal, error) {
	var rows []struct {
		Partition uint16 `ch:"p"`
		Offset    uint64 `ch:"o"`
		Code      string `ch:"code"`
		N         uint64 `ch:"n"`
	}
	const sql = `SELECT kafka_partition AS p, kafka_offset AS o, any(code) AS code, count() AS n FROM rejects FINAL
WHERE stage = 'loader' AND startsWith(reject_id, 'events-') GROUP BY p, o`
	if err := db.Query(ctx, sql, nil, &rows); err != nil {
		return nil, err
	}
	out := map[place]refusal{}
	for _, row := range rows {
		out[place{Partition: int(row.Partition), Offset: int64(row.Offset)}] = refusal{event.Code(row.Code), row.N}
	}
	return out, nil
}

// judgeRejects compares the rejects of the loader with what had to be refused, place by place.
func (m *model) judgeRejects(got map[place]refusal, rep *report) {
	for at, x := range got {
		switch want := m.refusals[at]; {
		case x.n != 1:
			rep.duplicated = append(rep.duplicated, fmt.Sprintf("%d rejects of the message at %s", x.n, at))
		case x.code != want && !(m.both[at] && x.code == event.CodeBadTarget):
			rep.lost = append(rep.lost, fmt.Sprintf("the message at %s was refused as %s, want %q", at, x.code, want))
		}
	}
	for at, code := range m.refusals {
		if got[at].n == 0 {
			rep.lost = append(rep.lost, fmt.Sprintf("the message at %s has to be refused as %s, and is in no reject", at, code))
		}
	}
	for _, at := range m.groundless() {
		rep.lost = append(rep.lost, fmt.Sprintf("the message at %s was refused as a bad target, and has a good one", at))
	}
}

// judgeRollups compares the rollups with brute force, and the claims made during the run with what was accepted.
func (r *run) judgeRollups(ctx context.Context, db *warehouse.DB, m *model, rep *report) (err error) {
	rep.wrong = append(rep.wrong, r.watch.overclaimed(m, r.load.accepted)...)
	for _, ws := range workspaces() {
		zone := time.UTC
		if name := r.extra.zones[ws]; name != "" {
			if zone, err = time.LoadLocation(name); err != nil {
				return err
			}
		}
		got, want, err := rollups(ctx, db, ws, m.rows(ws), zone)
		if err != nil {
			return err
		}
		for _, line := range difference(got, want) {
			rep.wrong = append(rep.wrong, ws+" in "+zone.String()+": "+line)
		}
	}
	return nil
}

// difference names the rows that one side has more often than the other.
func difference(got, want []string) []string {
	counts := map[string]int{}
	for _, g := range got {
		counts[g]++
	}
	for _, w := range want {
		counts[w]--
	}
	var out []string
	for _, row := range slices.Sorted(maps.Keys(counts)) {
		switch n := counts[row]; {
		case n > 0:
			out = append(out, fmt.Sprintf("%d too many of %s", n, row))
		case n < 0:
			out = append(out, fmt.Sprintf("%d missing of %s", -n, row))
		}
	}
	return out
}

// rollups are those of a workspace, as they are and as they must be.
func rollups(ctx context.Context, db *warehouse.DB, workspace string, rows []event.Stored, zone *time.Location) (got, want []string, err error) {
	defer func() {
		if e := recover(); e != nil {
			f, ok := e.(failure)
			if !ok {
				panic(e)
			}
			err = f.err
		}
	}()
	return warehousetest.ReadRollups(ctx, fails{}, db, workspace), warehousetest.BruteForce(fails{}, rows, zone), nil
}

// fails makes a failure of the model an error.
type fails struct{}

// failure is what [fails] panics with.
type failure struct{ err error }

// Helper does nothing.
func (fails) Helper() {}

// Fatal panics with a [failure].
func (fails) Fatal(args ...any) { panic(failure{errors.New(fmt.Sprint(args...))}) }
