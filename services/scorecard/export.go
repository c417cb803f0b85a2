package scorecard

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
)

// exportTable is a table of the scorecard as text.
type exportTable struct {
	columns []string
	rows    [][]string
}

// exportTables are the tables of a scorecard that can be exported, the first being the default.
func exportTables() []string {
	return []string{"measures", "ladder", "teams", "workflows", "vendors", "categories", "series", "excluded"}
}

// getExport answers with one table of the scorecard as CSV or Parquet. Above the table stands what it is a table of: lines that begin
// with #, with the period, the filters, the zone, the currency and the definition; in Parquet it is the metadata of the file.
func (a *app) getExport(c *gin.Context, v *view) error {
	query := c.Request.URL.Query()
	name := query.Get("table")
	if name == "" {
		name = exportTables()[0]
	}
	if !slices.Contains(exportTables(), name) || len(query["table"]) > 1 {
		return &badRequest{[]event.Problem{{
			Code: event.CodeBadValue, Pointer: "/table", Message: "name one table: " + strings.Join(exportTables(), ", "),
		}}}
	}
	format := query.Get("format")
	if (format != "" && format != "csv" && format != "parquet") || len(query["format"]) > 1 {
		return &badRequest{[]event.Problem{{Code: event.CodeBadValue, Pointer: "/format", Message: "use one of: csv, parquet"}}}
	}
	query.Del("table")
	query.Del("format")
	p, err := parseParams(query, v.today, "from", "to", "scope", "currency", "compare", "definition", "constant_currency")
	if err != nil {
		return err
	}
	if err := v.admit(c, p.scope); err != nil {
		return err
	}
	card, _, err := v.scorecard(c, p, v.currencyOf(p))
	if err != nil {
		return err
	}
	var body bytes.Buffer
	kind, ending := "text/csv; charset=utf-8", ".csv"
	if format == "parquet" {
		kind, ending = "application/vnd.apache.parquet", ".parquet"
		err = card.table(name).writeParquet(&body, v.exportAbout(card, name))
	} else {
		err = v.exportCSV(&body, card, name)
	}
	if err == nil {
		a.touches(c, "table", name).asked(p)
		err = a.disclose(c)
	}
	if err != nil {
		return err
	}
	file := url.PathEscape(strings.Join([]string{"plumbline", name, p.from.String(), p.to.String()}, "_"))
	c.Header("Content-Disposition", `attachment; filename="`+file+ending+`"`)
	c.Header("Cache-Control", "private, no-cache")
	c.Data(http.StatusOK, kind, body.Bytes())
	return nil
}

// exportAbout is what a table is a table of, in the order in which it is read.
func (v *view) exportAbout(card scorecardAnswer, name string) [][2]string {
	compare, through, rates := "none", "not known", "each day"
	if card.Constant != nil {
		rates = *card.Constant
	}
	if card.Compare != nil {
		compare = card.Compare.From + " to " + card.Compare.To
	}
	if card.CompleteThrough != nil {
		through = *card.CompleteThrough
	}
	return [][2]string{
		{"table", name},
		{"workspace", v.viewer.Workspace},
		{"from", card.Period.From},
		{"to (not in the period)", card.Period.To},
		{"compared with", compare},
		{"scope", card.Scope},
		{"zone", card.Period.Zone},
		{"currency", card.Currency},
		{"exchange rates of", rates},
		{"definition", card.Definition},
		{"as of", card.AsOf},
		{"complete through", through},
	}
}

// exportCSV writes the table with what it is a table of.
func (v *view) exportCSV(body io.Writer, card scorecardAnswer, name string) error {
	for _, line := range v.exportAbout(card, name) {
		// A line break would end the remark.
		if _, err := fmt.Fprintf(body, "# %s: %s\n", line[0], strings.Join(strings.Fields(line[1]), " ")); err != nil {
			return fmt.Errorf("write export: %w", err)
		}
	}
	t := card.table(name)
	for _, row := range t.rows {
		for i, column := range t.columns {
			if textColumns[column] {
				row[i] = spreadsheet(row[i])
			}
		}
	}
	if err := csv.NewWriter(body).WriteAll(append([][]string{t.columns}, t.rows...)); err != nil {
		return fmt.Errorf("write export: %w", err)
	}
	return nil
}

// textColumns have what somebody outside has written, which a spreadsheet might take for a formula.
var textColumns = names("team workflow vendor category name message")

func (card scorecardAnswer) table(name string) exportTable {
	switch name {
	case "ladder":
		return card.ladderTable()
	case "teams":
		return contributionTable("team", card.ByTeam)
	case "workflows":
		return contributionTable("workflow", card.ByWorkflow)
	case "vendors":
		return contributionTable("vendor", card.ByVendor)
	case "categories":
		return contributionTable("category", card.ByCategory)
	case "series":
		return card.seriesTable()
	case "excluded":
		return card.excludedTable()
	default:
		return card.measureTable()
	}
}

