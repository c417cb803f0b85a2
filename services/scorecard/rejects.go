package scorecard

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// Who may see rejects. Counts and sums tell nothing about a person: everyone may see them. Single rejects name sources and
// ids: analysts and administrators. Their bytes came from outside and may hold anything, a person's name included: only
// administrators see them and send them again, since what is sent again counts.

// mayListRejects answers those who may not.
func mayListRejects(v *view) error {
	if v.viewer.Role.May(access.ListRejects) {
		return nil
	}
	return forbidden("Only analysts and administrators may see single rejects; the summary is for everyone.")
}

func mayReplay(v *view) error {
	if v.viewer.Role.May(access.ReplayRejects) {
		return nil
	}
	return forbidden("Only administrators may send rejects again: their bytes may hold personal data, and what is sent again counts.")
}

// rejectAnswer is one reject of a list.
type rejectAnswer struct {
	ID            string        `json:"id"`
	At            string        `json:"at"`
	Stage         string        `json:"stage"`
	Source        string        `json:"source"`
	EventID       string        `json:"event_id"`
	Type          string        `json:"type"`
	Code          string        `json:"code"`
	Meaning       string        `json:"meaning"`
	Pointer       string        `json:"pointer"`
	Message       string        `json:"message"`
	ContentType   string        `json:"content_type"`
	SchemaVersion string        `json:"schema_version"`
	Receipt       *string       `json:"receipt"`
	Status        string        `json:"status"`
	Replay        *replayAnswer `json:"replay"`
}

// replayAnswer is one attempt to send a reject again.
type replayAnswer struct {
	At      string  `json:"at"`
	By      string  `json:"by"`
	State   string  `json:"state"`
	Source  string  `json:"source"`
	EventID string  `json:"event_id"`
	Code    *string `json:"code"`
	Pointer *string `json:"pointer"`
	Message *string `json:"message"`
	Receipt *string `json:"receipt"`
	// Fix is for administrators: its values may be personal.
	Fix *string `json:"fix"`
}

func rejectOf(r warehouse.RejectRow, replays []warehouse.Replay, admin bool) rejectAnswer {
	out := rejectAnswer{
		ID: r.RejectID, At: r.At.UTC().Format(event.TimeForm), Stage: r.Stage, Source: r.Source, EventID: r.ID, Type: r.Type,
		Code: r.Code, Meaning: event.Code(r.Code).Meaning(), Pointer: r.Pointer, Message: r.Message,
		ContentType: r.ContentType, SchemaVersion: r.SchemaVersion, Status: r.Status,
	}
	if r.Stage == warehouse.StageLoader {
		out.Receipt = new(event.Receipt{Partition: int(r.KafkaPartition), Offset: int64(r.KafkaOffset)}.String())
	}
	if len(replays) > 0 {
		out.Replay = new(replayOf(replays[0], admin))
	}
	return out
}

func replayOf(r warehouse.Replay, admin bool) replayAnswer {
	out := replayAnswer{
		At: r.At.UTC().Format(event.TimeForm), By: r.By, State: r.State, Source: r.Source, EventID: r.ID,
		Code: optionalText(r.Code), Pointer: optionalText(r.Pointer), Message: optionalText(r.Message),
	}
	if r.State == warehouse.ReplayAccepted {
		out.Receipt = new(r.Receipt().String())
	}
	if admin {
		out.Fix = optionalText(r.Fix)
	}
	return out
}

// rejectsAnswer is the answer of /rejects.
type rejectsAnswer struct {
	Rejects []rejectAnswer `json:"rejects"`
	Next    *string        `json:"next"`
}

// The names of the parameters that choose rejects.
func rejectParams() []string {
	return []string{"code", "source", "stage", "type", "event_id", "q", "status", "from", "to"}
}

