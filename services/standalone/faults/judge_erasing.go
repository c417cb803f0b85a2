package faults

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"

	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// judgeErasing looks for the person who was erased, everywhere, and takes them out of the model as the product has to: what is
// compared from here on are rows and rollups under the pseudonym, with every count, minute and amount as it was.
func (r *run) judgeErasing(ctx context.Context, db *warehouse.DB, m *model, rep *report) error {
	x := r.erasing
	pseudonym, err := x.judgeRecord(ctx, db, rep)
	if err != nil {
		return err
	}
	hash := r.load.sealer.Person(workspaces()[0], x.person)
	if err := m.erase(workspaces()[0], hash, pseudonym); err != nil {
		return err
	}
	for _, name := range []string{x.person, hash} {
		if err := judgeNames(ctx, db, name, rep); err != nil {
			return err
		}
		if err := r.judgeRegistryTopic(ctx, name, rep); err != nil {
			return err
		}
	}
	if err := judgeRejectTexts(ctx, db, x.person, hash, rep); err != nil {
		return err
	}
	return judgeEntries(ctx, db, pseudonym, rep)
}

// judgeRecord looks at the record of the erasure: however often the request was repeated, there is one pseudonym that counts,
// which is that of the first record, and all of it is done. It returns the pseudonym.
func (x *erasing) judgeRecord(ctx context.Context, db *warehouse.DB, rep *report) (string, error) {
	all, err := db.Erasures(ctx, workspaces()[0])
	if err != nil {
		return "", err
	}
	digest := event.PersonDigest(workspaces()[0], x.run.load.sealer.Person(workspaces()[0], x.person))
	var pseudonym string
	for _, e := range all {
		switch {
		case e.Person != digest:
			rep.wrong = append(rep.wrong, fmt.Sprintf("the erasure %s is of somebody whom nobody has erased", e.ErasureID))
		case pseudonym == "":
			pseudonym = e.Pseudonym
		}
	}
	if !event.IsPseudonym(pseudonym) {
		rep.lost = append(rep.lost, fmt.Sprintf("the erasure was acknowledged, and its record has the pseudonym %q", pseudonym))
	}
	var listed erasures
	if err := x.desk.must(ctx, http.StatusOK, http.MethodGet, "/erasures", "", &listed); err != nil {
		return "", err
	}
	if len(listed.Erasures) != len(all) {
		rep.lost = append(rep.lost, fmt.Sprintf("%d erasures are listed, and %d recorded", len(listed.Erasures), len(all)))
	}
	for _, e := range listed.Erasures {
		if e.State != erasureDone {
			rep.lost = append(rep.lost, fmt.Sprintf("the erasure %s was done, and is %s", e.ID, e.State))
		}
	}
	return pseudonym, nil
}

// erase takes a person out of the winners of a workspace, and remembers the facts that told of them.
func (m *model) erase(workspace, hash, pseudonym string) error {
	x := event.NewEraser()
	m.erased = map[event.Identity]bool{}
	for id, e := range m.winners {
		if e.Workspace != workspace {
			continue
		}
		changed, err := x.Erase(&e.Event, func(person string) (string, bool) { return pseudonym, person == hash })
		if err != nil {
			return fmt.Errorf("erase from the model: %w", err)
		}
		m.winners[id], m.erased[id] = e, changed
	}
	return nil
}

// judgeNames looks for a text in every row of every table that is of the workspace, whether readers see the row or not.
func judgeNames(ctx context.Context, db *warehouse.DB, name string, rep *report) error {
	var tables []struct {
		Name      string `ch:"name"`
		Workspace bool   `ch:"workspace"`
	}
	const all = `SELECT name, name IN (SELECT table FROM system.columns WHERE database = currentDatabase() AND name = 'workspace') AS workspace
FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree' ORDER BY name`
	if err := db.Query(ctx, all, nil, &tables); err != nil {
		return fmt.Errorf("read names of tables: %w", err)
	}
	for _, t := range tables {
		sql := "SELECT count() AS n FROM " + t.Name + " WHERE positionCaseInsensitive(formatRow('JSONEachRow', *), {name:String}) > 0"
		if t.Workspace {
			sql += " AND workspace IN ('', '" + workspaces()[0] + "')"
		}
		var rows []struct {
			N uint64 `ch:"n"`
		}
		if err := db.Query(ctx, sql, map[string]any{"name": name}, &rows); err != nil {
			return fmt.Errorf("look for a person in %s: %w", t.Name, err)
		}
		if rows[0].N > 0 {
			rep.wrong = append(rep.wrong, fmt.Sprintf("%d rows of %s name the person who was erased (%s)", rows[0].N, t.Name, name))
		}
	}
	if len(tables) < len(event.Catalogue()) {
		return fmt.Errorf("only %d tables were looked at", len(tables))
	}
	return nil
}

// judgeRejectTexts looks into the messages that rejects hold, which are not plain text. One without bytes says that they were
// emptied.
func judgeRejectTexts(ctx context.Context, db *warehouse.DB, person, hash string, rep *report) error {
	var rows []struct {
		ID   string `ch:"reject_id"`
		Type string `ch:"content_type"`
		Raw  []byte `ch:"raw"`
	}
	if err := db.Query(ctx, "SELECT reject_id, content_type, raw FROM rejects WHERE workspace IN ('', '"+workspaces()[0]+"')", nil, &rows); err != nil {
		return err
	}
	for _, row := range rows {
		if (row.Type == warehouse.ErasedType) != (len(row.Raw) == 0) {
			rep.wrong = append(rep.wrong, fmt.Sprintf("reject %s has %d bytes and the type %s", row.ID, len(row.Raw), row.Type))
		}
		if row.Type != event.RawMessageType {
			continue
		}
		msg, err := event.DecodeRawMessage(row.Raw)
		if err != nil {
			return fmt.Errorf("read reject %s: %w", row.ID, err)
		}
		if bytes.Contains(msg.Value, []byte(person)) || bytes.Contains(msg.Value, []byte(hash)) {
			rep.wrong = append(rep.wrong, fmt.Sprintf("the message in reject %s names the person who was erased", row.ID))
		}
	}
	return nil
}

// judgeRegistryTopic looks at what the topic of the registry keeps: the last message of every key.
func (r *run) judgeRegistryTopic(ctx context.Context, name string, rep *report) error {
	last := map[string][]byte{}
	for p := range partitions {
		err := again(ctx, func() error {
			list, err := r.readLog(ctx, bus.Registry, p, -1)
			for _, m := range list {
				last[string(m.Key)] = m.Value
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	for key, value := range last {
		// A key without a value is one that the topic forgets.
		if len(value) > 0 && strings.Contains(key+string(value), name) {
			rep.wrong = append(rep.wrong, fmt.Sprintf("the topic of the registry keeps %q, which names the person who was erased", value))
		}
	}
	return nil
}

// judgeEntries looks for the entries that named the person, which live on under the pseudonym.
func judgeEntries(ctx context.Context, db *warehouse.DB, pseudonym string, rep *report) error {
	all, err := db.Registry(ctx, workspaces()[0])
	if err != nil {
		return err
	}
	person, owner := 0, 0
	for _, e := range all {
		switch {
		case e.Kind == registry.People && e.Key == pseudonym:
			person++
		case e.Kind == registry.Workflows && bytes.Contains(e.Value, []byte(pseudonym)):
			owner++
		}
	}
	if person == 0 || owner == 0 {
		rep.lost = append(rep.lost, fmt.Sprintf("the registry has %d versions of the person's entry under the pseudonym, and %d of workflows of theirs", person, owner))
	}
	return nil
}
