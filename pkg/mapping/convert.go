package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// instant reads times and days as they are written in foreign files.
type instant struct {
	layouts []string
	zone    *time.Location
}

// Layouts that are no layouts of package time.
const (
	layoutUnix      = "unix"
	layoutUnixMilli = "unix_ms"
	layoutUnixMicro = "unix_us"
)

func newInstant(layouts []string, zone string) (instant, error) {
	in := instant{layouts: layouts, zone: time.UTC}
	if len(in.layouts) == 0 {
		in.layouts = []string{time.RFC3339Nano, time.DateTime, time.DateOnly}
	}
	if zone != "" {
		z, err := time.LoadLocation(zone)
		if err != nil {
			return instant{}, fmt.Errorf("zone %q is not known: write a name such as \"Europe/Berlin\"", zone)
		}
		in.zone = z
	}
	return in, nil
}

func (in instant) parse(s string) (time.Time, error) {
	for _, l := range in.layouts {
		switch l {
		case layoutUnix, layoutUnixMilli, layoutUnixMicro:
			n, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				continue
			}
			at := time.UnixMilli(n)
			switch l {
			case layoutUnix:
				at = time.Unix(n, 0)
			case layoutUnixMicro:
				at = time.UnixMicro(n)
			}
			return bounded(at.In(in.zone))
		default:
			if t, err := time.ParseInLocation(l, s, in.zone); err == nil {
				return bounded(t)
			}
		}
	}
	return time.Time{}, valueError("%s is no time written like %s", quote(s), strings.Join(in.layouts, " or "))
}

// bounded keeps times inside what the contract can say.
func bounded(t time.Time) (time.Time, error) {
	if y := t.UTC().Year(); y < 1900 || y > 2200 {
		return time.Time{}, &conversionError{event.CodeOutOfRange, "the time must lie between the years 1900 and 2200"}
	}
	return t, nil
}

// conversionError says why a cell cannot become its field.
type conversionError struct {
	code    event.Code
	message string
}

func (e *conversionError) Error() string { return e.message }

func valueError(format string, args ...any) error {
	return &conversionError{event.CodeBadValue, fmt.Sprintf(format, args...)}
}

// translate applies map and slug to a text.
func (f *fieldPlan) translate(s string) (string, error) {
	if f.spec.Map != nil {
		v, ok := f.spec.Map[s]
		switch {
		case ok:
			s = v
		case f.spec.MapDefault != nil:
			s = *f.spec.MapDefault
		default:
			return "", valueError("%s is not in the map of %s", quote(s), f.name)
		}
	}
	if f.spec.Slug {
		s = slug(s)
	}
	return s, nil
}

// number reads a decimal exactly, as foreign files write it.
func (f *fieldPlan) number(s string) (decimal.Decimal, error) {
	shown := s
	for _, x := range f.spec.Strip {
		s = strings.ReplaceAll(s, x, "")
	}
	s = strings.TrimSpace(s)
	if f.spec.DecimalComma {
		s = strings.ReplaceAll(s, ",", ".")
	}
	if len(s) > 64 || !numeric(s) {
		return decimal.Decimal{}, valueError("%s is no number", quote(shown))
	}
	d, err := decimal.NewFromString(s)
	if err != nil || d.Exponent() > 40 || d.Exponent() < -80 {
		return decimal.Decimal{}, valueError("%s is no number", quote(shown))
	}
	return d, nil
}

// numeric tells digits with an optional sign, point and exponent from everything else that a number library may take.
func numeric(s string) bool {
	digits, exponent := 0, false
	for i, c := range s {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case (c == '-' || c == '+') && (i == 0 || s[i-1] == 'e' || s[i-1] == 'E'):
		case c == '.' && !exponent:
		case (c == 'e' || c == 'E') && digits > 0 && !exponent:
			exponent = true
		default:
			return false
		}
	}
	return digits > 0
}

// appendNumber writes d as the field's type wants it.
func (f *fieldPlan) appendNumber(dst []byte, d decimal.Decimal) ([]byte, error) {
	if f.spec.Round != nil {
		d = d.RoundBank(*f.spec.Round)
	}
	switch f.target {
	case toDecimal:
		v, err := event.ParseDecimal(event.Decimal{Decimal: shortest(d)}.Canonical())
		if err != nil {
			return nil, valueError("%s has more than 20 digits before or 18 after the point; round: 18 would round it", d.String())
		}
		return strconv.AppendQuote(dst, v.Canonical()), nil
	case toCount:
		if !d.IsInteger() || d.IsNegative() || d.GreaterThan(decimal.NewFromInt(1<<53)) {
			return nil, valueError("%s is no whole number from 0 up", d.String())
		}
		return append(dst, d.Truncate(0).String()...), nil
	default:
		n, err := event.ParseNumber(shortest(d).String())
		if err != nil {
			return nil, valueError("%s: %s", d.String(), err.Error())
		}
		return append(dst, n.Decimal().String()...), nil
	}
}

// quickNumber is the shortest text of a number that is written plainly, as nearly all are: some digits, without an exponent, a plus
// or leading zeros, and within what every number may have. ok is false of any other, which is not to say that it is wrong.
func (f *fieldPlan) quickNumber(s string) (text string, ok bool) {
	if len(f.spec.Strip) > 0 || f.spec.DecimalComma || f.spec.Round != nil {
		return "", false
	}
	digits := strings.TrimPrefix(s, "-")
	point := len(digits)
	for i := range len(digits) {
		switch c := digits[i]; {
		case c == '.' && point == len(digits):
			point = i
		case c < '0' || c > '9':
			return "", false
		}
	}
	if point == 0 || point > 12 || point > 1 && digits[0] == '0' || point == len(digits)-1 {
		return "", false
	}
	if point < len(digits) {
		digits = strings.TrimSuffix(strings.TrimRight(digits, "0"), ".")
	}
	places := max(0, len(digits)-point-1)
	switch {
	case f.target == toCount && (places > 0 || s[0] == '-'), f.target == toNumber && places > 6, places > 18, digits == "0" && s[0] == '-':
		return "", false
	}
	if s[0] == '-' {
		return s[:len(digits)+1], true
	}
	return digits, true
}

// shortest takes the zeros off the end, exactly.
func shortest(d decimal.Decimal) decimal.Decimal {
	s := d.String()
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	out, err := decimal.NewFromString(s)
	if err != nil {
		return d
	}
	return out
}

// yes reads a yes-or-no cell.
func (f *fieldPlan) yes(s string) (bool, error) {
	trueWords, falseWords := []string(f.spec.True), []string(f.spec.False)
	if len(trueWords) == 0 && len(falseWords) == 0 {
		trueWords, falseWords = []string{"true", "yes", "y", "1", "1.0"}, []string{"false", "no", "n", "0", "0.0"}
	}
	same := func(w string) bool { return strings.EqualFold(w, s) }
	switch {
	case slices.ContainsFunc(trueWords, same):
		return true, nil
	case slices.ContainsFunc(falseWords, same):
		return false, nil
	}
	return false, valueError("%s is neither yes (%s) nor no (%s)", quote(s), strings.Join(trueWords, ", "), strings.Join(falseWords, ", "))
}

// slug makes a key of a text.
func slug(s string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(s) {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			gap = false
			b.WriteRune(r)
			continue
		}
		gap = true
	}
	return b.String()
}

func quote(s string) string {
	const most = 40
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}
