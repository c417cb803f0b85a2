package event

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
)

// Decimal is an exact decimal: money, or a quantity that money is multiplied with. On the wire it is a JSON string
// of at most 20 digits before and 18 after the point ("-12.50"), because a JSON number loses decimals in many
// readers. In the warehouse it is Decimal(38, 18).
type Decimal struct{ decimal.Decimal }

// DecimalPattern is the form of a [Decimal] on the wire.
const DecimalPattern = `^-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?$`

var decimalForm = regexp.MustCompile(DecimalPattern)

// ParseDecimal reads the wire form.
func ParseDecimal(s string) (Decimal, error) {
	if !decimalForm.MatchString(s) {
		return Decimal{}, &scalarError{CodeBadValue, fmt.Sprintf("write a decimal such as \"12.50\": at most 20 digits before and 18 after the point, no exponent, no thousands separator; got %s", quoteShort(s))}
	}
	d, err := decimal.NewFromString(s)
	if err != nil {
		return Decimal{}, &scalarError{CodeBadValue, "write a decimal such as \"12.50\""}
	}
	return Decimal{d}, nil
}

// UnmarshalJSONFrom accepts a JSON string in the wire form only.
func (d *Decimal) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := readString(dec, "write the amount as a string, such as \"12.50\": a JSON number loses decimals")
	if err != nil {
		return err
	}
	v, err := ParseDecimal(s)
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// MarshalJSONTo writes the shortest wire form: no trailing zeros, so that equal amounts have equal bytes.
func (d Decimal) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.String(d.Canonical()))
}

// Canonical is the shortest wire form.
func (d Decimal) Canonical() string {
	s := d.String()
	if s == "-0" {
		return "0"
	}
	return s
}

// Number is a count or a duration with at most six decimals, kept exactly as millionths. On the wire it is a JSON
// number; in the warehouse Decimal(18, 6). Its range is ±1,000,000,000,000.
type Number int64

const (
	numberScale = 1_000_000
	numberMax   = 1_000_000_000_000 * numberScale
)

// NumberOf is the Number of a whole value.
func NumberOf(whole int64) Number { return Number(whole * numberScale) }

// ParseNumber reads a JSON number exactly, in any of its spellings.
func ParseNumber(s string) (Number, error) {
	digits, exp, err := scanNumber(s)
	if err != nil || digits == "" {
		return 0, err
	}
	if exp < -6 {
		return 0, &scalarError{CodeBadValue, "write at most six decimals"}
	}
	// At most 13 digits before the point and six after it fit the 19 digits of an int64.
	n := int64(numberMax + 1)
	if len(strings.TrimPrefix(digits, "-"))+exp <= 13 {
		if n, err = strconv.ParseInt(digits+strings.Repeat("0", exp+6), 10, 64); err != nil {
			return 0, &scalarError{CodeWrongType, "write a JSON number"}
		}
	}
	if n > numberMax || n < -numberMax {
		return 0, &scalarError{CodeOutOfRange, "the number must lie between -1,000,000,000,000 and 1,000,000,000,000"}
	}
	return Number(n), nil
}

// scanNumber takes a JSON number apart: its value is digits × 10^exp, digits without leading or trailing zeros and
// with the sign, "" for zero. Exponents are cut at ±1,000,000: far out of every range of ours.
func scanNumber(s string) (digits string, exp int, err error) {
	mantissa, power, hasPower := s, "", false
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		mantissa, power, hasPower = s[:i], s[i+1:], true
	}
	unsigned, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, hasPoint := strings.Cut(unsigned, ".")
	if !isDigits(whole) || hasPoint && !isDigits(fraction) {
		return "", 0, &scalarError{CodeWrongType, "write a JSON number"}
	}
	if hasPower {
		const far = 1_000_000
		if !isDigits(strings.TrimPrefix(strings.TrimPrefix(power, "+"), "-")) {
			return "", 0, &scalarError{CodeWrongType, "write a JSON number"}
		}
		exp, err = strconv.Atoi(power)
		switch {
		case err != nil && power[0] == '-', exp < -far:
			exp = -far
		case err != nil, exp > far:
			exp = far
		}
	}
	digits = strings.TrimLeft(whole+fraction, "0")
	exp -= len(fraction)
	short := strings.TrimRight(digits, "0")
	exp += len(digits) - len(short)
	if short == "" {
		return "", 0, nil
	}
	if negative {
		short = "-" + short
	}
	return short, exp, nil
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// Decimal is the exact value.
func (n Number) Decimal() decimal.Decimal { return decimal.New(int64(n), -6) }

// Float is the nearest float64, for statistics only.
func (n Number) Float() float64 { return float64(n) / numberScale }

// UnmarshalJSONFrom accepts a JSON number only.
func (n *Number) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if raw.Kind() != '0' {
		return &scalarError{CodeWrongType, "write a JSON number"}
	}
	v, err := ParseNumber(string(raw))
	if err != nil {
		return err
	}
	*n = v
	return nil
}

// MarshalJSONTo writes the shortest exact JSON number.
func (n Number) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(n.append(make([]byte, 0, 24)))
}

// String is the shortest exact decimal form: "1.5".
func (n Number) String() string { return string(n.append(nil)) }

// MarshalJSON is for encoding/json, which would otherwise write the millionths.
func (n Number) MarshalJSON() ([]byte, error) { return n.append(nil), nil }

// UnmarshalJSON is for encoding/json.
func (n *Number) UnmarshalJSON(b []byte) error {
	v, err := ParseNumber(string(b))
	if err != nil {
		return err
	}
	*n = v
	return nil
}

