package scorecard

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/bus"
	"plumbline/pkg/process"
)

// The audit log: who has read evidence, and who has changed what. AUDIT.md says what is recorded and what is not. The order is
// what makes it one:
//
//   - A read is recorded before a byte of it is answered, in one entry: the answer is ready, the entry is written, the answer
//     goes out. Where the log does not take the entry (acknowledged by all replicas in sync) the answer is 503 and holds nothing.
//   - A change is recorded before it is made, as begun, and once more with its outcome: the log of the change itself is another
//     topic, and no write covers two. So no change is made without an entry. What was heard of neither way stays begun.
//   - What was refused or has failed before anything was shown or made is recorded afterwards, in one entry. Nothing hangs on
//     it, so that the answer stays what it is where the log is away.
//   - Letting somebody in is recorded before, as a read is. Signing out ends the session first, and is recorded afterwards:
//     who wants to end a session must never be held up.
//
// A produce that has timed out may be in the log all the same: then an entry says of a read that it took place, and the reader
// was told to try again. It never is the other way round.

// recordPatience is how long a request waits for its entry.
const recordPatience = 3 * time.Second

// auditLog writes entries.
type auditLog struct {
	producer *bus.Producer
	now      func() time.Time
	log      *slog.Logger
	written  *prometheus.CounterVec
}

func newAuditLog(cfg Config, metrics prometheus.Registerer, log *slog.Logger) *auditLog {
	l := &auditLog{producer: bus.NewProducer(cfg.Bus, bus.Audit), now: cfg.Now, log: log, written: prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "plumbline", Subsystem: "scorecard", Name: "audit_entries_total", Help: "Entries of the audit log, by whether the log has taken them.",
	}, []string{"result"})}
	metrics.MustRegister(l.written)
	return l
}

// write writes one entry and returns once it is durable. It does not end with its request, whose client may go meanwhile.
func (l *auditLog) write(ctx context.Context, e audit.Entry) error {
	key, value, err := e.Clipped().Message()
	if err == nil {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordPatience)
		defer cancel()
		_, err = l.producer.Produce(within, []bus.Message{{Key: key, Value: value}})
	}
	if err != nil {
		l.written.WithLabelValues("failed").Inc()
		l.log.ErrorContext(ctx, "audit entry not written", "action", e.Action, "outcome", e.Outcome, "actor", e.Actor, "request_id", e.RequestID, "error", err)
		return fmt.Errorf("write to the audit log: %w", err)
	}
	l.written.WithLabelValues("written").Inc()
	return nil
}

// act is what a request does, on its way into the log.
type act struct {
	entry audit.Entry
	at    time.Time
	// begun says that the log has it as begun, told that the log has its end.
	begun, told bool
}

// actKey has the act of a request in its gin.Context, wayKey how the browser was signed in.
const (
	actKey = "scorecard.act"
	wayKey = "scorecard.way"
)

// recorded has every request of a route in the audit log: what its handler has not recorded itself, it records by the status
// of the answer.
func (a *app) recorded(action string) gin.HandlerFunc {
	return func(c *gin.Context) {
		t := a.act(c, action)
		c.Next()
		// Whose client has gone gets no answer, and the status stays what it was.
		gone := !c.Writer.Written() && c.Request.Context().Err() != nil
		switch status := c.Writer.Status(); {
		case t.told, gone && t.begun:
		case gone:
			a.tell(c, audit.Failed)
		case status < http.StatusBadRequest:
			a.tell(c, audit.OK)
		case status < http.StatusInternalServerError:
			a.tell(c, audit.Refused)
		case !t.begun: // of what has begun nobody knows whether it holds
			a.tell(c, audit.Failed)
		}
	}
}

// act is the act of a request: the one that it has, as another action where one is given, or a new one.
func (a *app) act(c *gin.Context, action string) *act {
	t, ok := c.Value(actKey).(*act)
	if !ok {
		t = &act{entry: audit.Entry{Workspace: a.cfg.Workspace, RequestID: process.RequestID(c)}, at: a.now()}
		c.Set(actKey, t)
	}
	if action != "" {
		t.entry.Action = action
	}
	return t
}

