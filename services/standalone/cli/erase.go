package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// eraseCommand erases a person.
type eraseCommand struct {
	admin
	Person string        `arg:"" placeholder:"PERSON" help:"Id of the person as tools send it, such as an e-mail address."`
	Reason string        `placeholder:"TEXT" help:"Why; it is kept with the erasure, so do not name the person in it."`
	Yes    bool          `help:"Do not ask."`
	Wait   time.Duration `default:"15m" placeholder:"TIME" help:"How long to wait until it is done; 0 does not wait."`
	JSON   bool          `name:"json" help:"Print the erasure as JSON."`
}

// Help says what is erased and what is not.
func (eraseCommand) Help() string {
	return `Takes a person out of raw rows, rollups, rejects and the registry, for good and also for events that still come. The rows
live on under a random pseudonym and without their free text, so that no total and no number of people changes. It takes about
a minute: the tables are looked at a second time, after every loader that was writing has ended. The erasure itself is recorded,
without the id.

What is not erased: answers to surveys, which are tied to nobody; ids and sources of events, deals and other names of things,
should a tool have written a person into them; the log, which forgets by itself (events after 7 days, raw bytes of rejects and
of the inbox after 30); backups that were made before: erase again after restoring one.

Examples:
  plumbline erase ann@example.com --reason "asked on 24 November"
  plumbline erase u-4711 --yes --json`
}

// erased is what the API says of an erasure.
type erased struct {
	ID          string `json:"id"`
	State       string `json:"state"`
	Events      uint64 `json:"events"`
	Corrections uint64 `json:"corrections"`
	Rejects     uint64 `json:"rejects"`
	Entries     uint64 `json:"entries"`
	Days        uint64 `json:"days"`
}

// Run asks, erases, waits and reports.
func (c *eraseCommand) Run(ctx context.Context, s Streams) error {
	if strings.TrimSpace(c.Person) == "" {
		return usage("give the id of the person")
	}
	if !c.Yes {
		if err := c.ask(s); err != nil {
			return err
		}
	}
	e, raw, err := c.request(ctx, s)
	if err != nil {
		return err
	}
	if c.Wait > 0 {
		if e, raw, err = c.await(ctx, s, e); err != nil {
			return err
		}
	}
	if c.JSON {
		s.printf("%s\n", raw)
		return nil
	}
	if e.State != "done" {
		s.printf("erasure %s is recorded and goes on: %s\n", e.ID, e.State)
		return nil
	}
	s.printf("erased (%s): %s, %s, %s, %s; %s rolled up anew\n", e.ID, plural(e.Events, "event"), plural(e.Corrections, "correction"),
		plural(e.Rejects, "reject"), plural(e.Entries, "registry entry"), plural(e.Days, "day"))
	if e.Events+e.Entries+e.Rejects == 0 {
		s.note("nothing named this person: check the spelling of the id. Events that come later are stored under a pseudonym\n")
	}
	return nil
}

// ask says what will happen and waits for a yes. Without somebody to answer nothing is erased.
func (c *eraseCommand) ask(s Streams) error {
	s.note("This takes %s out of every row, rollup, reject and registry entry, for good: it cannot be undone.\n"+
		"Totals and numbers of people stay; free text of their rows is emptied; what still comes in of them is stored under a pseudonym.\n"+
		"Type \"erase\" to go on: ", c.Person)
	line, err := s.line()
	if err != nil {
		return err
	}
	if line != "erase" {
		s.note("\n")
		return errors.New("nothing was erased: answer with \"erase\", or give --yes")
	}
	return nil
}

// request asks the server to erase. The id travels in the body, so that no log of addresses keeps it.
func (c *eraseCommand) request(ctx context.Context, s Streams) (erased, jsontext.Value, error) {
	body, err := json.Marshal(map[string]string{"person": c.Person, "reason": c.Reason})
	if err != nil {
		return erased{}, nil, fmt.Errorf("write the request: %w", err)
	}
	var e erased
	raw, err := c.call(ctx, s, http.MethodPost, "/api/v1/erasures", body, &e)
	return e, raw, err
}

// askEvery is how often the command asks how far the erasure is.
const askEvery = 500 * time.Millisecond

// await asks until the erasure is done.
func (c *eraseCommand) await(ctx context.Context, s Streams, e erased) (erased, jsontext.Value, error) {
	deadline, said := time.Now().Add(c.Wait), ""
	for {
		var now erased
		raw, err := c.get(ctx, s, "/api/v1/erasures/"+url.PathEscape(e.ID), &now)
		if err != nil {
			return e, nil, err
		}
		switch {
		case now.State == "done":
			return now, raw, nil
		case time.Now().After(deadline):
			return e, nil, fmt.Errorf("erasure %s is recorded and goes on, but is not done after %s: is a loader running?", e.ID, c.Wait)
		case now.State != said:
			said = now.State
			s.note("%s\n", map[string]string{
				"waiting": "recorded; rows are being rewritten", "checking": "gone from every row; looking again in about a minute",
			}[said])
		}
		select {
		case <-ctx.Done():
			return e, nil, ctx.Err()
		case <-time.After(askEvery):
		}
	}
}

// plural is a count with its noun.
func plural(n uint64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok && noun != "day" {
		return fmt.Sprintf("%d %sies", n, stem)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
