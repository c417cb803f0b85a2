package cli

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// auditCommand reads the audit log.
type auditCommand struct {
	From   string `placeholder:"WHEN" help:"Only what began since: 90m, 24h, 7d, a day, or a time as RFC 3339; default 90 days before --to."`
	To     string `placeholder:"WHEN" help:"Only what began before: as --from; default now."`
	Actor  string `placeholder:"WHO" help:"Only what this actor did: a pseudonym, plk_ID_, 'admin token', or the id of a person, which is hashed."`
	Action string `placeholder:"ACTION" help:"Only this, such as evidence.read, registry.write, key.create, person.erase."`
	Format string `default:"text" enum:"text,json,csv,ndjson" help:"How it is printed: ${enum}; csv and ndjson have all of the period, the others --limit entries."`
	Limit  int    `default:"50" help:"Most entries of text and json, up to 1000."`
	Out    string `short:"o" placeholder:"FILE" help:"File to write; default standard output."`
	admin
}

// Help shows examples.
func (auditCommand) Help() string {
	return `Who has read evidence and who has changed what, the latest first. That you ask is recorded, too.

Examples:
  plumbline audit
  plumbline audit --from 24h --action evidence.read
  plumbline audit --actor ann@example.com
  plumbline audit --from 2026-08-01 --to 2026-11-01 --format csv -o audit.csv
  plumbline audit --format ndjson | jq 'select(.outcome == "refused")'`
}

// auditEntry is one entry of the answer, as far as it is printed.
type auditEntry struct {
	At         string  `json:"at"`
	Actor      string  `json:"actor"`
	Role       *string `json:"role"`
	Action     string  `json:"action"`
	Outcome    string  `json:"outcome"`
	TargetKind *string `json:"target_kind"`
	Target     *string `json:"target"`
	Measure    *string `json:"measure"`
	Scope      *string `json:"scope"`
	From       *string `json:"from"`
	To         *string `json:"to"`
}

// Run prints entries, or writes them as they come.
func (c *auditCommand) Run(ctx context.Context, s Streams) error {
	query, err := c.query(time.Now())
	if err != nil {
		return err
	}
	path := "/api/v1/audit?" + query.Encode()
	if c.Format != "text" {
		return c.stream(ctx, s, path, c.Out)
	}
	if c.Out != "" {
		return usage("--out: choose a format for the file: --format csv, ndjson or json")
	}
	var list struct {
		Entries []auditEntry `json:"entries"`
		Next    *string      `json:"next"`
	}
	if _, err := c.get(ctx, s, path, &list); err != nil {
		return err
	}
	for _, e := range list.Entries {
		e.print(s)
	}
	switch {
	case len(list.Entries) == 0:
		s.note("nothing was recorded that fits\n")
	case list.Next != nil:
		s.note("there is more: give --limit, or a format with all of it, such as --format csv\n")
	}
	return nil
}

// query are the parameters of the API.
func (c *auditCommand) query(now time.Time) (url.Values, error) {
	if c.Limit < 1 || c.Limit > 1000 {
		return nil, usage("--limit: write a number from 1 to 1000")
	}
	query := url.Values{}
	for name, value := range map[string]string{"actor": c.Actor, "action": c.Action} {
		if value != "" {
			query.Set(name, value)
		}
	}
	for name, text := range map[string]string{"from": c.From, "to": c.To} {
		if text == "" {
			continue
		}
		at, err := moment("--"+name, text, now)
		if err != nil {
			return nil, err
		}
		query.Set(name, at)
	}
	switch c.Format {
	case "csv", "ndjson":
		query.Set("format", c.Format)
	default:
		query.Set("limit", strconv.Itoa(c.Limit))
	}
	return query, nil
}

// print writes an entry in a line.
func (e *auditEntry) print(s Streams) {
	who := e.Actor
	if e.Role != nil {
		who += " as " + *e.Role
	}
	var what []string
	for _, part := range []*string{e.TargetKind, e.Target, e.Measure, e.Scope} {
		if part != nil {
			what = append(what, *part)
		}
	}
	if e.From != nil || e.To != nil {
		what = append(what, "from "+told(e.From, "the beginning")+" to "+told(e.To, "now"))
	}
	s.printf("%s  %s  %s  %s  %s\n", e.At, s.paint("1", e.Action), e.Outcome, who, strings.Join(what, " "))
}
