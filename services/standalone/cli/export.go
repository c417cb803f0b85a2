package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
)

// exportCommand writes a table of the scorecard as CSV or Parquet.
type exportCommand struct {
	Table      string `default:"measures" enum:"measures,ladder,teams,workflows,vendors,categories,series,excluded" help:"Which table: ${enum}."`
	Format     string `default:"csv" enum:"csv,parquet" help:"csv or parquet."`
	From       string `placeholder:"DAY" help:"First day of the period, YYYY-MM-DD; default 90 days before --to."`
	To         string `placeholder:"DAY" help:"Day after the period; default tomorrow."`
	Scope      string `default:"org" help:"org, team:KEY or workflow:KEY."`
	Currency   string `placeholder:"CODE" help:"Currency of money; default that of the calendar."`
	Compare    string `placeholder:"WITH" help:"Compare with the previous period of equal length (previous) or a year before (year)."`
	Definition string `placeholder:"VERSION" help:"Version of the definitions; default the newest."`
	Out        string `short:"o" placeholder:"FILE" help:"File to write; default standard output."`
	admin
}

// Help shows examples.
func (exportCommand) Help() string {
	return `Examples:
  plumbline export > measures.csv
  plumbline export --table ladder --from 2026-08-01 --to 2026-11-01 -o ladder.csv
  plumbline export --table measures --format parquet -o measures.parquet
  plumbline export --table teams --scope workflow:blog-post --currency EUR

Lines that begin with # stand above the table and say what it is of: period, scope, zone, currency, definition, as-of.
In Parquet that is the metadata of the file.`
}

// Run writes the table.
func (c *exportCommand) Run(ctx context.Context, s Streams) error {
	query := url.Values{"table": {c.Table}, "format": {c.Format}}
	for name, text := range map[string]string{
		"from": c.From, "to": c.To, "scope": c.Scope, "currency": c.Currency, "compare": c.Compare, "definition": c.Definition,
	} {
		if text != "" {
			query.Set(name, text)
		}
	}
	return c.stream(ctx, s, "/api/v1/export?"+query.Encode(), c.Out)
}

// writeWhole writes a file that is there whole or not at all.
func writeWhole(path string, from io.Reader) error {
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	name := file.Name()
	_, err = io.Copy(file, from)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(name, 0o644) //nolint:gosec // a table that its writer may read as any other file
	}
	if err == nil {
		err = os.Rename(name, path)
	}
	if err != nil {
		_ = os.Remove(name)
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
