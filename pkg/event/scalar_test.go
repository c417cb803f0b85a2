package event_test

import (
	stdjson "encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
)

func TestParseNumber(t *testing.T) {
	for s, want := range map[string]string{
		"0": "0", "-0": "0", "0e999999999999": "0", "1": "1", "1.50": "1.5", "1e3": "1000", "-25e-1": "-2.5", "0.000001": "0.000001", "1E-6": "0.000001",
		"1000000000000": "1000000000000", "-1e+12": "-1000000000000", "999999999999.999999": "999999999999.999999", "0.0000010": "0.000001",
		"1000000000000.000001": "", "1e13": "", "1e999999999999": "", "1e-7": "", "1e-999999999999": "", "0.1234567": "",
		"": "", "-": "", "1.": "", ".5": "", "+1": "", "1e": "", "1e+": "", "0x10": "", "1_000": "", "NaN": "", "1e1.5": "", "--1": "", "1e+-1": "",
	} {
		got, err := event.ParseNumber(s)
		switch {
		case want == "" && err == nil:
			t.Errorf("%q reads as %s", s, got)
		case want != "" && err != nil:
			t.Errorf("%q: %v", s, err)
		case want != "" && got.String() != want:
			t.Errorf("%q reads as %s, want %s", s, got, want)
		}
	}
}

// Against exact rationals: a number is taken exactly where it has at most six decimals and is in range, and its value
// is the one that was written.
func FuzzNumberIsExact(f *testing.F) {
	for _, s := range []string{"0", "-1.5", "1e3", "1e-6", "0.0000010", "999999999999.999999", "1000000000001", "12345678901234567890e-7"} {
		f.Add(s)
	}
	grammar := regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?$`)
	f.Fuzz(func(t *testing.T, s string) {
		n, err := event.ParseNumber(s)
		if !grammar.MatchString(s) {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			return
		}
		scaled := new(big.Rat).Mul(want, big.NewRat(1_000_000, 1))
		inRange := new(big.Rat).Abs(want).Cmp(big.NewRat(1_000_000_000_000, 1)) <= 0
		if (err == nil) != (scaled.IsInt() && inRange) {
			t.Fatalf("%s: %v", s, err)
		}
		if err != nil {
			return
		}
		if got := n.Decimal().Rat(); got.Cmp(want) != 0 {
			t.Fatalf("%s reads as %s", s, n)
		}
		if again, err := event.ParseNumber(n.String()); err != nil || again != n || n.String() != n.Decimal().String() {
			t.Fatalf("%s is written as %s, which reads as %v, %v", s, n, again, err)
		}
	})
}

func TestNumberRoundTripsInBothJSONPackages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = int64(1_000_000_000_000) * 1_000_000
		n := event.Number(rapid.Int64Range(-limit, limit).Draw(t, "millionths"))
		a, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		b, err := stdjson.Marshal(n)
		if err != nil || string(a) != string(b) {
			t.Fatalf("%s and %s, %v", a, b, err)
		}
		var x, y event.Number
		if err := json.Unmarshal(a, &x); err != nil || x != n {
			t.Fatalf("%s reads as %v, %v", a, x, err)
		}
		if err := stdjson.Unmarshal(b, &y); err != nil || y != n {
			t.Fatalf("%s reads as %v, %v", b, y, err)
		}
	})
}

func TestDecimalReadsItsPatternExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringMatching(`-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?`).Draw(t, "decimal")
		d, err := event.ParseDecimal(s)
		if err != nil {
			t.Fatal(err)
		}
		want, _ := new(big.Rat).SetString(s)
		if d.Rat().Cmp(want) != 0 {
			t.Fatalf("%s reads as %s", s, d)
		}
		short := d.Canonical()
		if strings.Contains(short, ".") && strings.HasSuffix(short, "0") || strings.HasPrefix(short, "-0") && want.Sign() == 0 {
			t.Fatalf("%s is written as %s", s, short)
		}
		if again, err := event.ParseDecimal(short); err != nil || !again.Equal(d.Decimal) || again.Canonical() != short {
			t.Fatalf("%s is written as %s, which reads as %v, %v", s, short, again, err)
		}
	})
}

func FuzzDecimalIsItsPattern(f *testing.F) {
	for _, s := range []string{"0", "-12.50", "1e3", "01", "1.", "99999999999999999999.999999999999999999", "-0", "1,0", "١"} {
		f.Add(s)
	}
	pattern := regexp.MustCompile(event.DecimalPattern)
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := event.ParseDecimal(s); (err == nil) != pattern.MatchString(s) {
			t.Errorf("%q: %v", s, err)
		}
	})
}

// A time is taken exactly where it has the form of the schema and exists in the calendar.
func FuzzTimeIsItsPattern(f *testing.F) {
	for _, s := range oddTexts() {
		f.Add(s)
	}
	pattern := regexp.MustCompile(event.TimePattern)
	f.Fuzz(func(t *testing.T, s string) {
		got, err := event.ParseTime(s)
		exists := pattern.MatchString(s)
		if exists {
			_, parseErr := time.Parse(time.RFC3339Nano, s)
			exists = parseErr == nil
		}
		if (err == nil) != exists {
			t.Fatalf("%q: %v", s, err)
		}
		if err != nil {
			return
		}
		if again, err := event.ParseTime(got.Format(event.TimeForm)); err == nil && !again.Equal(got.Time) || got.Location() != time.UTC {
			t.Fatalf("%q reads as %s, which reads as %s", s, got, again)
		}
	})
}

func TestTimeIsCutToMillisecondsInUTC(t *testing.T) {
	got, err := event.ParseTime("2026-11-01T10:30:00.123999999+01:00")
	if want := time.Date(2026, 11, 1, 9, 30, 0, 123_000_000, time.UTC); err != nil || !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("got %s, %v, want %s", got, err, want)
	}
}

func TestDayRoundTripsInBothJSONPackages(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(rapid.Int64Range(-2_000_000_000, 7_000_000_000).Draw(t, "second"), 0)
		day := event.DayOf(at)
		var x, y event.Day
		a, err := json.Marshal(day)
		if err != nil || json.Unmarshal(a, &x) != nil || !x.Equal(day.Time) || string(a) != `"`+at.UTC().Format(time.DateOnly)+`"` {
			t.Fatalf("%s is written as %s and reads as %s, %v", day, a, x, err)
		}
		b, err := stdjson.Marshal(day)
		if err != nil || stdjson.Unmarshal(b, &y) != nil || !y.Equal(day.Time) || string(a) != string(b) {
			t.Fatalf("%s is written as %s and reads as %s, %v", day, b, y, err)
		}
	})
}
