package cli

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// apiKey is what the API says of a key, as far as it is printed.
type apiKey struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Prefix       string   `json:"prefix"`
	State        string   `json:"state"`
	Scopes       []string `json:"scopes"`
	Role         *string  `json:"role"`
	Sources      []string `json:"sources"`
	Kinds        []string `json:"kinds"`
	CreatedAt    string   `json:"created_at"`
	CreatedBy    string   `json:"created_by"`
	ExpiresAt    *string  `json:"expires_at"`
	RevokedAt    *string  `json:"revoked_at"`
	OverlapUntil *string  `json:"overlap_until"`
	LastUsedAt   *string  `json:"last_used_at"`
}

// may says in a line what the key may do.
func (k *apiKey) may() string {
	out := strings.Join(k.Scopes, ", ")
	if k.Role != nil {
		out += " as " + *k.Role
	}
	if len(k.Sources) > 0 {
		out += ", of sources " + strings.Join(k.Sources, " ")
	}
	if len(k.Kinds) > 0 {
		out += ", of kinds " + strings.Join(k.Kinds, " ")
	}
	return out
}

// keysListCommand lists API keys.
type keysListCommand struct {
	All  bool `help:"Also those that are expired or revoked."`
	JSON bool `name:"json" help:"Print the keys as JSON."`
	admin
}

// Help shows examples.
func (keysListCommand) Help() string {
	return `When a key was last used is exact to about a minute.

Examples:
  plumbline keys list
  plumbline keys list --all --json | jq '.keys[] | select(.last_used_at == null) | .id'`
}

// Run lists keys, page by page.
func (c *keysListCommand) Run(ctx context.Context, s Streams) error {
	shown := []jsontext.Value{}
	hidden, query := 0, url.Values{"limit": {"1000"}}
	for {
		var page struct {
			Keys []jsontext.Value `json:"keys"`
			Next *string          `json:"next"`
		}
		if _, err := c.get(ctx, s, "/api/v1/keys?"+query.Encode(), &page); err != nil {
			return err
		}
		for _, raw := range page.Keys {
			var k apiKey
			if err := json.Unmarshal(raw, &k); err != nil {
				return fmt.Errorf("the answer is not what a scorecard says: %w", err)
			}
			switch {
			case k.State != "active" && !c.All:
				hidden++
			case c.JSON:
				shown = append(shown, raw)
			default:
				k.print(s)
			}
		}
		if page.Next == nil {
			break
		}
		query.Set("cursor", *page.Next)
	}
	if hidden > 0 {
		s.note("%d expired or revoked; --all shows them\n", hidden)
	}
	if !c.JSON {
		return nil
	}
	return printJSON(s, map[string]any{"keys": shown})
}

// print writes a key in a few lines.
func (k *apiKey) print(s Streams) {
	s.printf("%s  %s  %s\n  may %s\n", s.paint("1", k.Prefix+"…"), k.State, known(k.Name, ""), k.may())
	s.printf("  made %s by %s; last used %s", k.CreatedAt, k.CreatedBy, told(k.LastUsedAt, "never"))
	switch {
	case k.RevokedAt != nil:
		s.printf("; revoked %s", *k.RevokedAt)
	case k.ExpiresAt != nil:
		s.printf("; expires %s", *k.ExpiresAt)
	}
	if k.OverlapUntil != nil && k.State == "active" {
		s.printf("; the secret before works until %s", *k.OverlapUntil)
	}
	s.printf("\n")
}

func told(text *string, otherwise string) string {
	if text == nil {
		return otherwise
	}
	return *text
}

