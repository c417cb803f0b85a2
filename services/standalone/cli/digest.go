package cli

import (
	"context"
	"net/url"
)

// digestCommand writes the scorecard as a mail would have it.
type digestCommand struct {
	Scope    string `default:"org" help:"org, team:KEY or workflow:KEY."`
	Format   string `default:"text" enum:"html,text" help:"${enum}."`
	From     string `placeholder:"DAY" help:"First day of the period, YYYY-MM-DD; default the first day of the month before last."`
	To       string `placeholder:"DAY" help:"Day after the period; default tomorrow."`
	Currency string `placeholder:"CODE" help:"Currency of money; default that of the calendar."`
	Out      string `short:"o" placeholder:"FILE" help:"File to write; default standard output."`
	admin
}

// Help shows examples.
func (digestCommand) Help() string {
	return `Examples:
  plumbline digest
  plumbline digest --scope org --format html --out digest.html
  plumbline digest --scope team:content --from 2026-08-01 --to 2026-11-01

By mail, once a week: an administrator writes registry/digests/KEY, and up is started with --smtp-address and --smtp-from.`
}

// Run writes the digest.
func (c *digestCommand) Run(ctx context.Context, s Streams) error {
	query := url.Values{"scope": {c.Scope}, "format": {c.Format}}
	for name, text := range map[string]string{"from": c.From, "to": c.To, "currency": c.Currency} {
		if text != "" {
			query.Set(name, text)
		}
	}
	return c.stream(ctx, s, "/api/v1/digest?"+query.Encode(), c.Out)
}
