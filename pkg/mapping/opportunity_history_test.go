package mapping_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// history is an export as the Data Loader writes one: a deal that was won for more than was asked, one whose amount was taken back, and
// one in a stage of the company's own.
const history = `Id,OpportunityId,StageName,Amount,CloseDate,CreatedDate
008a,006A,Prospecting,1000,2026-12-31,2026-09-01T08:00:00.000Z
008b,006A,Closed Won,1250.50,2026-10-05,2026-10-05T10:30:00.000+0000
008c,006B,Qualification,800,2026-12-31,2026-09-02T08:00:00.000Z
008d,006B,Qualification,,2026-12-31,2026-09-03 08:00:00
008e,006C,Verhandlung,5,2026-12-31,2026-09-04T08:00:00.000Z
`

func opportunities(t *testing.T, name, csv string, set map[string]string) string {
	t.Helper()
	m, err := mapping.Load(name, set)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Check(strings.NewReader(csv)); err != nil {
		t.Fatal(err)
	}
	in, err := m.Open(strings.NewReader(csv))
	if err != nil {
		t.Fatal(err)
	}
	parser := event.NewParser(time.Now)
	var out []string
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			return strings.Join(out, "\n")
		}
		if err != nil || len(row.Problems) > 0 || len(row.Events) != 1 {
			t.Fatalf("%v %+v", err, row)
		}
		raw, err := row.Events[0].Structured()
		if err != nil {
			t.Fatal(err)
		}
		e, problems := parser.Structured(raw)
		if len(problems) > 0 {
			out = append(out, fmt.Sprint(row.Events[0].ID, " ", problems[0].Code, " ", problems[0].Pointer))
			continue
		}
		p := e.Data.(*event.Pipeline)
		if !p.IsPartial() {
			t.Errorf("%s is no partial change: it would move the day on which a deal was decided", e.ID)
		}
		amount := "-"
		if p.Amount != nil {
			amount = p.Amount.String()
		}
		out = append(out, fmt.Sprintf("%s %s %s %s %s %s%s%s", e.ID, e.Time.Format("01-02T15:04"), p.Deal, p.Stage, p.Status, amount, p.Currency, p.Cleared))
	}
}

func TestOpportunityHistory(t *testing.T) {
	got := opportunities(t, "salesforce_opportunity_history", history, map[string]string{"currency": "EUR", "prefix": "emea-", "zone": "Europe/Berlin"})
	// The third time has no offset: 8 o'clock of September in Berlin is 6 o'clock UTC.
	want := `008a 09-01T08:00 emea-006A Prospecting open 1000EUR
008b 10-05T10:30 emea-006A Closed Won won 1250.5EUR
008c 09-02T08:00 emea-006B Qualification open 800EUR
008d 09-03T06:00 emea-006B Qualification open -amount
008e bad_value /data/status`
	if got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if got = opportunities(t, "salesforce_opportunity_history", history, map[string]string{"currency": "EUR", "other_stages": "open"}); !strings.Contains(got, "008e 09-04T08:00 006C Verhandlung open 5EUR") {
		t.Errorf("%s: the stage of one's own is not open", got)
	}
	if got = opportunities(t, "salesforce_opportunity_history", history, nil); strings.Count(got, "bad_value /data/currency") != 3 {
		t.Errorf("%s: amounts without a currency are taken", got)
	}
	own := strings.NewReplacer("CreatedDate\n", "CreatedDate,CurrencyIsoCode\n", ".000Z\n", ".000Z,USD\n", "+0000\n", "+0000,GBP\n", ":00:00\n", ":00:00,\n").Replace(history)
	if got = opportunities(t, "salesforce_opportunity_history_currencies", own, nil); !strings.Contains(got, "1000USD") || !strings.Contains(got, "1250.5GBP") {
		t.Errorf("%s: the currency of the row is not taken", got)
	}
}
