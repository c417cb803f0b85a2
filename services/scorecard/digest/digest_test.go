package digest

import (
	"regexp"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
)

func TestFigures(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ value, unit, want string }{
		{"612.25", "h", "612.3 h"},
		{"-1234567.891", "USD", "−1,234,567.89 USD"},
		{"0.6166", "share", "61.7%"},
		{"-0.001", "USD", "0.00 USD"},
		{"51", "days", "51.0 days"},
		{"2", "level", "level 2"},
		{"12345.6", "index", "12,346"},
		{"3.456", "points", "3.5"},
		{"40", "pp", "40.0 pp"},
	} {
		if got := Figure(decimal.RequireFromString(c.value), c.unit); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.value, c.unit, got, c.want)
		}
	}
	for _, c := range []struct{ now, before, unit, want string }{
		{"10", "7.5", "h", "+2.5 h"}, {"7.5", "10", "h", "−2.5 h"}, {"0.5", "0.25", "share", "+25.0 pp"}, {"1", "1", "USD", "unchanged"}, {"2", "1", "level", "+1"}, {"1.001", "1", "USD", "unchanged"},
	} {
		if got := Difference(decimal.RequireFromString(c.now), decimal.RequireFromString(c.before), c.unit); got != c.want {
			t.Errorf("%s after %s %s: %q, want %q", c.now, c.before, c.unit, got, c.want)
		}
	}
}

// The page needs nothing from elsewhere, runs nothing, is 600 px wide at most, knows light and dark, and takes names as text.
func TestPage(t *testing.T) {
	t.Parallel()
	d := Digest{
		Title: `Team <script>alert("x")</script>` + "\nBcc: x", Period: "1 August to 31 October 2026", Compared: "compared with May to July", Through: "complete through today",
		URL: "https://plumbline.example.com/?from=2026-08-01&scope=org",
		Groups: []Group{{"Efficiency", []Row{
			{Title: "Net hours saved", Value: "612.3 h", Range: "90% range 500.0 h to 700.0 h", Grade: "evidence grade 2", Change: "+100.0 h since then"},
			{Title: "Capacity value", Value: "withheld: fewer than five people stand behind it", Silent: true},
		}}},
	}
	html, err := d.HTML()
	if err != nil {
		t.Fatal(err)
	}
	page := string(html)
	for _, want := range []string{"max-width:600px", "prefers-color-scheme: dark", `content="light dark"`, "&lt;script&gt;", "withheld: fewer than five", "from=2026-08-01&amp;scope=org", `scope="row"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, never := range []string{"<script", "<img", "<link", "url(", "@import", "src=", "onload"} {
		if strings.Contains(page, never) {
			t.Errorf("the page has %s", never)
		}
	}
	if n := len(regexp.MustCompile(`https?://`).FindAllString(page, -1)); n != 1 {
		t.Errorf("the page has %d addresses, want the link", n)
	}
	text := string(d.Text())
	for _, want := range []string{"Net hours saved", "612.3 h", "withheld: fewer than five", d.URL, "EFFICIENCY"} {
		if !strings.Contains(text, want) {
			t.Errorf("the text lacks %s:\n%s", want, text)
		}
	}
	if strings.Contains(text, "\nBcc") || strings.ContainsAny(d.Subject(), "\r\n") {
		t.Errorf("a name has begun a line:\n%s", text)
	}
	d.URL = "javascript:alert(1)"
	if html, _ = d.HTML(); strings.Contains(string(html), "javascript:") {
		t.Error("the link runs something")
	}
}
