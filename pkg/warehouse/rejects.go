package warehouse

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// RejectDays is how many days rejects are kept: their bytes may hold personal data.
const RejectDays = 30

// What became of a reject.
const (
	// RejectOpen is one whose event is not counted.
	RejectOpen = "open"
	// RejectReplayed is one that was sent again by a replay and taken.
	RejectReplayed = "replayed"
	// RejectResent is one whose source has sent an event with the same source and id since, which was taken.
	RejectResent = "resent"
)

// RejectFilter chooses rejects of a workspace. Zero values choose all.
type RejectFilter struct {
	Workspace string
	// Unattributed also chooses those that name no workspace at all: messages of the log that nobody can tell apart.
	Unattributed bool
	// IDs are those of rejects, not of events.
	IDs                       []string
	Code, Source, Stage, Type string
	// EventID is the id of the event.
	EventID string
	// Text is a part of the message, the pointer, the source or the id, in any case.
	Text string
	// Status is one of the states above.
	Status string
	// From and To bound the time when they were refused; To itself is not in it.
	From, To time.Time

	// types are several types at once.
	types []string
}

// RejectRow is a reject and what became of it.
type RejectRow struct {
	Reject
	Status string `ch:"status"`
}

// RejectPage says which page of a list is read.
type RejectPage struct {
	Limit int
	// Oldest begins with the first that was refused, else the list begins with the last.
	Oldest bool
	// After is the last row of the page before; nil begins.
	After *RejectPlace
	// Raw reads the bytes, too.
	Raw bool
}

// RejectPlace is the place of a reject in a list.
type RejectPlace struct {
	At time.Time
	ID string
}

// Rejects reads one page of the rejects that a filter chooses, in the order of their times.
func (db *DB) Rejects(ctx context.Context, f RejectFilter, p RejectPage) ([]RejectRow, error) {
	sql, args := f.page(p)
	var rows []RejectRow
	if err := db.Query(ctx, sql, args, &rows); err != nil {
		return nil, fmt.Errorf("read rejects: %w", err)
	}
	for i := range rows {
		rows[i].At = rows[i].At.UTC()
	}
	if p.Raw {
		if err := db.readBytes(ctx, rows); err != nil {
			return nil, fmt.Errorf("read bytes of rejects: %w", err)
		}
	}
	return rows, nil
}

// readBytes adds the bytes of a page: asked for with the page itself, those of all rejects of the filter would be read.
func (db *DB) readBytes(ctx context.Context, rows []RejectRow) error {
	if len(rows) == 0 {
		return nil
	}
	type name struct{ workspace, id string }
	places := make(map[name]int, len(rows))
	ids, workspaces := make([]string, len(rows)), map[string]bool{}
	first, last := rows[0].At, rows[0].At
	for i, r := range rows {
		places[name{r.Workspace, r.RejectID}], ids[i], workspaces[r.Workspace] = i, r.RejectID, true
		if r.At.Before(first) {
			first = r.At
		}
		if r.At.After(last) {
			last = r.At
		}
	}
	var found []struct {
		Workspace string `ch:"workspace"`
		RejectID  string `ch:"reject_id"`
		Raw       []byte `ch:"raw"`
	}
	const sql = `SELECT workspace, reject_id, raw FROM rejects FINAL
WHERE workspace IN {workspaces:Array(String)} AND reject_id IN {ids:Array(String)}
	AND at >= {first:DateTime64(3, 'UTC')} AND at <= {last:DateTime64(3, 'UTC')}`
	err := db.Query(ctx, sql, map[string]any{"workspaces": slices.Sorted(maps.Keys(workspaces)), "ids": ids, "first": first, "last": last}, &found)
	for _, f := range found {
		if i, ok := places[name{f.Workspace, f.RejectID}]; ok {
			rows[i].Raw = f.Raw
		}
	}
	return err
}

// rejectColumns are those of a list.
const rejectColumns = "workspace, reject_id, at, stage, source, id, type, code, pointer, message, content_type, kafka_partition, kafka_offset, schema_version"