func (card scorecardAnswer) measureTable() exportTable {
	t := exportTable{columns: []string{
		"measure", "title", "value", "unit", "low", "high", "level", "n", "people", "grade", "status", "reason", "risk_adjusted",
		"previous", "target", "benchmark", "adds", "warnings", "claim",
	}}
	for _, key := range slices.Sorted(maps.Keys(card.Measures)) {
		m := card.Measures[key]
		d, _ := metric.Lookup(key)
		row := []string{
			key, d.Title, cellText(m.Value), m.Unit, cellText(m.Low), cellText(m.High), cellText(m.Level), cellText(m.N), cellText(m.People),
			cellText(m.Grade), string(m.Status), cellText(m.Reason), cellText(m.RiskAdjusted), "", "", "", m.Adds, "", cellText(m.Claim),
		}
		if m.Previous != nil {
			row[13] = cellText(m.Previous.Value)
		}
		if m.Target != nil {
			row[14] = m.Target.Value.Text()
		}
		if m.Benchmark != nil {
			row[15] = m.Benchmark.Value.Text()
		}
		var codes []string
		for _, w := range m.Warnings {
			codes = append(codes, w.Code)
		}
		row[17] = strings.Join(codes, " ")
		t.rows = append(t.rows, row)
	}
	return t
}

func (card scorecardAnswer) ladderTable() exportTable {
	t := exportTable{columns: []string{
		"rung", "status", "reason", "benefits", "costs", "net", "low", "high", "level", "probability_positive", "risk_adjusted", "roi", "npv",
		"npv_year_end", "discount_rate", "payback_status", "payback_days", "grade", "missing",
	}}
	for _, r := range card.Ladder {
		var missing []string
		for _, m := range r.Missing {
			missing = append(missing, m.Measure+" "+m.Reason)
		}
		t.rows = append(t.rows, []string{
			string(r.Rung), string(r.Status), cellText(r.Reason), cellText(r.Benefits), cellText(r.Costs), cellText(r.Net), cellText(r.Low), cellText(r.High),
			cellText(r.Level), cellText(r.Positive), cellText(r.RiskAdjusted), cellText(r.ROI), cellText(r.NPV), cellText(r.NPVYearEnd), r.Discount.Text(),
			r.Payback.Status, cellText(r.Payback.Days), cellText(r.Grade), strings.Join(missing, "; "),
		})
	}
	return t
}

// contributionTable has a row for each member and measure, so that new measures add rows and no columns.
func contributionTable(by string, rows []contribution) exportTable {
	t := exportTable{columns: []string{"row", by, "name", "measure", "value", "unit", "n", "people", "status", "reason"}}
	for _, r := range rows {
		key := map[string]string{"team": r.Team, "workflow": r.Workflow, "vendor": r.Vendor, "category": r.Category}[by]
		for _, measure := range slices.Sorted(maps.Keys(r.Measures)) {
			c := r.Measures[measure]
			t.rows = append(t.rows, []string{
				r.Row, key, r.Name, measure, cellText(c.Value), c.Unit, cellText(c.N), cellText(c.People), string(c.Status), cellText(c.Reason),
			})
		}
	}
	return t
}

func (card scorecardAnswer) seriesTable() exportTable {
	t := exportTable{columns: []string{"measure", "from", "to", "value", "unit"}}
	for _, key := range slices.Sorted(maps.Keys(card.Measures)) {
		for _, p := range card.Measures[key].Series {
			t.rows = append(t.rows, []string{key, p.From, p.To, cellText(p.Value), card.Measures[key].Unit})
		}
	}
	return t
}

func (card scorecardAnswer) excludedTable() exportTable {
	t := exportTable{columns: []string{"measure", "reason", "workflow", "team", "n", "amount", "unit", "message"}}
	for _, x := range card.Excluded {
		t.rows = append(t.rows, []string{
			x.Measure, x.Reason, x.Workflow, x.Team, cellText(x.N), cellText(x.Amount), x.Unit, x.Message,
		})
	}
	return t
}

// spreadsheet puts a quote before a text that a spreadsheet would take for a formula.
func spreadsheet(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// cellText is a value as text; empty where it is not known.
func cellText(value any) string {
	switch x := value.(type) {
	case *metric.Exact:
		if x != nil {
			return x.Text()
		}
	case *float64:
		if x != nil {
			return fmt.Sprint(*x)
		}
	case *uint64:
		if x != nil {
			return fmt.Sprint(*x)
		}
	case *int:
		if x != nil {
			return fmt.Sprint(*x)
		}
	case *string:
		if x != nil {
			return *x
		}
	}
	return ""
}
