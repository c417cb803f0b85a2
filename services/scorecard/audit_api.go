package scorecard

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
)

// auditAnswer is one entry of the audit log.
type auditAnswer struct {
	ID         string  `json:"id"`
	At         string  `json:"at"`
	Actor      string  `json:"actor"`
	ActorKind  string  `json:"actor_kind"`
	Role       *string `json:"role"`
	Action     string  `json:"action"`
	Outcome    string  `json:"outcome"`
	TargetKind *string `json:"target_kind"`
	Target     *string `json:"target"`
	Measure    *string `json:"measure"`
	Scope      *string `json:"scope"`
	From       *string `json:"from"`
	To         *string `json:"to"`
	RequestID  *string `json:"request_id"`
}

func auditAnswerOf(e audit.Entry) auditAnswer {
	return auditAnswer{
		ID: e.ID, At: e.At.Format(event.TimeForm), Actor: e.Actor, ActorKind: e.ActorKind, Role: optionalText(e.Role), Action: e.Action, Outcome: e.Outcome,
		TargetKind: optionalText(e.TargetKind), Target: optionalText(e.Target), Measure: optionalText(e.Measure), Scope: optionalText(e.Scope),
		From: optionalText(e.From), To: optionalText(e.To), RequestID: optionalText(e.RequestID),
	}
}

// auditColumns are those of the CSV.
func auditColumns() []string {
	return []string{"id", "at", "actor", "actor_kind", "role", "action", "outcome", "target_kind", "target", "measure", "scope", "from", "to", "request_id"}
}

// auditLine is an entry as a line of the CSV.
func auditLine(e audit.Entry) []string {
	line := []string{
		e.ID, e.At.Format(event.TimeForm), e.Actor, e.ActorKind, e.Role, e.Action, e.Outcome, e.TargetKind, e.Target, e.Measure, e.Scope, e.From, e.To, e.RequestID,
	}
	for i, text := range line {
		line[i] = spreadsheet(text)
	}
	return line
}

// auditQuestion is what is asked of the audit log.
type auditQuestion struct {
	filter warehouse.AuditFilter
	after  *warehouse.AuditPlace
	limit  int
	format string
}

// keyPrefixForm is how an actor looks that is an API key.
var keyPrefixForm = regexp.MustCompile(`^plk_[a-z0-9]{1,32}_$`)

// auditQuestion reads the parameters. Without a period it is the last 90 days, as everywhere.
func (a *app) auditQuestion(values url.Values, v *view) (auditQuestion, error) {
	p := &parser{values: values}
	p.only([]string{"from", "to", "actor", "action", "limit", "cursor", "format"})
	q := auditQuestion{
		filter: warehouse.AuditFilter{
			Workspace: v.viewer.Workspace, Action: p.oneOf("action", append([]string{""}, audit.Actions()...)...), From: p.moment("from", v), To: p.moment("to", v),
		},
		format: p.oneOf("format", "json", "csv", "ndjson"),
	}
	if actor := values.Get("actor"); utf8.RuneCountInString(actor) > maxPerson || !utf8.ValidString(actor) {
		p.fail("actor", "give the actor as an entry has it, or the id of a person")
	} else if actor != "" {
		q.filter.Actor = a.actor(v.viewer.Workspace, actor)
	}
	switch f := &q.filter; {
	case f.From.IsZero() && f.To.IsZero():
		f.From = v.startOf(addDays(v.today, 1-defaultDays))
	case f.From.IsZero():
		f.From = f.To.AddDate(0, 0, -defaultDays)
	case !f.To.IsZero() && !f.From.Before(f.To):
		p.fail("to", "the period is half-open: to must be after from")
	}
	for _, name := range []string{"limit", "cursor"} {
		if q.format != "json" && values.Get(name) != "" {
			p.fail(name, "a file has all entries of the period: leave it out, or ask for json")
		}
	}
	if len(p.problems) > 0 {
		return auditQuestion{}, &badRequest{p.problems}
	}
	var err error
	if q.limit, err = rejectLimit(values.Get("limit")); err != nil {
		return auditQuestion{}, err
	}
	place, err := rejectPlace(values.Get("cursor"))
	if place != nil {
		q.after = &warehouse.AuditPlace{At: place.At, ID: place.ID}
	}
	return q, err
}

