package scorecard

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/audit"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
)

// Annotations are remarks on days, which stand beside the numbers of a scope: entries of the registry, of which the last one written
// holds, from whenever it is.

// annotationRoutes are the endpoints of annotations.
func (a *app) annotationRoutes(api, computing gin.IRouter) {
	computing.GET("/annotations", a.answer(a.getAnnotations))
	api.POST("/annotations", a.recorded(audit.AnnotationWrite), process.MaxBody(maxEntry), a.answer(annotating(a.postAnnotation)))
	api.DELETE("/annotations/*key", a.recorded(audit.AnnotationWithdraw), a.answer(annotating(a.deleteAnnotation)))
}

// annotation is a remark on a day.
type annotation struct {
	ID   string `json:"id"`
	Day  string `json:"day"`
	Text string `json:"text"`
	// Scope is whose numbers it is about; that of the whole organisation is about every scope.
	Scope string  `json:"scope"`
	URL   *string `json:"url"`
}

// annotationRequest is the body of POST /annotations.
type annotationRequest struct {
	ID    string   `json:"id"`
	Day   saidText `json:"day"`
	Text  saidText `json:"text"`
	Scope saidText `json:"scope"`
	URL   saidText `json:"url"`
}

const (
	annotationForm = `send {"id": "a UUID", "day": "2026-11-03", "text": "new brief template", "scope": "org"}`
	// mostAnnotations is how many an answer with numbers has: the latest of its period.
	mostAnnotations = 50
)

// annotating admits those who may annotate.
func annotating(handler handlerFunc) handlerFunc {
	return func(c *gin.Context, v *view) error {
		if !v.viewer.Role.May(access.Annotate) {
			return forbidden("Leaders, analysts and administrators put notes on days: your role may read them.")
		}
		return handler(c, v)
	}
}

// getAnnotations lists the annotations of a scope and period, by day.
func (a *app) getAnnotations(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "from", "to", "scope", "limit", "cursor")
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	all, places := map[string]annotation{}, []string{}
	for _, n := range v.annotations(p) {
		place := n.Day + " " + n.ID
		all[place], places = n, append(places, place)
	}
	chosen, next, err := page(places, p)
	if err != nil {
		return err
	}
	out := make([]annotation, 0, len(chosen))
	for _, place := range chosen {
		out = append(out, all[place])
	}
	writeJSON(c, http.StatusOK, gin.H{"annotations": out, "period": v.period(p.from, p.to), "scope": p.scope.String(), "next": next})
	return nil
}

