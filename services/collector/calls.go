package collector

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/client_golang/prometheus"

	"plumbline/pkg/connections"
	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
)

// caller takes calls: what tools send in a language of their own. The events that it makes of them go the way of all others, through
// the receiver. CONNECT.md says what becomes of what.
type caller struct {
	*receiver
	book   *connections.Book
	secret event.Secret
	// home is the workspace of calls that are signed and carry no key.
	home string
	// public is the address that the world calls, apps what HubSpot signs its calls with.
	public  string
	apps    AppSecrets
	log     *slog.Logger
	door    *doorman
	now     func() time.Time
	counted *callMetrics
}

// registerCalls adds the endpoints of tools, and follows the connections. Readiness does not wait for them: events are taken without, and
// calls are told to come again.
func registerCalls(cfg Config, mount *process.Mount, r *receiver, door *doorman) {
	book := connections.New(connections.Config{
		Bus: cfg.Bus, Service: "collector", Now: cfg.Now, Metrics: mount.Metrics, Log: mount.Log.With("service", "collector"),
	})
	calls := &caller{
		receiver: r, book: book, secret: cfg.Secret, home: cfg.Workspace, public: strings.TrimRight(cfg.URL, "/"), apps: cfg.HubSpot,
		log: mount.Log.With("service", "collector"), door: door, now: cfg.Now, counted: newCallMetrics(mount.Metrics),
	}
	calls.registerSegment(mount.Router)
	calls.registerHooks(mount.Router)
	mount.Go("connections", book.Run)
}

// callMetrics counts what is known and not counted, so that nothing is left out in silence.
type callMetrics struct{ notCounted *prometheus.CounterVec }

// The reasons why a call is not counted.
const (
	// notCountedType is a call of Segment's other than track, of which no mapping says anything.
	notCountedType = "type"
	// notCountedIgnored is a name that the connection ignores.
	notCountedIgnored = "ignored"
	// notCountedCondition is a call for which no condition of its mapping holds.
	notCountedCondition = "condition"
)

func newCallMetrics(reg prometheus.Registerer) *callMetrics {
	m := &callMetrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "plumbline", Subsystem: "collector", Name: "calls_not_counted_total",
		Help: "Calls of tools that were taken and are not counted, because their connection says so or says nothing of their type.",
	}, []string{"via", "reason"})}
	reg.MustRegister(m.notCounted)
	return m
}

// tally is what becomes of the calls of a request.
type tally struct {
	*intake
	via  string
	held connections.Held
	// notCounted are the reasons of calls that are not counted.
	notCounted []string
}

// take makes the events of one call, or says why there are none. The call is whole and within its limits.
func (r *caller) take(ctx context.Context, t *tally, call *mapping.Call, a connections.Arrival) {
	out := a.Apply(t.held, call)
	if reason := notCounted(a, out); reason != "" {
		t.notCounted = append(t.notCounted, reason)
		return
	}
	if out.Unknown() {
		r.refuseCall(ctx, t, a, connections.UnknownName(t.held.Calls, out.Name))
	}
	for _, m := range out.Made {
		e, problems := connections.Judge(r.parser, m)
		r.add(ctx, t.intake, e, problems, kept(a.Of(m)))
	}
}

// notCounted is why a call is taken and not counted, "" where it is counted or refused.
func notCounted(a connections.Arrival, out mapping.Result) string {
	switch {
	case out.Ignored:
		return notCountedIgnored
	case out.Unknown() && a.CallType() != "" && a.CallType() != segmentTrack:
		return notCountedType
	case !out.Unknown() && len(out.Made) == 0:
		return notCountedCondition
	}
	return ""
}

// refuseCall refuses a call as a whole; it is kept, so that it can be repaired or mapped later.
func (r *caller) refuseCall(ctx context.Context, t *tally, a connections.Arrival, problems ...event.Problem) {
	r.add(ctx, t.intake, event.Event{Source: a.Source, ID: a.ID}, problems, kept(a))
}

// kept is the form in which a call is kept where it is refused.
func kept(a connections.Arrival) submission {
	if raw, err := a.Encode(); err == nil {
		return submission{body: raw, contentType: typeStructured}
	}
	return submission{body: a.Data, contentType: typeBinary} // what is no JSON stands in no JSON
}