// actor is whose entries are asked for: an actor as entries have it, or else the id of a person, which is hashed and
// forgotten. So whatever was typed, no name gets into the entry of this very question.
func (a *app) actor(workspace, text string) string {
	if slices.Contains(audit.Fixed(), text) || keyPrefixForm.MatchString(text) || event.IsPseudonym(text) {
		return text
	}
	return a.sealer.Person(workspace, text)
}

// getAudit lists the audit log, the latest first, or writes all of it as a file. Both are entries of it themselves.
func (a *app) getAudit(c *gin.Context, v *view) error {
	if !v.viewer.Role.May(access.ReadAudit) {
		return forbidden("Only administrators may read the audit log.")
	}
	q, err := a.auditQuestion(c.Request.URL.Query(), v)
	if err != nil {
		return err
	}
	t := a.touches(c, "audit", q.filter.Actor)
	t.entry.From = q.filter.From.UTC().Format(event.TimeForm)
	if !q.filter.To.IsZero() {
		t.entry.To = q.filter.To.UTC().Format(event.TimeForm)
	}
	c.Header("Cache-Control", "no-store")
	if q.format != "json" {
		a.act(c, audit.AuditExport)
		return a.exportAudit(c, q)
	}
	rows, err := a.db.Audit(c, q.filter, q.after, q.limit+1)
	if err != nil {
		return err
	}
	if err := a.disclose(c); err != nil {
		return err
	}
	var next *string
	if len(rows) > q.limit {
		rows = rows[:q.limit]
		last := rows[q.limit-1]
		next = new(cursorOf(last.At.Format(event.TimeForm) + " " + last.ID))
	}
	entries := []auditAnswer{}
	for _, e := range rows {
		entries = append(entries, auditAnswerOf(e))
	}
	writeJSON(c, http.StatusOK, gin.H{"entries": entries, "next": next})
	return nil
}

const (
	// auditExportPage is how many entries of an export are in memory at a time.
	auditExportPage = 5000
	// auditWriteWithin is how long a reader may take to take one page of an export.
	auditWriteWithin = time.Minute
)

// exportAudit writes the entries page by page. The first page is read before anything is said; what fails after it breaks
// the connection, so that no half file is taken for a whole one.
func (a *app) exportAudit(c *gin.Context, q auditQuestion) error {
	rows, err := a.db.Audit(c, q.filter, nil, auditExportPage)
	if err == nil {
		err = a.disclose(c)
	}
	if err != nil {
		return err
	}
	process.Streaming(c)
	c.Header("Content-Disposition", `attachment; filename="plumbline_audit_`+q.filter.From.UTC().Format(time.DateOnly)+"."+q.format+`"`)
	if c.Header("Content-Type", "application/x-ndjson"); q.format == "csv" {
		c.Header("Content-Type", "text/csv; charset=utf-8")
	}
	c.Status(http.StatusOK)
	control := http.NewResponseController(c.Writer)
	write := auditWriter(c.Writer, q.format)
	for first := true; ; first = false {
		_ = control.SetWriteDeadline(time.Now().Add(auditWriteWithin)) // a writer of a test has none
		if err := write(rows, first); err != nil {
			panic(http.ErrAbortHandler)
		}
		if len(rows) < auditExportPage {
			return nil
		}
		last := rows[len(rows)-1]
		if rows, err = a.db.Audit(c, q.filter, &warehouse.AuditPlace{At: last.At, ID: last.ID}, auditExportPage); err != nil {
			a.log.ErrorContext(c, "export of the audit log broke off", "error", err, "request_id", process.RequestID(c))
			panic(http.ErrAbortHandler)
		}
	}
}

// auditWriter writes pages of entries as CSV with a header, or as a JSON object a line.
func auditWriter(to io.Writer, format string) func(rows []audit.Entry, first bool) error {
	if format == "csv" {
		w := csv.NewWriter(to)
		return func(rows []audit.Entry, first bool) error {
			var lines [][]string
			if first {
				lines = append(lines, auditColumns())
			}
			for _, e := range rows {
				lines = append(lines, auditLine(e))
			}
			return w.WriteAll(lines)
		}
	}
	encoder := json.NewEncoder(to)
	return func(rows []audit.Entry, _ bool) error {
		for _, e := range rows {
			if err := encoder.Encode(auditAnswerOf(e)); err != nil {
				return err
			}
		}
		return nil
	}
}