func (n Number) append(b []byte) []byte {
	if n < 0 {
		b = append(b, '-')
	}
	u := uint64(max(n, -n))
	b = strconv.AppendUint(b, u/numberScale, 10)
	fraction := u % numberScale
	if fraction == 0 {
		return b
	}
	b = append(b, '.')
	for scale := uint64(numberScale / 10); fraction > 0; scale /= 10 {
		b = append(b, byte('0'+fraction/scale))
		fraction %= scale
	}
	return b
}

// Time is an instant, UTC, milliseconds. On the wire it is RFC 3339 with any offset.
type Time struct{ time.Time }

// TimeForm is how instants are written on our side of the collector.
const TimeForm = "2006-01-02T15:04:05.000Z"

// TimePattern is the form of a [Time] on the wire: RFC 3339 with capital T and Z, without leap seconds, of the years
// 1901 to 2200 as written. 1900 is left out because in an eastern zone it can be 1899 in UTC, before the first instant
// that the warehouse can hold.
const TimePattern = `^(190[1-9]|19[1-9][0-9]|2[01][0-9]{2}|2200)-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`

// ParseTime reads RFC 3339 and returns it in UTC, cut to milliseconds.
func ParseTime(s string) (Time, error) {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || !isStrictTime(s) {
		return Time{}, &scalarError{CodeBadValue, fmt.Sprintf("write a time as RFC 3339 with an offset, such as \"2026-11-01T09:30:00Z\"; got %s", quoteShort(s))}
	}
	if t.Year() < 1901 || t.Year() > 2200 {
		return Time{}, &scalarError{CodeOutOfRange, "the time must lie between the years 1901 and 2200"}
	}
	return Time{t.UTC().Truncate(time.Millisecond)}, nil
}

// isStrictTime refuses what time.Parse takes beyond RFC 3339: one-digit hours, a comma before the fraction, offsets of
// more than a day, fractions finer than nanoseconds. s has parsed already, so the separators stand where they must.
func isStrictTime(s string) bool {
	if len(s) < len("2006-01-02T15:04:05Z") || s[13] != ':' || s[19] == ',' {
		return false
	}
	clock, zone := s[:len(s)-1], "00:00"
	if s[len(s)-1] != 'Z' {
		clock, zone = s[:len(s)-len("+00:00")], s[len(s)-len("00:00"):]
	}
	return len(clock) <= len("2006-01-02T15:04:05.999999999") && zone[:2] <= "23" && zone[3:] <= "59"
}

// UnmarshalJSONFrom accepts an RFC 3339 string.
func (t *Time) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := readString(dec, "write a time as a string, such as \"2026-11-01T09:30:00Z\"")
	if err != nil {
		return err
	}
	v, err := ParseTime(s)
	if err != nil {
		return err
	}
	*t = v
	return nil
}

// MarshalJSONTo writes [TimeForm].
func (t Time) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.String(t.UTC().Format(TimeForm)))
}

// Day is a calendar day without a zone. On the wire it is "2026-11-01"; in the warehouse Date32.
type Day struct{ time.Time }

// DayOf is the UTC day of an instant.
func DayOf(t time.Time) Day {
	y, m, d := t.UTC().Date()
	return Day{time.Date(y, m, d, 0, 0, 0, 0, time.UTC)}
}

// DayPattern is the form of a [Day] on the wire.
const DayPattern = `^(19[0-9]{2}|2[01][0-9]{2}|2200)-[0-9]{2}-[0-9]{2}$`

// ParseDay reads YYYY-MM-DD.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 1900 || t.Year() > 2200 {
		return Day{}, &scalarError{CodeBadValue, fmt.Sprintf("write a day as YYYY-MM-DD between 1900 and 2200; got %s", quoteShort(s))}
	}
	return Day{t}, nil
}

// String is YYYY-MM-DD.
func (d Day) String() string { return d.Format(time.DateOnly) }

// MarshalJSON is for encoding/json, which would otherwise write an instant.
func (d Day) MarshalJSON() ([]byte, error) { return []byte(`"` + d.String() + `"`), nil }

// UnmarshalJSON is for encoding/json.
func (d *Day) UnmarshalJSON(b []byte) error {
	s, err := unquote(b)
	if err != nil {
		return err
	}
	*d, err = ParseDay(s)
	return err
}

// UnmarshalJSONFrom accepts a string YYYY-MM-DD.
func (d *Day) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	s, err := readString(dec, "write a day as a string, such as \"2026-11-01\"")
	if err != nil {
		return err
	}
	v, err := ParseDay(s)
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// MarshalJSONTo writes YYYY-MM-DD.
func (d Day) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteToken(jsontext.String(d.String()))
}

// scalarError is a value that does not have the form of its type.
type scalarError struct {
	code    Code
	message string
}

func (e *scalarError) Error() string { return e.message }

func readString(dec *jsontext.Decoder, want string) (string, error) {
	raw, err := dec.ReadValue()
	if err != nil {
		return "", err
	}
	if raw.Kind() != '"' {
		return "", &scalarError{CodeWrongType, want}
	}
	return unquote(raw)
}

// unquote reads a JSON string. Most have no escapes: the quotes are cut instead of decoding.
func unquote(raw jsontext.Value) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	s, err := jsontext.AppendUnquote(nil, raw)
	return string(s), err
}

func quoteShort(s string) string {
	const most = 40
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strconv.Quote(s)
}
