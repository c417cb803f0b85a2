package standalone_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/services/standalone"
)

const (
	crmPublic = "https://plumbline.example.com"
	crmSecret = "the client secret of the app"
	crmStages = `"qualified":{"status":"open"},"demo":{"status":"open"},"won":{"status":"won"},"delivered":{"status":"won"},"lost":{"status":"lost"}`
)

// TestDealsOfCRM lets deals live in HubSpot and in Salesforce, delivers what both say of it in any order, some of it several times and
// some of it not at all, and finds in the scorecard what the CRM systems themselves have: each deal once, with its last amount, in the
// currency that it has, decided when it was decided.
func TestDealsOfCRM(t *testing.T) {
	s := serve(t, func(c *standalone.Config) {
		c.URL = crmPublic
		if err := c.HubSpot.UnmarshalText([]byte(crmSecret)); err != nil {
			t.Fatal(err)
		}
	})
	put(t, s, "connections/hubspot", `{"valid_from":"2025-01-01","via":"hubspot","deals":{"portal":"62515","currency":"EUR","stages":{`+crmStages+`}}}`)
	put(t, s, "connections/salesforce", `{"valid_from":"2025-01-01","via":"salesforce","deals":{"fields":{"currency":"CurrencyIsoCode"},"stages":{`+crmStages+`}}}`)

	rng := rand.New(rand.NewPCG(20250601, 7))
	h, o := &hubspotAccount{rng: rng}, &salesforceOrg{rng: rng}
	var all []*crmRecord
	for i := range 30 {
		all = append(all, h.deal(strconv.Itoa(1000+i), 1+rng.IntN(9)))
	}
	for i := range 10 {
		all = append(all, o.pair(fmt.Sprintf("006xx000001Sv%02dAAS", i), fmt.Sprintf("006xx000001Sw%02dAAS", i), 2+rng.IntN(8))...)
	}
	o.say(time.Date(2025, 8, 1, 9, 0, 0, 0, time.UTC), "UPDATE", `,"Amount":5`, "006xx000001SxxxAAS") // of a deal that nobody has told of
	for range 2 {
		deliverCalls(t, s, "hubspot", h.delivered())
		deliverCalls(t, s, "salesforce", shuffled(rng, o.events))
	}

	// The stage that stands in no map, and the gaps, are not in yet; the rest of those deals is.
	put(t, s, "connections/hubspot", `{"valid_from":"2025-01-02","via":"hubspot","deals":{"portal":"62515","currency":"EUR","stages":{"rival":{"status":"lost"},`+crmStages+`}}}`)
	for range 2 {
		code, out, errs := plumbline(t, s, "replay", "--code", "unknown_stage", "--source", "/hooks/hubspot", "--yes")
		if code != 0 {
			t.Fatalf("the replay ended with %d and said\n%s%s", code, out, errs)
		}
		importHistory(t, s, o.history)
	}
	settle(t, s)
	checkDeals(t, s, all)
	code, out, errs := plumbline(t, s, "rejects", "--code", "no_values", "--since", "1h")
	if code != 0 || !strings.Contains(out, "import what changed since then") || len(o.history) == 0 {
		t.Errorf("the gaps are not among what was refused: %d\n%s%s", code, out, errs)
	}
}

func shuffled(rng *rand.Rand, calls []string) []string {
	out := append(slices.Clone(calls), calls[:len(calls)/2]...)
	rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// deliverCalls posts calls in batches: HubSpot's signed, Salesforce's by a relay with a key.
func deliverCalls(t *testing.T, s standalone.Server, connection string, calls []string) {
	t.Helper()
	for batch := range slices.Chunk(calls, 17) {
		body, path := "["+strings.Join(batch, ",")+"]", "/v1/hooks/"+connection
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if connection == "hubspot" {
			stamp := strconv.FormatInt(time.Now().UnixMilli(), 10)
			mac := hmac.New(sha256.New, []byte(crmSecret))
			_, _ = io.WriteString(mac, "POST"+crmPublic+path+body+stamp)
			req.Header.Set("X-HubSpot-Request-Timestamp", stamp)
			req.Header.Set("X-HubSpot-Signature-v3", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		} else {
			req.Header.Set("X-Plumbline-Key", s.WriteKey)
		}
		waitFor(t, "the connection "+connection, func() bool {
			again := req.Clone(t.Context())
			again.Body = io.NopCloser(strings.NewReader(body))
			res, err := http.DefaultClient.Do(again)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(res.Body)
			_ = res.Body.Close()
			// The collector reads the connections from the log: until then there are none.
			if res.StatusCode == http.StatusServiceUnavailable || res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusUnauthorized {
				return false
			}
			if err != nil || res.StatusCode != http.StatusAccepted && res.StatusCode != http.StatusMultiStatus {
				t.Fatalf("%s: %s %s", connection, res.Status, answer)
			}
			return true
		})
	}
}

func importHistory(t *testing.T, s standalone.Server, rows []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "history.csv")
	csv := "Id,OpportunityId,StageName,Amount,CloseDate,CreatedDate,CurrencyIsoCode\n" + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile(path, []byte(csv), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := plumbline(t, s, "import", "--json", "--mapping", "salesforce_opportunity_history_currencies", "--set", "won=won", "--set", "lost=lost", path)
	if code != 0 {
		t.Fatalf("the import ended with %d: %s%s", code, out, errs)
	}
}

// checkDeals compares the deals of the scorecard with those of the CRM systems.
func checkDeals(t *testing.T, s standalone.Server, all []*crmRecord) {
	t.Helper()
	var want []string
	counts := map[string]int{}
	for _, r := range all {
		switch {
		case r.gone:
			counts["withdrawn"]++
		default:
			counts[crmStatus(r.stage)]++
		}
		if row := r.row(); row != "" {
			want = append(want, row)
		}
	}
	const year = "from=2025-01-01&to=2026-01-01"
	var got []string
	rows, _ := get(t, s, "/evidence?measure=win_rate&limit=500&"+year).at(t, "rows").([]any)
	for _, row := range rows {
		r := document{row}
		money := "none"
		if r.at(t, "amount") != nil {
			money = r.text(t, "amount") + " " + r.text(t, "currency")
		}
		got = append(got, fmt.Sprint(r.text(t, "deal"), " ", r.text(t, "status"), " ", money, " ", r.text(t, "created_at"), " ", r.text(t, "decided_at")))
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the scorecard has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	page := get(t, s, "/pipeline?basis=created&"+year)
	sums := map[string]int{}
	for _, c := range page.at(t, "cohorts").([]any) {
		for _, state := range []string{"won", "lost", "open"} {
			sums[state] += int(document{c}.number(t, state))
		}
	}
	for _, x := range page.at(t, "excluded").([]any) {
		if reason := (document{x}).text(t, "reason"); reason == "withdrawn" || reason == "no_status" {
			sums[reason] += int(document{x}.number(t, "n"))
		}
	}
	counts["no_status"] = 1
	if g, w := fmt.Sprint(sums), fmt.Sprint(counts); g != w {
		t.Errorf("the scorecard counts %s, want %s", g, w)
	}
	t.Logf("%d deals: %v", len(all), counts)
	for state, n := range counts {
		if n == 0 {
			t.Errorf("no deal is %s: the test shows nothing of those", state)
		}
	}
}