// page is the query for one page.
func (f RejectFilter) page(p RejectPage) (string, map[string]any) {
	order, compare := "DESC", "<"
	if p.Oldest {
		order, compare = "ASC", ">"
	}
	// What cannot be on the page need not be read: the table is sorted by day.
	switch {
	case p.After == nil:
	case p.Oldest && f.From.Before(p.After.At):
		f.From = p.After.At
	case !p.Oldest && (f.To.IsZero() || f.To.After(p.After.At)):
		f.To = p.After.At.Add(time.Millisecond)
	}
	inner, args := f.chosen(rejectColumns)
	var conditions []string
	if f.Status != "" {
		conditions = append(conditions, "status = {status:String}")
		args["status"] = f.Status
	}
	if p.After != nil {
		conditions = append(conditions, "(at, reject_id) "+compare+" ({after_at:DateTime64(3, 'UTC')}, {after_id:String})")
		args["after_at"], args["after_id"] = p.After.At, p.After.ID
	}
	where := ""
	if len(conditions) > 0 {
		where = "\nWHERE " + strings.Join(conditions, " AND ")
	}
	args["limit"] = p.Limit
	return "SELECT " + rejectColumns + ", status FROM (" + inner + ")" + where +
		"\nORDER BY at " + order + ", reject_id " + order + "\nLIMIT {limit:UInt64}", args
}

// rejectIdentity is [event.IdentityOf] in SQL.
const rejectIdentity = `toFixedString(substring(SHA256(concat(
	unhex(leftPad(hex(length(workspace)), 8, '0')), workspace,
	unhex(leftPad(hex(length(source)), 8, '0')), source,
	unhex(leftPad(hex(length(id)), 8, '0')), id)), 1, 16), 16)`

// chosen are the rejects of the filter, each with its status. Whether an event was sent again is asked of its identity: of
// an id_conflict it tells nothing, because the event that is stored is the very one that it was refused for.
func (f RejectFilter) chosen(columns string) (string, map[string]any) {
	where, args := f.where()
	return `SELECT ` + columns + `, multiIf(
	reject_id IN (SELECT reject_id FROM replays WHERE workspace = {workspace:String} AND state IN ('accepted', 'unchanged')), 'replayed',
	code != 'id_conflict' AND source != '' AND id != '' AND ` + rejectIdentity + ` IN (
		SELECT identity FROM identities WHERE identity IN (
			SELECT ` + rejectIdentity + ` FROM rejects WHERE ` + where + `)), 'resent',
	'open') AS status
FROM rejects FINAL
WHERE ` + where, args
}

// where is the condition on the rows themselves.
func (f RejectFilter) where() (string, map[string]any) {
	args := map[string]any{"workspace": f.Workspace}
	conditions := []string{"workspace = {workspace:String}"}
	if f.Unattributed {
		conditions[0] = "workspace IN ({workspace:String}, '')"
	}
	for name, value := range map[string]string{"code": f.Code, "source": f.Source, "stage": f.Stage, "type": f.Type} {
		if value != "" {
			conditions = append(conditions, name+" = {"+name+":String}")
			args[name] = value
		}
	}
	if len(f.types) > 0 {
		conditions = append(conditions, "type IN {types:Array(String)}")
		args["types"] = f.types
	}
	if f.EventID != "" {
		conditions = append(conditions, "id = {event_id:String}")
		args["event_id"] = f.EventID
	}
	if len(f.IDs) > 0 {
		conditions = append(conditions, "reject_id IN {ids:Array(String)}")
		args["ids"] = f.IDs
	}
	if f.Text != "" {
		conditions = append(conditions, "arrayExists(t -> positionCaseInsensitiveUTF8(t, {text:String}) > 0, [message, pointer, source, id])")
		args["text"] = f.Text
	}
	if !f.From.IsZero() {
		conditions = append(conditions, "at >= {from:DateTime64(3, 'UTC')}")
		args["from"] = f.From
	}
	if !f.To.IsZero() {
		conditions = append(conditions, "at < {to:DateTime64(3, 'UTC')}")
		args["to"] = f.To
	}
	slices.Sort(conditions[1:]) // the same text for the same filter
	return strings.Join(conditions, " AND "), args
}