// printJSON writes a value for machines.
func printJSON(s Streams, v any) error {
	raw, err := json.Marshal(v, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	s.printf("%s\n", raw)
	return nil
}

// keysNewCommand makes an API key.
type keysNewCommand struct {
	Name    string   `required:"" placeholder:"TEXT" help:"What the key is for."`
	ID      string   `name:"id" placeholder:"ID" help:"Id of the key, a-z and 0-9; default: one of ours."`
	Scope   []string `required:"" enum:"write,read,admin" placeholder:"SCOPE" help:"What it may do: write, read, admin; may be given several times."`
	Role    string   `placeholder:"ROLE" help:"As whom a key with the scope read reads: ic, leader, analyst."`
	Source  []string `sep:"none" placeholder:"SOURCE" help:"Only events of this source, or of those with this beginning if it ends with *; may be given several times."`
	Kind    []string `placeholder:"KIND" help:"Only events of this kind; may be given several times."`
	Expires string   `placeholder:"WHEN" help:"When it ends: in 12h, 90d, at a day, or at a time as RFC 3339; default: never."`
	JSON    bool     `name:"json" help:"Print the key with its text as JSON."`
	admin
}

// Help shows examples.
func (keysNewCommand) Help() string {
	return `The text of the key goes to standard output, once; nobody can read it again. It works everywhere a moment later.

Examples:
  plumbline keys new --name "CRM sync" --id crm --scope write --source '/crm/*' --kind pipeline --expires 365d
  plumbline keys new --name "Board report" --scope read --role leader
  plumbline keys new --name "Time tracker" --scope write > timetracker.key`
}

// newKey is an answer that has the text of a key.
type newKey struct {
	Key  apiKey `json:"key"`
	Text string `json:"text"`
}

// Run makes the key.
func (c *keysNewCommand) Run(ctx context.Context, s Streams) error {
	expires, err := ending("--expires", c.Expires, time.Now())
	if err != nil {
		return err
	}
	body := map[string]any{"name": c.Name, "scopes": c.Scope}
	for name, value := range map[string]string{"id": c.ID, "role": c.Role, "expires_at": expires} {
		if value != "" {
			body[name] = value
		}
	}
	for name, list := range map[string][]string{"sources": c.Source, "kinds": c.Kind} {
		if len(list) > 0 {
			body[name] = list
		}
	}
	return tellKey(ctx, s, c.admin, "/api/v1/keys", body, c.JSON, "made: keep its text now, nobody can read it again")
}

// tellKey sends a request that is answered with the text of a key, and prints it: the text alone on standard output, so that
// it can be kept in a file or a variable.
func tellKey(ctx context.Context, s Streams, a admin, path string, body any, asJSON bool, done string) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	var k newKey
	answer, err := a.call(ctx, s, http.MethodPost, path, raw, &k)
	if err != nil {
		return err
	}
	if asJSON {
		_ = answer.Indent()
		s.printf("%s\n", answer)
		return nil
	}
	s.printf("%s\n", k.Text)
	s.note("key %s (%s; may %s) is %s\n", k.Key.ID, known(k.Key.Name, ""), k.Key.may(), done)
	if k.Key.OverlapUntil != nil {
		s.note("the secret before works until %s\n", *k.Key.OverlapUntil)
	}
	return nil
}

// ending reads when something ends: after how long, a day or a time.
func ending(flag, text string, now time.Time) (string, error) {
	if text == "" {
		return "", nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n > 0 && n < 36500 {
			return now.UTC().AddDate(0, 0, n).Format(time.RFC3339), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d > 0 {
		return now.UTC().Add(d).Format(time.RFC3339), nil
	}
	if at, err := time.Parse(time.DateOnly, text); err == nil {
		return at.Format(time.RFC3339), nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC().Format(time.RFC3339), nil
	}
	return "", usage("%s: write after how long (12h, 90d), a day (2027-11-24) or a time (2027-11-24T09:00:00Z), not %q", flag, text)
}

// keysRotateCommand rotates an API key.
type keysRotateCommand struct {
	ID      string        `arg:"" help:"Id of the key, as plumbline keys list shows it between plk_ and the next _."`
	Overlap time.Duration `default:"24h" placeholder:"TIME" help:"How long the old secret works on, such as 24h; 0 ends it at once."`
	JSON    bool          `name:"json" help:"Print the key with its new text as JSON."`
	admin
}

// Help shows examples.
func (keysRotateCommand) Help() string {
	return `Prints the new text, once. Bring it to where the key is used before the overlap is over; until then both work. After a leak, give
--overlap 0, or revoke the key.

Examples:
  plumbline keys rotate crm > crm.key
  plumbline keys rotate crm --overlap 0
  plumbline keys rotate crm --json`
}

// Run rotates the key.
func (c *keysRotateCommand) Run(ctx context.Context, s Streams) error {
	if c.Overlap < 0 {
		return usage("--overlap: it can not be negative")
	}
	return tellKey(ctx, s, c.admin, "/api/v1/keys/"+url.PathEscape(c.ID)+"/rotate", map[string]any{"overlap": c.Overlap.String()}, c.JSON,
		"rotated: keep its new text now, nobody can read it again")
}

// keysRevokeCommand revokes an API key.
type keysRevokeCommand struct {
	ID   string `arg:"" help:"Id of the key, as plumbline keys list shows it between plk_ and the next _."`
	JSON bool   `name:"json" help:"Print the key as JSON."`
	admin
}

// Help shows examples.
func (keysRevokeCommand) Help() string {
	return `It is refused everywhere a moment later, and never works again. Revoking a key twice changes nothing.

Examples:
  plumbline keys revoke crm
  plumbline keys revoke crm --json`
}

// Run revokes the key.
func (c *keysRevokeCommand) Run(ctx context.Context, s Streams) error {
	var k apiKey
	raw, err := c.call(ctx, s, http.MethodDelete, "/api/v1/keys/"+url.PathEscape(c.ID), nil, &k)
	if err != nil {
		return err
	}
	if c.JSON {
		_ = raw.Indent()
		s.printf("%s\n", raw)
		return nil
	}
	s.printf("key %s (%s) was revoked %s\n", k.ID, known(k.Name, ""), told(k.RevokedAt, "just now"))
	return nil
}