// finish sends what was made and counts it.
func (r *caller) finish(c *gin.Context, t *tally) {
	// Whoever has gone away after sending has sent all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), r.timeout)
	defer cancel()
	r.write(ctx, t.intake)
	r.metrics.count(t.entries)
	for _, reason := range t.notCounted {
		r.counted.notCounted.WithLabelValues(t.via, reason).Inc()
	}
	// Senders know their call, and not the form in which we keep it.
	for i := range t.entries {
		a := &t.entries[i].answer
		a.Pointer = strings.TrimPrefix(a.Pointer, "/data")
		a.Problems = slices.Clone(a.Problems)
		for j := range a.Problems {
			a.Problems[j] = fromCall(a.Problems[j])
		}
	}
}

// find looks for the connection; it answers where there is none.
func (r *caller) find(c *gin.Context, workspace, via, name string) (connections.Held, bool) {
	held, err := r.book.Find(workspace, via, name)
	switch {
	case err == nil:
		return held, true
	case errors.Is(err, connections.ErrNotReady):
		c.Header("Retry-After", strconv.Itoa(retryKeys))
		r.refuse(c, http.StatusServiceUnavailable, "starting", "The connections are still being read; send the same again a little later.", nil)
	case errors.Is(err, connections.ErrInactive):
		r.refuse(c, http.StatusForbidden, "connection_inactive", "The connection "+name+" takes no calls: an administrator has said that it is not active.", nil)
	default:
		r.refuse(c, http.StatusNotFound, "unknown_connection",
			"There is no connection "+name+` of this kind: write registry/connections/`+name+` with "via": "`+via+`" first.`, nil)
	}
	return connections.Held{}, false
}

// collect reserves room for the body and reads it. give must be called when the request is answered.
func (r *caller) collect(c *gin.Context, workspace string, limit int64) (body []byte, give func(), err error) {
	give = func() {}
	packed, ok := r.encoding(c)
	if !ok {
		return nil, give, errAnswered
	}
	if c.Request.ContentLength > limit {
		return nil, give, errTooLarge
	}
	reserved := c.Request.ContentLength
	if packed || reserved < 0 || reserved > smallBody {
		reserved = MaxBody // a call becomes more than it is
	}
	if !r.room(c, r.flight.take(workspace, reserved)) {
		return nil, give, errAnswered
	}
	give = func() { r.flight.give(workspace, reserved) }
	body, err = readAll(c.Request, packed, limit)
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		err = errTooLarge
	}
	r.metrics.bytes.Add(float64(len(body)))
	return body, give, err
}

// smallBody is up to where the room for a request of calls follows its length.
const smallBody = 64 << 10

// errAnswered says that the request was refused already.
var errAnswered = errors.New("the request was answered")

// connectionOf is the connection of a key that names one among its sources, or the default one; "" where it names several, or may write none.
func connectionOf(sources []string, mayWrite func(string) bool) (string, string) {
	var named []string
	prefix := registry.SourceOf(registry.ViaSegment, "")
	for _, s := range sources {
		if name, ok := strings.CutPrefix(s, prefix); ok && !strings.HasSuffix(s, "*") {
			named = append(named, name)
		}
	}
	switch {
	case len(named) == 1:
		return named[0], ""
	case len(named) > 1:
		return "", "The sources of this key name several connections, " + strings.Join(named, " and ") + ": use a key with one of them."
	case !mayWrite(prefix + registry.DefaultConnection):
		return "", "This key may not send calls of Segment's SDKs: use a key with the source " + prefix + "NAME, where NAME is the connection."
	}
	return registry.DefaultConnection, ""
}

// readCall reads a call; one that is none is refused and kept.
func (r *caller) readCall(ctx context.Context, t *tally, raw jsontext.Value, limit int) (*mapping.Call, bool) {
	call, problem := mapping.ReadCall(raw)
	if problem == nil && len(raw) > limit {
		problem = &event.Problem{Code: event.CodeTooLarge, Message: "the call has " + strconv.Itoa(len(raw)) + " bytes; at most " + strconv.Itoa(limit) + " are taken: send less in it"}
	}
	if problem == nil {
		return call, true
	}
	problem.Pointer = "/data" + problem.Pointer
	r.add(ctx, t.intake, event.Event{Source: t.held.Source}, []event.Problem{*problem}, submission{body: raw, contentType: typeBinary})
	return nil, false
}
