package scorecard

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/registry"
)

// maxEntry is the most bytes of an entry.
const maxEntry = 256 << 10

// pseudonym is the form of a person's id that is sealed already.
var pseudonym = regexp.MustCompile(`^p[0-9a-f]{24}$`)

// entryOf reads kind and key from the path. A person's key is replaced by the pseudonym, so that no e-mail address
// is ever stored.
func (a *app) entryOf(c *gin.Context, v *view) (registry.Kind, string, error) {
	kind, key := registry.Kind(c.Param("kind")), keyParam(c)
	if !registry.Known(kind) {
		return "", "", errNotFound(fmt.Sprintf("there is no registry kind %q", kind))
	}
	if kind == registry.People && key != "" && !pseudonym.MatchString(key) {
		key = a.sealer.Person(v.viewer.Workspace, key)
	}
	return kind, key, nil
}

// writable is the entry that a request writes, where the viewer may.
func (a *app) writable(c *gin.Context, v *view) (registry.Kind, string, error) {
	if !v.viewer.Role.May(access.ChangeRegistry) {
		return "", "", forbidden("Your role may read the registry and not change it.")
	}
	kind, key, err := a.entryOf(c, v)
	if err != nil {
		return "", "", err
	}
	return kind, key, v.mayWrite(kind)
}

// putRegistryEntry writes a version and answers once it is readable.
func (a *app) putRegistryEntry(c *gin.Context, v *view) error {
	kind, key, err := a.writable(c, v)
	if err != nil {
		return err
	}
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	record, problems := registry.Body(kind, key, raw, v.zone)
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	if err := a.refuseErased(c, v, kind, key); err != nil {
		return err
	}
	return a.writeMatched(c, v, record, func(reg *registry.Snapshot) error {
		if problems := append(reg.Contradictions(record), a.refuseOutgoing(reg, record)...); len(problems) > 0 {
			return &badRequest{problems}
		}
		return nil
	})
}

// deleteRegistryEntry ends an entry from a day on, with a version that holds nothing. What was before stays, and so does a version that
// begins later.
func (a *app) deleteRegistryEntry(c *gin.Context, v *view) error {
	kind, key, err := a.writable(c, v)
	if err != nil {
		return err
	}
	p := &parser{values: c.Request.URL.Query()}
	p.only([]string{"valid_from"})
	from, given := p.day("valid_from")
	if len(p.problems) > 0 {
		return &badRequest{p.problems}
	}
	if !given {
		from = v.today
	}
	record := registry.Record{Kind: kind, Key: key, ValidFrom: v.startOf(from).UTC(), Deleted: true}
	return a.writeMatched(c, v, record, func(reg *registry.Snapshot) error {
		if _, holds := reg.At(kind, key, record.ValidFrom); !holds {
			return errNotFound(fmt.Sprintf("on %s nothing holds of %s/%s that could end", from, kind, keyParam(c)))
		}
		return nil
	})
}

// writeMatched makes a record the latest of its entry, where that is still what the client has read and the check of the registry as it
// is then finds nothing, and answers with it once it is readable.
func (a *app) writeMatched(c *gin.Context, v *view, record registry.Record, check func(*registry.Snapshot) error) error {
	kind, key := record.Kind, record.Key
	defer a.writing.lock(entryName{v.viewer.Workspace, kind, key})()
	// Read again under the lock: what If-Match is compared with must be what is there now.
	reg, _, err := a.registry.get(c, v.viewer.Workspace)
	if err != nil {
		return err
	}
	before, tag := reg.History(kind, key), ""
	if _, there := currentOf(reg, kind, key, v.now); there { // what has ended may be added anew
		tag = etagOf(before)
	}
	if err := checkMatch(c.GetHeader("If-Match"), c.GetHeader("If-None-Match"), tag); err != nil {
		return err
	}
	if err := check(reg); err != nil {
		return err
	}
	if record, err = a.signed(v, record, before); err != nil {
		return err
	}
	if err := a.begin(c, string(kind), key); err != nil {
		return err
	}
	if err := a.write(c, record); err != nil {
		return err
	}
	if record, err = a.stored(c, record); err != nil {
		return err
	}
	body, err := v.entryJSON(record, append([]registry.Record{record}, before...))
	if err != nil {
		return err
	}
	status := http.StatusOK
	if len(before) == 0 {
		status = http.StatusCreated
	}
	c.Header("ETag", `"`+record.EntryID+`"`)
	c.Header("Cache-Control", "no-store")
	writeJSON(c, status, body)
	return nil
}

// stored is a record as the loader has stored it: where it names a person who was erased, under the pseudonym and with
// another id, which is the one that the next write is held to.
func (a *app) stored(ctx context.Context, r registry.Record) (registry.Record, error) {
	reg, _, err := a.registry.get(ctx, r.Workspace)
	if err != nil {
		return r, err
	}
	renamed := registry.RenamedID(r.EntryID)
	for _, other := range reg.History(r.Kind, r.Key) {
		if other.EntryID == renamed {
			return other, nil
		}
	}
	return r, nil
}

