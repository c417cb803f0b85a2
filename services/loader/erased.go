package loader

import (
	"context"
	"fmt"
	"sync"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// erasedAge is how old the loader's knowledge of who is erased may be.
const erasedAge = time.Second

// erased knows who was erased, so that nothing that names them is stored any more: events that are still in the log, late
// ones, and replays. It is read again before each chunk, at most once a second. Where it cannot be read, nothing is loaded.
type erased struct {
	db     *warehouse.DB
	sealer *event.Sealer
	eraser *event.Eraser

	mu sync.Mutex
	at time.Time
	// byWorkspace are the pseudonyms of the erased by their digests.
	byWorkspace map[string]erasedPersons
}

// erasedPersons are the erased of one workspace.
type erasedPersons struct {
	pseudonyms map[[16]byte]string
	// lengths are the bytes of their ids.
	lengths []int
}

func newErased(db *warehouse.DB, secret event.Secret) *erased {
	return &erased{db: db, sealer: event.NewSealer(secret), eraser: event.NewEraser(), byWorkspace: map[string]erasedPersons{}}
}

// refresh reads who is erased, unless that was done within a second.
func (x *erased) refresh(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if time.Since(x.at) < erasedAge {
		return nil
	}
	return x.read(ctx)
}

// now reads who is erased, whatever is known.
func (x *erased) now(ctx context.Context) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.read(ctx)
}

func (x *erased) read(ctx context.Context) error {
	started := time.Now()
	all, err := x.db.Erasures(ctx, "")
	if err != nil {
		return fmt.Errorf("who is erased: %w", err)
	}
	by := map[string]erasedPersons{}
	for _, e := range all {
		p := by[e.Workspace]
		if p.pseudonyms == nil {
			p.pseudonyms = map[[16]byte]string{}
		}
		// The earliest request comes first, and its pseudonym stays.
		if _, known := p.pseudonyms[e.Person]; !known {
			p.pseudonyms[e.Person] = e.Pseudonym
		}
		p.lengths = append(p.lengths, e.IDBytes)
		by[e.Workspace] = p
	}
	x.at, x.byWorkspace = started, by
	return nil
}

func (x *erased) of(workspace string) erasedPersons {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.byWorkspace[workspace]
}

// matcher answers with the pseudonym of an erased person, given the hash.
func (p erasedPersons) matcher(workspace string) func(string) (string, bool) {
	return func(person string) (string, bool) {
		if person == "" {
			return "", false
		}
		name, ok := p.pseudonyms[event.PersonDigest(workspace, person)]
		return name, ok
	}
}

// apply stores an event under the pseudonym where it names a person who was erased, without its free text. The identity
// and the payload hash stay, so that a retry is still a duplicate.
func (x *erased) apply(e *event.Stored) error {
	p := x.of(e.Workspace)
	if len(p.pseudonyms) == 0 {
		return nil
	}
	_, err := x.eraser.Erase(&e.Event, p.matcher(e.Workspace))
	return err
}

// seeker finds the erased of a workspace in bytes; nil where nobody is erased.
func (x *erased) seeker(workspace string) *event.Seeker {
	p := x.of(workspace)
	if len(p.pseudonyms) == 0 {
		return nil
	}
	return x.sealer.Seeker(workspace, p.lengths, p.matcher(workspace))
}

// blank empties rejects that name a person who was erased, before they are stored or written on.
func (x *erased) blank(ctx context.Context, rejects []warehouse.Reject) error {
	if len(rejects) == 0 {
		return nil
	}
	if err := x.refresh(ctx); err != nil {
		return err
	}
	for i := range rejects {
		r := &rejects[i]
		k := x.seeker(r.Workspace)
		if k == nil {
			continue
		}
		found := k.Find(r.Raw)
		for _, text := range []*string{&r.Source, &r.ID, &r.Type, &r.Pointer, &r.Message} {
			if *text != "" && k.Find([]byte(*text)) {
				*text, found = "", true
			}
		}
		if found {
			r.Raw, r.ContentType = nil, warehouse.ErasedType
		}
	}
	return nil
}

// blankReplays is blank for the records of replays.
func (x *erased) blankReplays(rows []warehouse.Replay) {
	for i := range rows {
		r := &rows[i]
		k := x.seeker(r.Workspace)
		if k == nil {
			continue
		}
		for _, text := range []*string{&r.Fix, &r.By, &r.Source, &r.ID, &r.Pointer, &r.Message} {
			if *text != "" && k.Find([]byte(*text)) {
				*text = ""
			}
		}
	}
}

// renamed are records of the registry as they may be stored: an entry of an erased person under the pseudonym. Others come
// back as they are. old are the ones that were changed.
func (x *erased) renamed(records []registry.Record) (out, old []registry.Record, err error) {
	seekers := map[string]*event.Seeker{}
	for _, r := range records {
		k, known := seekers[r.Workspace]
		if !known {
			k = x.seeker(r.Workspace)
			seekers[r.Workspace] = k
		}
		if k == nil {
			out = append(out, r)
			continue
		}
		without, changed, err := r.Renamed(k)
		if err != nil {
			return nil, nil, err
		}
		if changed {
			old = append(old, r)
		}
		out = append(out, without)
	}
	return out, old, nil
}