// annotations are those of a scope and period, by day and id: of the scope itself, and of the whole organisation, which it is a part of.
func (v *view) annotations(p params) []annotation {
	out := []annotation{}
	for _, key := range v.registry.Keys(registry.Annotations) {
		n, ok := v.annotation(key)
		if !ok || (n.Scope != p.scope.String() && n.Scope != string(metric.ScopeOrg)) {
			continue
		}
		if day := dayOf(n.Day); !day.Before(p.from.Time) && day.Before(p.to.Time) {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(x, y annotation) int { return cmp.Or(strings.Compare(x.Day, y.Day), strings.Compare(x.ID, y.ID)) })
	return out
}

// latestAnnotations are as many of them as an answer with numbers has.
func (v *view) latestAnnotations(p params) []annotation {
	all := v.annotations(p)
	return all[max(0, len(all)-mostAnnotations):]
}

func (v *view) annotation(key string) (annotation, bool) {
	latest, ok := v.registry.Latest(registry.Annotations, key)
	n, is := latest.Entry.(*registry.Annotation)
	if !ok || !is {
		return annotation{}, false
	}
	return annotation{ID: key, Day: n.Day.String(), Text: n.Text, Scope: cmp.Or(n.Scope, string(metric.ScopeOrg)), URL: optionalText(n.URL)}, true
}

// postAnnotation puts a remark on a day.
func (a *app) postAnnotation(c *gin.Context, v *view) error {
	var r annotationRequest
	if err := readSaid(c, &r, annotationForm); err != nil {
		return err
	}
	u, err := uuid.Parse(r.ID)
	if err != nil || len(r.ID) != 36 {
		return &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/id", Message: "give a UUID, made once for each note: whoever sends it again writes one"}}}
	}
	scope := cmp.Or(r.Scope.text, string(metric.ScopeOrg))
	p, err := parseParams(url.Values{"scope": {scope}}, v.today, "scope")
	if err == nil && p.scope.Kind == metric.ScopeMe {
		err = &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/scope", Message: "a note is for others, too: use org, team:KEY or workflow:KEY"}}}
	}
	if err == nil {
		err = v.admit(c, p.scope)
	}
	if err != nil {
		return err
	}
	fields := map[string]string{"scope": scope}
	for name, text := range map[string]saidText{"day": r.Day, "text": r.Text, "url": r.URL} {
		if text.text != "" {
			fields[name] = text.text
		}
	}
	raw, err := json.Marshal(fields)
	if err != nil {
		return err
	}
	entry, problems := registry.Decode(registry.Annotations, u.String(), raw)
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	value, err := registry.Encode(entry)
	if err != nil {
		return err
	}
	return a.writeAnnotation(c, v, registry.Record{Kind: registry.Annotations, Key: u.String(), Value: value})
}

// writeAnnotation writes one that is not there, and answers with it.
func (a *app) writeAnnotation(c *gin.Context, v *view, r registry.Record) error {
	defer a.writing.lock(entryName{v.viewer.Workspace, r.Kind, r.Key})()
	v, err := a.lookAgain(c, v)
	if err != nil {
		return err
	}
	status := http.StatusOK
	switch before, known := v.registry.Latest(r.Kind, r.Key); {
	case known && !before.Deleted && string(before.Value) == string(r.Value):
	case known:
		return &httpError{
			status: http.StatusConflict, code: string(event.CodeIDConflict),
			detail: "Another note was written under this id, or it was taken away: write this as a new one, under an id of its own.",
		}
	default:
		if err := a.putAnnotation(c, v, r); err != nil {
			return err
		}
		status = http.StatusCreated
	}
	if v, err = a.lookAgain(c, v); err != nil {
		return err
	}
	n, _ := v.annotation(r.Key)
	c.Header("Cache-Control", "no-store")
	writeJSON(c, status, n)
	return nil
}

// putAnnotation writes a version that holds from now on, or from when the latest one does, if that is later.
func (a *app) putAnnotation(c *gin.Context, v *view, r registry.Record) error {
	history := v.registry.History(r.Kind, r.Key)
	r, err := a.signed(v, r, history)
	if err != nil {
		return err
	}
	r.ValidFrom = r.RecordedAt
	if latest, known := v.registry.Latest(r.Kind, r.Key); known && latest.ValidFrom.After(r.ValidFrom) {
		r.ValidFrom = latest.ValidFrom
	}
	if err := a.begin(c, string(r.Kind), r.Key); err != nil {
		return err
	}
	return a.write(c, r)
}

// deleteAnnotation takes a remark away, and answers with what it was.
func (a *app) deleteAnnotation(c *gin.Context, v *view) error {
	if _, err := parseParams(c.Request.URL.Query(), v.today); err != nil {
		return err
	}
	key := keyParam(c)
	defer a.writing.lock(entryName{v.viewer.Workspace, registry.Annotations, key})()
	v, err := a.lookAgain(c, v)
	if err != nil {
		return err
	}
	n, ok := v.annotation(key)
	if !ok {
		return errNotFound("There is no such note: it may have been taken away already.")
	}
	latest, _ := v.registry.Latest(registry.Annotations, key)
	gone := registry.Record{Kind: registry.Annotations, Key: key, Value: latest.Value, Deleted: true} // what it was stays in the history
	if err := a.putAnnotation(c, v, gone); err != nil {
		return err
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, n)
	return nil
}
