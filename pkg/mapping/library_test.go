package mapping_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// dataset opens a file of the public data sets, which are no part of the project.
func dataset(t *testing.T, name string) *os.File {
	t.Helper()
	root := os.Getenv("PLUMBLINE_SHARED")
	if root == "" {
		dir, err := filepath.Abs(".")
		if err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
				root = filepath.Join(filepath.Dir(dir), "shared")
				break
			}
			if dir == filepath.Dir(dir) {
				t.Skip("no go.work above this package: set PLUMBLINE_SHARED to the folder with the data sets")
			}
			dir = filepath.Dir(dir)
		}
	}
	f, err := os.Open(filepath.Join(root, "datasets", name))
	if errors.Is(err, os.ErrNotExist) && os.Getenv("CI") != "true" {
		t.Skipf("the data sets are not in %s: set PLUMBLINE_SHARED to the folder that has datasets/%s", root, name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

// contracted maps a data set and reads every event with the contract's own parser.
func contracted(t *testing.T, name string, set map[string]string) (events []event.Event, refused map[event.Code]int) {
	t.Helper()
	m, err := mapping.Load(name, set)
	if err != nil {
		t.Fatal(err)
	}
	file := name
	if name == "focus_1_0" {
		file = "focus_1_0_sample"
	}
	f := dataset(t, file+".csv")
	records, err := m.Check(f)
	if err != nil {
		t.Fatalf("check: %v", err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	in, err := m.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	parser := event.NewParser(time.Now)
	refused = map[event.Code]int{}
	ids := map[string]bool{}
	n := 0
	for ; ; n++ {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(row.Problems) > 0 {
			t.Fatalf("problems: %v", row.Problems)
		}
		for _, e := range row.Events {
			raw, err := e.Structured()
			if err != nil {
				t.Fatal(err)
			}
			if ids[e.ID] {
				t.Fatalf("line %d: the id %s is there twice", row.Line, e.ID)
			}
			ids[e.ID] = true
			parsed, problems := parser.Structured(raw)
			if len(problems) > 0 {
				refused[problems[0].Code]++
				continue
			}
			events = append(events, parsed)
		}
	}
	if n != records {
		t.Errorf("the check counted %d records, reading %d", records, n)
	}
	return events, refused
}

// TestHillstrom: the counts of the table that comes with the data: two events for each of 64,000 customers.
func TestHillstrom(t *testing.T) {
	events, refused := contracted(t, "hillstrom_email", nil)
	if len(events) != 128_000 || len(refused) != 0 {
		t.Fatalf("%d events, refused %v", len(events), refused)
	}
	type arm struct {
		exposures, visits, conversions uint64
		spend                          decimal.Decimal
	}
	arms := map[string]*arm{}
	for _, e := range events {
		c := e.Data.(*event.Conversion)
		if arms[c.Variant] == nil {
			arms[c.Variant] = &arm{}
		}
		a := arms[c.Variant]
		if c.Metric == "visit" {
			a.visits += *c.Conversions
			continue
		}
		a.exposures += *c.Exposures
		a.conversions += *c.Conversions
		a.spend = a.spend.Add(c.Value.Decimal)
		if !c.ValueSquares.Equal(c.Value.Mul(c.Value.Decimal)) {
			t.Fatalf("%s squared is not %s", c.Value, c.ValueSquares)
		}
	}
	for name, want := range map[string]arm{
		"No E-Mail":     {21_306, 2_262, 122, decimal.RequireFromString("13908.33")},
		"Mens E-Mail":   {21_307, 3_894, 267, decimal.RequireFromString("30311.69")},
		"Womens E-Mail": {21_387, 3_238, 189, decimal.RequireFromString("23038.11")},
	} {
		got := arms[name]
		if got == nil || got.exposures != want.exposures || got.visits != want.visits || got.conversions != want.conversions || !got.spend.Equal(want.spend) {
			t.Errorf("%s: %+v, want %+v", name, got, want)
		}
	}
}

// TestMETR: 136 assisted and 110 unassisted tasks, 16 of them without a post-review time, which stays absent.
func TestMETR(t *testing.T) {
	events, refused := contracted(t, "metr_time_trial", map[string]string{"start": "2025-01-01T00:00:00Z", "spacing": "1h"})
	if len(refused) != 0 {
		t.Fatalf("refused %v", refused)
	}
	assisted, unassisted, absent := 0, 0, 0
	for _, e := range events {
		h := e.Data.(*event.HoursSaved)
		if *h.Assisted {
			assisted++
		} else {
			unassisted++
		}
		if h.ReviewMinutes == nil {
			absent++
		}
	}
	if assisted != 136 || unassisted != 110 || absent != 16 {
		t.Errorf("%d assisted, %d unassisted, %d without review; want 136, 110, 16", assisted, unassisted, absent)
	}
	// The 246th row is 245 hours after the first: 10 days and 5 hours.
	if got := events[245].Time.Format(time.RFC3339); got != "2025-01-11T05:00:00Z" {
		t.Errorf("last task at %s", got)
	}
}

// TestCRM: 8,300 deals and 500 rows without a date; 4,238 won worth 10,005,534.
func TestCRM(t *testing.T) {
	events, refused := contracted(t, "crm_sales_pipeline", map[string]string{"assisted_products": "GTX Basic, GTK 500"})
	if len(events) != 8_300 || len(refused) != 1 || refused[event.CodeMissingTime] != 500 {
		t.Fatalf("%d events, refused %v", len(events), refused)
	}
	status := map[string]int{}
	won, assisted := decimal.Decimal{}, 0
	for _, e := range events {
		p := e.Data.(*event.Pipeline)
		status[p.Status]++
		if p.Status == "won" {
			won = won.Add(p.Amount.Decimal)
		}
		if *p.Assisted {
			assisted++
		}
		if (p.ClosedAt == nil) != (p.Status == "open") || p.CreatedAt == nil {
			t.Fatalf("deal %s is %s, closed %v, created %v", p.Deal, p.Status, p.ClosedAt, p.CreatedAt)
		}
	}
	if status["won"] != 4_238 || status["lost"] != 2_473 || status["open"] != 1_589 || !won.Equal(decimal.NewFromInt(10_005_534)) {
		t.Errorf("%v won %s", status, won)
	}
	// GTX Basic 915 + 521 + 337, GTK 500 15 + 10 + 15.
	if assisted != 1_813 {
		t.Errorf("%d assisted, want 1813", assisted)
	}
	plain, _ := contracted(t, "crm_sales_pipeline", nil)
	if p := plain[0].Data.(*event.Pipeline); p.Assisted != nil {
		t.Errorf("without a statement assisted is %v, want unknown", *p.Assisted)
	}
}

// TestFOCUS: the sum of BilledCost to the last decimal.
func TestFOCUS(t *testing.T) {
	events, refused := contracted(t, "focus_1_0", nil)
	if len(events) != 1_000 || len(refused) != 0 {
		t.Fatalf("%d events, refused %v", len(events), refused)
	}
	sum, tools := decimal.Decimal{}, 0
	charges := map[string]int{}
	for _, e := range events {
		v := e.Data.(*event.VendorSpend)
		sum = sum.Add(v.BilledCost.Decimal)
		charges[v.ChargeCategory]++
		if v.Category == "ai_tool" {
			tools++
		}
		if v.InvoiceDate != nil || v.ChargeClass != "" {
			t.Fatalf("invoice date %v, class %q", v.InvoiceDate, v.ChargeClass)
		}
	}
	if sum.String() != "20.52022672899" || tools != 9 || charges["Usage"] != 997 || charges["Adjustment"] != 2 || charges["Credit"] != 1 {
		t.Errorf("sum %s, %d ai_tool, %v", sum, tools, charges)
	}
	dated, _ := contracted(t, "focus_1_0", map[string]string{"invoice_column": "BillingPeriodEnd"})
	if v := dated[0].Data.(*event.VendorSpend); v.InvoiceDate == nil || v.InvoiceDate.String() != "2024-10-01" {
		t.Errorf("invoice date %v, want 2024-10-01", v.InvoiceDate)
	}
}

// TestLibrary: every mapping of the library says what it is for.
func TestLibrary(t *testing.T) {
	entries, err := mapping.Library()
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 13 {
		t.Errorf("%d mappings", len(entries))
	}
	for _, e := range entries {
		if e.About == "" {
			t.Errorf("%s does not say what it is for", e.Name)
		}
		for _, p := range e.Parameters {
			if p.About == "" {
				t.Errorf("%s: parameter %s does not say what it is for", e.Name, p.Name)
			}
		}
		if _, err := mapping.Load(e.Name, nil); err != nil {
			t.Error(err)
		}
	}
}
