package scorecard

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
)

// erasureRequest is the body of POST /erasures. It is read, hashed and forgotten: the id of the person is in no log, no
// message and no answer.
type erasureRequest struct {
	Person string `json:"person"`
	Reason string `json:"reason"`
}

// The states of an erasure.
const (
	// erasureWaiting is one that no loader has worked on yet.
	erasureWaiting = "waiting"
	// erasureChecking is one whose first pass is done: the person is gone, and whoever wrote then is given time to end.
	erasureChecking = "checking"
	// erasureDone is one whose second pass is done.
	erasureDone = "done"
)

// erasureAnswer is what is told about an erasure: never whose it was, nor the pseudonym.
type erasureAnswer struct {
	ID          string        `json:"id"`
	RequestedAt string        `json:"requested_at"`
	RequestedBy string        `json:"requested_by"`
	Reason      string        `json:"reason"`
	State       string        `json:"state"`
	DoneAt      *string       `json:"done_at"`
	Events      uint64        `json:"events"`
	Corrections uint64        `json:"corrections"`
	Rejects     uint64        `json:"rejects"`
	Entries     uint64        `json:"entries"`
	Days        uint64        `json:"days"`
	Passes      []erasurePass `json:"passes"`
}

// erasurePass is one finished round.
type erasurePass struct {
	Pass        uint8  `json:"pass"`
	StartedAt   string `json:"started_at"`
	FinishedAt  string `json:"finished_at"`
	Events      uint64 `json:"events"`
	Corrections uint64 `json:"corrections"`
	Rejects     uint64 `json:"rejects"`
	Entries     uint64 `json:"entries"`
	Days        uint64 `json:"days"`
}

const (
	maxPerson = 128 // characters
	maxReason = 500 // characters
)

// mayErase refuses everybody but administrators.
func mayErase(v *view) error {
	if v.viewer.Role.May(access.ErasePersons) {
		return nil
	}
	return forbidden("Only an administrator may erase a person, or see who did.")
}

// postErasure records that a person is erased and answers once the loader knows. What follows takes about a minute:
// GET /erasures/{id} tells how far it is.
func (a *app) postErasure(c *gin.Context, v *view) error {
	if err := mayErase(v); err != nil {
		return err
	}
	raw, err := readBody(c)
	if err != nil {
		return err
	}
	req, problems := readErasure(raw)
	if len(problems) > 0 {
		return &badRequest{problems}
	}
	e, err := a.erasureOf(v, req)
	if err != nil {
		return err
	}
	// One request for a person at a time: the second must find the pseudonym of the first.
	defer a.writing.lock(entryName{v.viewer.Workspace, registry.Erasures, hex.EncodeToString(e.Person[:])})()
	known, err := a.db.Erasures(c, v.viewer.Workspace)
	if err != nil {
		return err
	}
	for _, k := range known {
		if event.PersonDigest(k.Workspace, k.Pseudonym) == e.Person {
			return &httpError{
				status: http.StatusConflict, code: "erased",
				detail: "This is the pseudonym of a person who was erased already: there is nothing left to erase.",
			}
		}
		if k.Person == e.Person {
			e.Pseudonym = k.Pseudonym
			e.IDBytes = max(e.IDBytes, k.IDBytes)
			break // the earliest
		}
	}
	// The erasure, not the person: nothing may say whose it was.
	if err := a.begin(c, "erasure", e.ErasureID); err != nil {
		return err
	}
	if err := a.writeErasure(c, e); err != nil {
		return err
	}
	c.Header("Location", "/api/v1/erasures/"+e.ErasureID)
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusAccepted, erasureAnswerOf(e, nil))
	return nil
}

// readErasure reads the body and checks it.
func readErasure(raw []byte) (erasureRequest, []event.Problem) {
	var req erasureRequest
	if err := decodeStrict(raw, &req); err != nil {
		return req, []event.Problem{{Code: event.CodeNotJSON, Message: `send {"person": "…", "reason": "…"} and nothing else`}}
	}
	var problems []event.Problem
	fail := func(code event.Code, pointer, message string) {
		problems = append(problems, event.Problem{Code: code, Pointer: pointer, Message: message})
	}
	switch n := utf8.RuneCountInString(req.Person); {
	case strings.TrimSpace(req.Person) == "":
		fail(event.CodeMissingField, "/person", "give the id of the person as your tools send it: an e-mail address, or the opaque id")
	case n > maxPerson:
		fail(event.CodeTooLong, "/person", fmt.Sprintf("the id of a person has at most %d characters", maxPerson))
	}
	if utf8.RuneCountInString(req.Reason) > maxReason {
		fail(event.CodeTooLong, "/reason", fmt.Sprintf("a reason has at most %d characters", maxReason))
	}
	if person := strings.ToLower(strings.TrimSpace(req.Person)); person != "" && strings.Contains(strings.ToLower(req.Reason), person) {
		fail(event.CodeBadValue, "/reason", "the reason is kept, so it must not name the person: leave the id out of it")
	}
	return req, problems
}