// rejectFilter reads the parameters that choose rejects; others belong to the caller.
func rejectFilter(values url.Values, v *view, others ...string) (warehouse.RejectFilter, error) {
	p := &parser{values: values}
	p.only(append(rejectParams(), others...))
	for name := range values {
		if text := values.Get(name); len(text) > 1024 || !utf8.ValidString(text) {
			p.fail(name, "give at most 1024 bytes of UTF-8")
		}
	}
	f := warehouse.RejectFilter{
		Workspace: v.viewer.Workspace, Unattributed: v.viewer.Role.May(access.ReadRawRejects),
		Code: values.Get("code"), Source: values.Get("source"), Type: values.Get("type"), EventID: values.Get("event_id"), Text: values.Get("q"),
		Stage:  p.oneOf("stage", "", warehouse.StageCollector, warehouse.StageGate, warehouse.StageLoader),
		Status: p.oneOf("status", "", warehouse.RejectOpen, warehouse.RejectReplayed, warehouse.RejectResent),
		From:   p.moment("from", v), To: p.moment("to", v),
	}
	if !f.From.IsZero() && !f.To.IsZero() && !f.From.Before(f.To) {
		p.fail("to", "the period is half-open: to must be after from")
	}
	if len(p.problems) > 0 {
		return warehouse.RejectFilter{}, &badRequest{p.problems}
	}
	return f, nil
}

// moment reads a day of the workspace, which is its first instant, or an instant of RFC 3339.
func (p *parser) moment(name string, v *view) time.Time {
	s := p.values.Get(name)
	if s == "" {
		return time.Time{}
	}
	if t, err := event.ParseTime(s); err == nil && t.Year() >= 1970 && t.Year() < 2200 {
		return t.Time
	}
	d, err := event.ParseDay(s)
	if err != nil || d.Year() < 1970 || d.Year() >= 2200 {
		p.fail(name, "write a day, such as 2026-11-24, or a time, such as 2026-11-24T09:00:00Z")
		return time.Time{}
	}
	return v.startOf(d)
}

