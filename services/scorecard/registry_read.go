package scorecard

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// version is what the API says of a write.
type version struct {
	ValidFrom  string `json:"valid_from"`
	RecordedAt string `json:"recorded_at"`
	EntryID    string `json:"entry_id"`
	Author     string `json:"author"`
	// By is what the registry says of the author; nil where that is no person.
	By      *barrierOwner `json:"by"`
	Deleted bool          `json:"deleted"`
	// Value are the fields of the kind; nil where the version ends the entry.
	Value json.RawMessage `json:"value"`
}

func (v *view) versionOf(r registry.Record) version {
	out := version{
		ValidFrom: r.ValidFrom.UTC().Format(event.TimeForm), RecordedAt: r.RecordedAt.UTC().Format(event.TimeForm), EntryID: r.EntryID, Author: r.Author, Deleted: r.Deleted,
	}
	if pseudonym.MatchString(r.Author) {
		out.By = v.ownerOf(r.Author)
	}
	if !r.Deleted {
		out.Value = json.RawMessage(r.Value)
	}
	return out
}

// entryJSON is a version flat: the fields of its kind beside those of the server. With a history it has all versions.
func (v *view) entryJSON(r registry.Record, history []registry.Record) (map[string]any, error) {
	out := map[string]any{}
	if len(r.Value) > 0 {
		fields := map[string]json.RawMessage{}
		if err := json.Unmarshal(r.Value, &fields); err != nil {
			return nil, fmt.Errorf("decode stored entry: %w", err)
		}
		for name, value := range fields {
			out[name] = value
		}
	}
	held := v.versionOf(r)
	out["kind"], out["key"], out["valid_from"], out["recorded_at"] = r.Kind, r.Key, held.ValidFrom, held.RecordedAt
	out["entry_id"], out["author"], out["by"], out["deleted"] = held.EntryID, held.Author, held.By, held.Deleted
	if history != nil {
		versions := []version{}
		for _, h := range history {
			versions = append(versions, v.versionOf(h))
		}
		out["versions"] = versions
	}
	return out, nil
}

// etagOf changes with every write of an entry.
func etagOf(history []registry.Record) string {
	if len(history) == 0 {
		return ""
	}
	return `"` + history[0].EntryID + `"`
}

// current is the version that an editor sees: the one that holds now, else the next one to come.
func (v *view) current(kind registry.Kind, key string) (registry.Record, bool) {
	return currentOf(v.registry, kind, key, v.now)
}

func currentOf(reg *registry.Snapshot, kind registry.Kind, key string, now time.Time) (registry.Record, bool) {
	if held, ok := reg.At(kind, key, now); ok {
		return held.Record, true
	}
	latest, ok := reg.Latest(kind, key)
	return latest.Record, ok && !latest.Deleted
}

// getRegistryList lists the entries of a kind.
func (a *app) getRegistryList(c *gin.Context, v *view) error {
	p, err := parseParams(c.Request.URL.Query(), v.today, "limit", "cursor")
	if err != nil {
		return err
	}
	kind := registry.Kind(c.Param("kind"))
	if !registry.Known(kind) {
		return errNotFound(fmt.Sprintf("there is no registry kind %q", kind))
	}
	if err := v.mayRead(kind); err != nil {
		return err
	}
	var keys []string
	for _, key := range v.registry.Keys(kind) {
		if _, ok := v.current(kind, key); ok {
			keys = append(keys, key)
		}
	}
	keys, next, err := page(keys, p)
	if err != nil {
		return err
	}
	entries := []map[string]any{}
	for _, key := range keys {
		r, _ := v.current(kind, key)
		entry, err := v.entryJSON(r, nil)
		if err != nil {
			return err
		}
		entry["upcoming"] = v.upcoming(r)
		entries = append(entries, entry)
	}
	otherwise, err := v.defaultsOf(kind)
	if err != nil {
		return err
	}
	writeJSON(c, http.StatusOK, gin.H{"kind": kind, "entries": entries, "defaults": otherwise, "next": next})
	return nil
}

// upcoming is the version that follows one; nil where it holds for good.
func (v *view) upcoming(r registry.Record) *version {
	next, ok := v.registry.After(r.Kind, r.Key, r.ValidFrom)
	if !ok {
		return nil
	}
	return new(v.versionOf(next.Record))
}

// getRegistryEntry answers with one entry and its versions.
func (a *app) getRegistryEntry(c *gin.Context, v *view) error {
	kind, key, err := a.entryOf(c, v)
	if err != nil {
		return err
	}
	if err := v.mayRead(kind); err != nil {
		return err
	}
	r, ok := v.current(kind, key)
	if !ok {
		return errNotFound(fmt.Sprintf("there is no entry %s/%s", kind, keyParam(c)))
	}
	history := v.registry.History(kind, key)
	body, err := v.entryJSON(r, history)
	if err != nil {
		return err
	}
	c.Header("ETag", etagOf(history))
	writeJSON(c, http.StatusOK, body)
	return nil
}