// erasureOf makes the record of an erasure, under a fresh pseudonym. A person may also be named by the hash that the
// registry shows; then the raw bytes of rejects cannot be searched for the id.
func (a *app) erasureOf(v *view, req erasureRequest) (registry.Erasure, error) {
	hash, length := req.Person, 0
	if !event.IsPseudonym(req.Person) {
		hash, length = a.sealer.Person(v.viewer.Workspace, req.Person), len(event.NormalPerson(req.Person))
	}
	id, err := uuid.NewV7()
	if err != nil {
		return registry.Erasure{}, fmt.Errorf("make erasure id: %w", err)
	}
	var random [12]byte
	_, _ = rand.Read(random[:]) // never fails
	return registry.Erasure{
		Workspace: v.viewer.Workspace, Person: event.PersonDigest(v.viewer.Workspace, hash),
		Pseudonym: "p" + hex.EncodeToString(random[:]), IDBytes: length, ErasureID: id.String(),
		RequestedAt: a.now().UTC().Truncate(time.Millisecond), RequestedBy: author(v), Reason: req.Reason,
		SealCheck: registry.SealCheck(a.sealer),
	}, nil
}

// writeErasure produces the record and waits until the loader has it.
func (a *app) writeErasure(ctx context.Context, e registry.Erasure) error {
	key, value, err := e.Message()
	if err != nil {
		return err
	}
	return a.produceReadable(ctx, bus.Message{Key: key, Value: value}, write{
		attrs: []any{"erasure", e.ErasureID},
		readable: func(ctx context.Context) (bool, error) {
			known, err := a.db.Erasures(ctx, e.Workspace)
			return slices.ContainsFunc(known, func(k registry.Erasure) bool { return k.ErasureID == e.ErasureID }), err
		},
		refused: "The log did not take the erasure, so nothing is erased: try again in a few seconds.",
		behind:  "The erasure is recorded and will be carried out, but the loader is behind. Asking again is harmless.",
	})
}

// erasureAnswerOf puts an erasure and its passes together.
func erasureAnswerOf(e registry.Erasure, passes []warehouse.ErasurePass) erasureAnswer {
	out := erasureAnswer{
		ID: e.ErasureID, RequestedAt: e.RequestedAt.Format(event.TimeForm), RequestedBy: e.RequestedBy, Reason: e.Reason,
		State: erasureWaiting, Passes: []erasurePass{},
	}
	for _, p := range passes {
		if p.ErasureID != e.ErasureID {
			continue
		}
		finished := p.FinishedAt.UTC().Format(event.TimeForm)
		out.Passes = append(out.Passes, erasurePass{
			p.Pass, p.StartedAt.UTC().Format(event.TimeForm), finished, p.Events, p.Corrections, p.Rejects, p.Entries, p.Days,
		})
		out.Events, out.Corrections, out.Rejects = out.Events+p.Events, out.Corrections+p.Corrections, out.Rejects+p.Rejects
		out.Entries, out.Days = out.Entries+p.Entries, max(out.Days, p.Days)
		switch {
		case p.Pass == 1 && out.State == erasureWaiting:
			out.State = erasureChecking
		case p.Pass == 2 && out.State != erasureDone:
			out.State, out.DoneAt = erasureDone, &finished
		}
	}
	return out
}

// getErasures lists the erasures, the latest first.
func (a *app) getErasures(c *gin.Context, v *view) error {
	if err := mayErase(v); err != nil {
		return err
	}
	p, err := parseParams(c.Request.URL.Query(), v.today, "limit", "cursor")
	if err != nil {
		return err
	}
	all, passes, err := a.erasures(c, v)
	if err != nil {
		return err
	}
	byPlace := map[string]registry.Erasure{}
	var places []string
	for _, e := range all {
		place := fmt.Sprintf("%020d %s", uint64(1<<62)-uint64(e.RequestedAt.UnixMilli()), e.ErasureID)
		places, byPlace[place] = append(places, place), e
	}
	slices.Sort(places)
	places, next, err := page(places, p)
	if err != nil {
		return err
	}
	out := []erasureAnswer{}
	for _, place := range places {
		out = append(out, erasureAnswerOf(byPlace[place], passes))
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, gin.H{"erasures": out, "next": next})
	return nil
}

// getErasure answers with one erasure.
func (a *app) getErasure(c *gin.Context, v *view) error {
	if err := mayErase(v); err != nil {
		return err
	}
	all, passes, err := a.erasures(c, v)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(e registry.Erasure) bool { return e.ErasureID == c.Param("id") })
	if i < 0 {
		return errNotFound("there is no such erasure")
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, erasureAnswerOf(all[i], passes))
	return nil
}

func (a *app) erasures(ctx context.Context, v *view) ([]registry.Erasure, []warehouse.ErasurePass, error) {
	all, err := a.db.Erasures(ctx, v.viewer.Workspace)
	if err != nil {
		return nil, nil, err
	}
	passes, err := a.db.ErasurePasses(ctx, v.viewer.Workspace)
	return all, passes, err
}

// refuseErased keeps an erased person from being declared again: the entry would bring back what was erased.
func (a *app) refuseErased(ctx context.Context, v *view, kind registry.Kind, key string) error {
	if kind != registry.People {
		return nil
	}
	all, err := a.db.Erasures(ctx, v.viewer.Workspace)
	if err != nil {
		return err
	}
	digest := event.PersonDigest(v.viewer.Workspace, key)
	if slices.ContainsFunc(all, func(e registry.Erasure) bool { return e.Person == digest }) {
		return &httpError{
			status: http.StatusConflict, code: "erased",
			detail: "This person was erased. Work of theirs that still comes in is counted under a pseudonym, whose entry is in the list of people: change that one.",
		}
	}
	return nil
}
