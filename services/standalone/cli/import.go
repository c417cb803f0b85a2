package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"plumbline/pkg/client"
	"plumbline/pkg/mapping"
)

// importCommand sends files as events: CSV, NDJSON, or Parquet, which is known by how it begins.
type importCommand struct {
	Files    []string          `arg:"" name:"file" help:"Files to import; - reads standard input."`
	Mapping  string            `required:"" short:"m" placeholder:"NAME|PATH" help:"Mapping: a name of the library (plumbline import --help lists it) or the path of a YAML file."`
	Set      map[string]string `short:"s" placeholder:"NAME=VALUE" mapsep:"none" help:"Set a parameter of the mapping; may be repeated."`
	DryRun   bool              `short:"n" help:"Send nothing: show the first problems by line and the first events."`
	Strict   bool              `help:"End with code 1 if any row was rejected."`
	Problems int               `default:"10" help:"How many problems to show."`
	Wait     time.Duration     `default:"2m" help:"How long to wait for accepted events to be loaded while none is."`
	JSON     bool              `name:"json" help:"Print the summary as JSON."`
	remote
}

// Help lists the library with examples.
func (importCommand) Help() string {
	var b strings.Builder
	b.WriteString("A mapping says which column becomes which field. These come with Plumbline:\n\n")
	entries, err := mapping.Library()
	if err != nil {
		return err.Error()
	}
	for _, e := range entries {
		fmt.Fprintf(&b, "  %s: %s\n", e.Name, e.About)
		for _, p := range e.Parameters {
			fmt.Fprintf(&b, "      --set %s=… %s", p.Name, p.About)
			if p.Default != "" {
				fmt.Fprintf(&b, " (default %s)", p.Default)
			}
			b.WriteString("\n")
		}
	}
	b.WriteString(`
Files are checked whole before anything is sent. A second import of the same file is all duplicates and changes nothing.
Rejected rows are shown with their line; they don't stop the others, and the code stays 0 unless --strict is given.

Examples:
  plumbline import --mapping focus --dry-run bill.parquet
  plumbline import --mapping crm_sales_pipeline --set assisted_products="GTX Basic,GTK 500" deals.csv
  plumbline import --mapping ./ours.yaml --url https://plumbline.example --key "$PLUMBLINE_WRITE_KEY" hours.csv
  zcat big.csv.gz | plumbline import --mapping hillstrom_email --json -`)
	return b.String()
}

// Run imports the files, one after the other.
func (c *importCommand) Run(ctx context.Context, s Streams) error {
	m, err := mapping.Load(c.Mapping, c.Set)
	if err != nil {
		return err
	}
	inputs, err := c.open(m, s)
	if err != nil {
		return err
	}
	defer func() {
		for _, in := range inputs {
			_ = in.Close()
		}
	}()
	if c.DryRun {
		return c.dryRun(m, inputs, s)
	}
	conn, err := c.client(s)
	if err != nil {
		return err
	}
	// Later it is patient; a server that is not running is said at once.
	if err := conn.Ping(ctx); err != nil {
		return err
	}
	total := summary{}
	for _, in := range inputs {
		im := newImporter(m, conn, in, c, s)
		one, err := im.run(ctx)
		total.add(one)
		if err != nil {
			// What was done so far is said too: it stays, and a second try skips it.
			c.print(s, total)
			return fmt.Errorf("%s: %w", in.name, err)
		}
	}
	c.print(s, total)
	return c.verdict(total)
}

// verdict decides the code of an import that went through.
func (c *importCommand) verdict(t summary) error {
	if c.Strict && t.rejectedEvents() > 0 {
		return errSilent
	}
	if t.Events > 0 && t.Loaded+t.Duplicate == 0 {
		return errors.New("no event was taken: every row was rejected")
	}
	return nil
}

// input is a file that was found sound.
type input struct {
	io.ReadCloser
	name string
	// records is the number of rows, -1 where it is not known.
	records int
}

// open opens and checks all files before anything is sent.
func (c *importCommand) open(m *mapping.Mapping, s Streams) ([]input, error) {
	var out []input
	var errs []error
	for _, name := range c.Files {
		if name == "-" {
			out = append(out, input{io.NopCloser(s.In), "standard input", -1})
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			errs = append(errs, fmt.Errorf("open file: %w", err))
			continue
		}
		n, err := m.Check(f)
		if err == nil {
			_, err = f.Seek(0, io.SeekStart)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			_ = f.Close()
			continue
		}
		out = append(out, input{f, name, n})
	}
	if err := errors.Join(errs...); err != nil {
		for _, in := range out {
			_ = in.Close()
		}
		return nil, err
	}
	return out, nil
}

// client makes the client of the import.
func (c *importCommand) client(s Streams) (*client.Client, error) {
	url, err := c.address(s)
	if err != nil {
		return nil, err
	}
	key, err := c.writeKey(s)
	if err != nil {
		return nil, err
	}
	return client.New(client.Config{URL: url, Key: key})
}