// touches says what the act of a request is about.
func (a *app) touches(c *gin.Context, kind, target string) *act {
	t := a.act(c, "")
	t.entry.TargetKind, t.entry.Target = kind, target
	return t
}

// asked notes of an act which numbers of which period were asked for.
func (t *act) asked(p params) {
	t.entry.Measure, t.entry.Scope, t.entry.From, t.entry.To = p.measure, p.scope.String(), p.from.String(), p.to.String()
}

// disclose records a read, before it is answered.
func (a *app) disclose(c *gin.Context) error {
	if a.tell(c, audit.OK) {
		return nil
	}
	return auditAway()
}

// auditAway is the answer where an entry was not written that comes first.
func auditAway() error {
	return &httpError{
		status: http.StatusServiceUnavailable, code: "audit_away", header: map[string]string{"Retry-After": "5"},
		detail: "What you ask for is recorded before it is done, and the audit log has not taken the entry: nothing was shown, and nothing was changed. Try again in a few seconds.",
	}
}

// discloseEvidence records that a page of evidence, or all of it, is read, once its rows are collected. What can still go wrong
// after that, such as a cursor of no page, leaves the entry of a read that has shown nothing.
func (a *app) discloseEvidence(c *gin.Context, p params) error {
	if p.format == "csv" {
		a.act(c, audit.EvidenceExport)
	}
	a.touches(c, "evidence", "").asked(p)
	return a.disclose(c)
}

// begin records a change of the target, before it is made.
func (a *app) begin(c *gin.Context, kind, target string) error {
	t := a.touches(c, kind, target)
	if a.record(c, t, audit.Begun) != nil {
		t.told = true // nothing was changed, so no end is missing
		return auditAway()
	}
	t.begun = true
	return nil
}

// tell records the end of the act of a request, once, and tells whether the log has taken it.
func (a *app) tell(c *gin.Context, outcome string) bool {
	t := a.act(c, "")
	t.told = true
	return a.record(c, t, outcome) == nil
}

// record writes the act as it is now. All that is written of one act has the same id.
func (a *app) record(c *gin.Context, t *act, outcome string) error {
	if t.entry.ID == "" {
		fresh, err := audit.New("", "", t.at)
		if err != nil {
			return err
		}
		t.entry.ID, t.entry.At = fresh.ID, fresh.At
	}
	t.entry.Outcome = outcome
	viewer := access.Viewer{}
	if v, ok := c.Value(viewerKey).(access.Viewer); ok {
		viewer, t.entry.Workspace, t.entry.Role = v, v.Workspace, string(v.Role)
	}
	t.entry.Actor, t.entry.ActorKind = actorOf(c, viewer)
	return a.audit.write(c, t.entry)
}

// actorOf is who acts: a pseudonym, how a key begins, or what stands for nobody in particular.
func actorOf(c *gin.Context, viewer access.Viewer) (actor, kind string) {
	way, _ := c.Value(wayKey).(access.Way)
	switch key := c.GetString(keyIDKey); {
	case viewer == access.Viewer{}:
		return audit.Nobody, audit.ByNobody
	case viewer.Person != "":
		return viewer.Person, audit.ByPerson
	case key != "":
		return access.Prefix(key), audit.ByKey
	case way == access.ByLink:
		return audit.Link, audit.ByLink
	case way == access.AsPersona:
		return audit.Persona, audit.ByPersona
	case c.GetBool(signedKey):
		return audit.Token, audit.ByToken
	}
	return audit.Visitor, audit.ByVisitor
}

// aside records an act beside that of the request, after it was done. Nothing hangs on it.
func (a *app) aside(c *gin.Context, action, kind, target string) {
	t := &act{entry: a.act(c, "").entry, at: a.now()}
	t.entry.ID, t.entry.Action, t.entry.TargetKind, t.entry.Target = "", action, kind, target
	_ = a.record(c, t, audit.OK) // the log of the process says that it was not written
}