// author is who writes: a person, an API key, or else a role.
func author(v *view) string {
	switch {
	case v.viewer.Person != "":
		return v.viewer.Person
	case v.key != "":
		return "key " + v.key
	}
	return string(v.viewer.Role)
}

// checkMatch holds a write to the version that it was based on.
func checkMatch(ifMatch, ifNoneMatch, current string) error {
	stale := &httpError{
		status: http.StatusPreconditionFailed, code: "changed",
		detail: "The entry has changed since it was read, or is not there: read it again, then write.",
	}
	if ifNoneMatch == "*" && current != "" {
		return stale
	}
	if ifMatch == "" || (ifMatch == "*" && current != "") {
		return nil
	}
	for tag := range strings.SplitSeq(ifMatch, ",") {
		if tag = strings.TrimSpace(tag); tag == current && current != "" {
			return nil
		}
	}
	return stale
}

// decodeStrict reads one JSON value and knows every member of it.
func decodeStrict(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return err
	}
	if dec.More() {
		return errors.New("something follows the JSON value")
	}
	return nil
}

func readBody(c *gin.Context) ([]byte, error) {
	if media, _, _ := strings.Cut(c.GetHeader("Content-Type"), ";"); media != "" && !strings.EqualFold(strings.TrimSpace(media), "application/json") {
		return nil, &httpError{status: http.StatusUnsupportedMediaType, code: "unsupported_type", detail: "Send the body as application/json."}
	}
	raw, err := io.ReadAll(c.Request.Body)
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, &httpError{status: http.StatusRequestEntityTooLarge, code: "too_large", detail: fmt.Sprintf("The body has at most %d bytes.", tooLarge.Limit)}
	}
	if err != nil {
		return nil, fmt.Errorf("read body: %w", err)
	}
	return raw, nil
}

// write produces the record and waits until the loader has made it readable.
func (a *app) write(ctx context.Context, r registry.Record) error {
	key, value, err := r.Message()
	if err != nil {
		return err
	}
	return a.produceReadable(ctx, bus.Message{Key: key, Value: value}, write{
		attrs:    []any{"kind", r.Kind, "key", r.Key},
		readable: func(ctx context.Context) (bool, error) { return a.registry.has(ctx, r) },
		refused:  "The log did not take the entry: try again in a few seconds.",
		behind:   "The entry is written and will take effect, but is not readable yet: the loader is behind. Writing it again is harmless.",
	})
}

// write is what there is to know of a message for the topic of the registry.
type write struct {
	// attrs are those of the log.
	attrs []any
	// readable tells whether the loader has copied it.
	readable func(context.Context) (bool, error)
	// refused and behind say what it means that the log did not take it, and that the loader is late.
	refused, behind string
}

// produceReadable writes a message and waits until what it says is readable.
func (a *app) produceReadable(ctx context.Context, m bus.Message, w write) error {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.WriteTimeout)
	defer cancel()
	away := func(code, detail string) error {
		return &httpError{status: http.StatusServiceUnavailable, code: code, header: map[string]string{"Retry-After": "5"}, detail: detail}
	}
	if _, err := a.producer.Produce(ctx, []bus.Message{m}); err != nil {
		a.log.With(w.attrs...).ErrorContext(ctx, "registry write failed", "error", err)
		return away("broker_away", w.refused)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := w.readable(ctx); ok && err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return away("not_readable_yet", w.behind)
		}
	}
}

// mayWrite refuses what the viewer's role may not write, of those that may change the registry.
func (v *view) mayWrite(kind registry.Kind) error {
	if kind == registry.People && !v.viewer.Role.May(access.ChangePeople) {
		return forbidden("Who has which role is an administrator's to say: your role may change the rest of the registry.")
	}
	if isOutgoing(kind) && !v.viewer.Role.May(access.Administer) {
		return forbidden("Where numbers are sent to is an administrator's to say: your role may change the rest of the registry.")
	}
	return nil
}

// signed is the record with who writes it, when, and what the write is called.
func (a *app) signed(v *view, record registry.Record, before []registry.Record) (registry.Record, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return record, fmt.Errorf("make entry id: %w", err)
	}
	record.Workspace, record.EntryID, record.Author = v.viewer.Workspace, id.String(), author(v)
	record.RecordedAt = a.now().UTC().Truncate(time.Millisecond)
	if len(before) > 0 && !record.RecordedAt.After(before[0].RecordedAt) {
		record.RecordedAt = before[0].RecordedAt.Add(time.Millisecond) // the last write must win, whatever the clock says
	}
	return record, nil
}