// getRejects lists rejects, the latest first.
func (a *app) getRejects(c *gin.Context, v *view) error {
	if err := mayListRejects(v); err != nil {
		return err
	}
	values := c.Request.URL.Query()
	f, err := rejectFilter(values, v, "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := rejectLimit(values.Get("limit"))
	if err != nil {
		return err
	}
	page := warehouse.RejectPage{Limit: limit + 1}
	if page.After, err = rejectPlace(values.Get("cursor")); err != nil {
		return err
	}
	rows, err := a.db.Rejects(c, f, page)
	if err != nil {
		return err
	}
	answer := rejectsAnswer{Rejects: []rejectAnswer{}}
	if len(rows) > limit {
		rows = rows[:limit]
		answer.Next = new(rejectCursor(rows[limit-1]))
	}
	ids := make([]string, len(rows))
	for i, r := range rows {
		ids[i] = r.RejectID
	}
	replays, err := a.db.Replays(c, v.viewer.Workspace, ids)
	if err != nil {
		return err
	}
	for _, r := range rows {
		answer.Rejects = append(answer.Rejects, rejectOf(r, replays[r.RejectID], v.viewer.Role.May(access.ReadRawRejects)))
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, answer)
	return nil
}

func rejectLimit(text string) (int, error) {
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostPage {
		return 0, &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/limit", Message: fmt.Sprintf("write a number from 1 to %d", mostPage)}}}
	}
	return n, nil
}

// rejectCursor names the place of a reject in a list.
func rejectCursor(r warehouse.RejectRow) string {
	return cursorOf(r.At.UTC().Format(event.TimeForm) + " " + r.RejectID)
}

func rejectPlace(cursor string) (*warehouse.RejectPlace, error) {
	if cursor == "" {
		return nil, nil
	}
	text, err := cursorText(cursor)
	if err != nil {
		return nil, err
	}
	at, id, _ := strings.Cut(text, " ")
	t, err := event.ParseTime(at)
	if err != nil || id == "" || !utf8.ValidString(id) {
		return nil, badCursor()
	}
	return &warehouse.RejectPlace{At: t.Time, ID: id}, nil
}

// rejectDetail is the answer of /rejects/{id}.
type rejectDetail struct {
	rejectAnswer
	// Raw is nil for those who may not see it.
	Raw        *rawAnswer     `json:"raw"`
	Structured *string        `json:"structured"`
	Replayable bool           `json:"replayable"`
	Why        *string        `json:"why"`
	Replays    []replayAnswer `json:"replays"`
	// Outcome is what became of the event that the last replay has sent.
	Outcome *outcomeAnswer `json:"outcome"`
}

// rawAnswer are the bytes: as text where they are UTF-8, else as base64.
type rawAnswer struct {
	Bytes  int     `json:"bytes"`
	Text   *string `json:"text"`
	Base64 *string `json:"base64"`
}

// outcomeAnswer is what the loader has made of an accepted event.
type outcomeAnswer struct {
	State   string  `json:"state"`
	Code    *string `json:"code"`
	Pointer *string `json:"pointer"`
	Message *string `json:"message"`
}

// getReject answers with one reject: for administrators with its bytes and with the event in them.
func (a *app) getReject(c *gin.Context, v *view) error {
	if err := mayListRejects(v); err != nil {
		return err
	}
	admin := v.viewer.Role.May(access.ReadRawRejects)
	f := warehouse.RejectFilter{Workspace: v.viewer.Workspace, Unattributed: admin, IDs: []string{c.Param("id")}}
	rows, err := a.db.Rejects(c, f, warehouse.RejectPage{Limit: 1, Raw: true})
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return errNotFound(fmt.Sprintf("There is no such reject. Rejects are kept for %d days.", warehouse.RejectDays))
	}
	r := rows[0]
	replays, err := a.db.Replays(c, v.viewer.Workspace, f.IDs)
	if err != nil {
		return err
	}
	answer := rejectDetail{rejectAnswer: rejectOf(r, replays[r.RejectID], admin), Replays: []replayAnswer{}}
	for _, p := range replays[r.RejectID] {
		answer.Replays = append(answer.Replays, replayOf(p, admin))
	}
	if admin {
		answer.show(r.Reject)
	} else {
		answer.Why = new("Only administrators see the bytes of a reject and send it again.")
	}
	if answer.Outcome, err = a.replayOutcome(c, v, replays[r.RejectID]); err != nil {
		return err
	}
	a.touches(c, "reject", r.RejectID)
	if err := a.disclose(c); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, answer)
	return nil
}

// show adds the bytes and the event in them.
func (d *rejectDetail) show(r warehouse.Reject) {
	d.Raw = &rawAnswer{Bytes: len(r.Raw)}
	if utf8.Valid(r.Raw) {
		d.Raw.Text = new(string(r.Raw))
	} else {
		d.Raw.Base64 = new(base64.StdEncoding.EncodeToString(r.Raw))
	}
	s, why := submissionOf(r)
	if d.Replayable = why == ""; !d.Replayable {
		d.Why = new(why)
		return
	}
	if raw, err := s.structured(); err == nil && utf8.Valid(raw) {
		d.Structured = new(string(raw))
	}
}

// replayOutcome asks what became of the last event that was accepted by a replay.
func (a *app) replayOutcome(c *gin.Context, v *view, replays []warehouse.Replay) (*outcomeAnswer, error) {
	i := slices.IndexFunc(replays, func(r warehouse.Replay) bool { return r.State == warehouse.ReplayAccepted })
	if i < 0 {
		return nil, nil
	}
	r := replays[i]
	found, err := a.db.Outcome(c, v.viewer.Workspace, []warehouse.Ref{{Source: r.Source, ID: r.ID, Receipt: new(r.Receipt())}})
	if err != nil {
		return nil, err
	}
	o := found[0]
	return &outcomeAnswer{
		State: string(o.State), Code: optionalText(string(o.Code)), Pointer: optionalText(o.Pointer), Message: optionalText(o.Message),
	}, nil
}
