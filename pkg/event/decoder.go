package event

import (
	"strings"
	"time"
	"unsafe"

	"github.com/shopspring/decimal"
)

// TextHeader is one header of a message whose bytes nobody changes any more.
type TextHeader struct{ Key, Value string }

// Incoming is a message of our topic as a reader has got it. What is decoded of it shares its memory.
type Incoming struct {
	Receipt Receipt
	// Appended is the broker's time of the message.
	Appended   time.Time
	Key, Value string
	Headers    []TextHeader
}

// Decoder does what [FromMessage] does, with the same results, for many messages one after another. Nearly all of them
// were written by a collector of this version: canonical data, times of one form, few sources. Such a message is read in
// one pass, without a search for names and nearly without an allocation; any other is left to FromMessage. A Decoder is
// for one goroutine, and lives as long as a chunk.
type Decoder struct {
	kinds []decodedKind
	// texts are values that many messages share, kept once, so that they do not keep the messages.
	texts map[string]string

	hours   slab[HoursSaved]
	numbers slab[Number]
	smalls  slab[uint8]
	bools   slab[bool]
}

// decodedKind is a kind that the decoder has met.
type decodedKind struct {
	typ  string
	spec Spec
	plan *plan
}

// NewDecoder makes a decoder.
func NewDecoder() *Decoder { return &Decoder{texts: map[string]string{}} }

// Decode reads a message into out. The error is that of [FromMessage]; out is then the zero value.
func (d *Decoder) Decode(m *Incoming, out *Stored) (err error) {
	*out = Stored{Receipt: m.Receipt, ReceivedAt: m.Appended.UTC().Truncate(time.Millisecond)}
	if d.envelope(m, out) {
		return nil
	}
	headers := make([]Header, len(m.Headers))
	for i, h := range m.Headers {
		headers[i] = Header{h.Key, []byte(h.Value)}
	}
	*out, err = FromMessage(m.Receipt.Partition, m.Receipt.Offset, m.Appended, []byte(m.Key), headers, []byte(m.Value))
	return err
}

// envelope reads the headers and the data; false where it is not sure of something.
func (d *Decoder) envelope(m *Incoming, out *Stored) bool {
	var kind *decodedKind
	version, payload := "", false
	for i := range m.Headers {
		h := &m.Headers[i]
		switch h.Key {
		case HeaderVersion:
			version = h.Value
		case HeaderID:
			out.ID = h.Value
		case HeaderSource:
			out.Source = d.shared(h.Value)
		case HeaderType:
			if kind = d.kindOf(h.Value); kind == nil {
				return false
			}
		case HeaderTime:
			ms, ok := scanTime(h.Value)
			if !ok {
				return false
			}
			out.Time = time.UnixMilli(ms).UTC()
		case HeaderSubject:
			out.Subject = h.Value
		case HeaderSchema:
			out.DataSchema = d.shared(h.Value)
		case HeaderWorkspace:
			out.Workspace = d.shared(h.Value)
		case HeaderPayload:
			if len(h.Value) != len(out.Payload) {
				return false
			}
			copy(out.Payload[:], h.Value)
			payload = true
		default:
			if strings.HasPrefix(h.Key, attributePrefix) {
				return false // an extension
			}
		}
	}
	if version != specVersion || out.ID == "" || out.Source == "" || out.Workspace == "" || kind == nil || out.Time.IsZero() || !payload {
		return false
	}
	out.Identity = IdentityOf(out.Workspace, out.Source, out.ID)
	if m.Key != string(out.Identity[:]) {
		return false
	}
	out.Kind = kind.spec.Kind
	return d.data(kind, m.Value, out)
}

// mostShared bounds what the decoder keeps of its own.
const mostShared = 4096

// shared is one copy of a text for all messages that have it.
func (d *Decoder) shared(s string) string {
	if kept, ok := d.texts[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	if len(d.texts) < mostShared {
		d.texts[s] = s
	}
	return s
}

// kindOf finds the kind of a type; nil where it is none of ours, or its data is read by the tags only.
func (d *Decoder) kindOf(typ string) *decodedKind {
	for i := range d.kinds {
		if d.kinds[i].typ == typ {
			return &d.kinds[i]
		}
	}
	k, ok := KindOfType(typ)
	plan := compiled().kinds[k]
	if !ok || plan == nil {
		return nil
	}
	spec, _ := Lookup(k)
	d.kinds = append(d.kinds, decodedKind{k.Type(), spec, plan})
	return &d.kinds[len(d.kinds)-1]
}

func (d *Decoder) data(kind *decodedKind, value string, out *Stored) bool {
	if kind.spec.Kind == KindHoursSaved {
		out.Data = d.hours.put(HoursSaved{})
	} else {
		out.Data = kind.spec.New()
	}
	if !d.object(kind.plan, baseOf(out.Data), value) {
		return false
	}
	out.Data.Normalise()
	return true
}

// object reads canonical JSON: names in the order of the plan, no white space, nothing twice.
func (d *Decoder) object(plan *plan, base unsafe.Pointer, value string) bool {
	c := cursor{s: value}
	if !strings.HasPrefix(value, "{") {
		return false
	}
	c.at = 1
	for i := range plan.slots {
		s := &plan.slots[i]
		if !strings.HasPrefix(c.s[c.at:], s.key) {
			continue
		}
		c.at += len(s.key)
		if !d.field(s, base, &c) || c.at == len(c.s) {
			return false
		}
		switch c.s[c.at] {
		case ',':
			c.at++
		case '}':
			return c.at+1 == len(c.s)
		default:
			return false
		}
	}
	return false
}

func (d *Decoder) field(s *slot, base unsafe.Pointer, c *cursor) bool {
	switch s.form {
	case formText:
		v, ok := c.text()
		*at[string](base, s.offset) = v
		return ok
	case formNumber:
		n, ok := c.number(6)
		return ok && keep(s, base, Number(n), &d.numbers)
	case formBool:
		v, ok := c.boolean()
		return ok && keep(s, base, v, &d.bools)
	case formUint8:
		n, ok := c.number(0)
		return ok && n <= 255 && keep(s, base, uint8(n), &d.smalls)
	case formUint16:
		n, ok := c.number(0)
		return ok && n <= 65535 && put(s, base, uint16(n))
	case formUint64:
		n, ok := c.number(0)
		return ok && put(s, base, uint64(n))
	case formTouches:
		return false
	}
	v, ok := c.text()
	return ok && scanScalar(s, base, v)
}

// scanScalar is quickScalar with quicker ways for the usual forms.
func scanScalar(s *slot, base unsafe.Pointer, v string) bool {
	switch s.form {
	case formTime:
		if ms, ok := scanTime(v); ok {
			return put(s, base, Time{time.UnixMilli(ms).UTC()})
		}
	case formDecimal:
		if d, ok := scanDecimal(v); ok {
			return put(s, base, Decimal{d})
		}
	}
	return quickScalar(s, base, v)
}

// keep is put with memory for many values at once.
func keep[T any](s *slot, base unsafe.Pointer, v T, all *slab[T]) bool {
	if s.pointer {
		*at[*T](base, s.offset) = all.put(v)
	} else {
		*at[T](base, s.offset) = v
	}
	return true
}

// slab hands out memory for many values that come and go together.
type slab[T any] []T

// slabSize is how many values are allocated at once.
const slabSize = 256

func (s *slab[T]) put(v T) *T {
	if len(*s) == cap(*s) {
		*s = make([]T, 0, slabSize)
	}
	*s = append(*s, v)
	return &(*s)[len(*s)-1]
}

// scanTime reads [TimeForm] as milliseconds since 1970; ok is false for any other form, and for no time of ours.
func scanTime(s string) (ms int64, ok bool) {
	if len(s) != len(TimeForm) || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' || s[19] != '.' || s[23] != 'Z' {
		return 0, false
	}
	year, month, day := digits(s[0:4]), digits(s[5:7]), digits(s[8:10])
	hour, minute, second, milli := digits(s[11:13]), digits(s[14:16]), digits(s[17:19]), digits(s[20:23])
	if year < 1901 || year > 2200 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) {
		return 0, false
	}
	if hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 || milli < 0 {
		return 0, false
	}
	clock := int64(hour*3600+minute*60+second)*1000 + int64(milli)
	return daysSince1970(year, month, day)*86_400_000 + clock, true
}

// digits is the number that s writes, far below zero where it is none.
func digits(s string) (n int) {
	for i := range len(s) {
		if !isDigit(s[i]) {
			return -1 << 30
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts in years that begin in March, so that the leap day is their last; 719,468 days lie between
// 0000-03-01 and 1970-01-01.
func daysSince1970(year, month, day int) int64 {
	month -= 3
	if month < 0 {
		month += 12
		year--
	}
	era := year / 400
	ofEra := year - era*400
	ofYear := (153*month+2)/5 + day - 1
	return int64(era)*146_097 + int64(ofEra*365+ofEra/4-ofEra/100+ofYear) - 719_468
}

// scanDecimal reads the wire form of a [Decimal] of at most 18 digits.
func scanDecimal(s string) (decimal.Decimal, bool) {
	unsigned, negative := strings.CutPrefix(s, "-")
	if len(unsigned) == 0 || len(unsigned) > 19 || len(unsigned) > 1 && unsigned[0] == '0' && unsigned[1] != '.' {
		return decimal.Decimal{}, false
	}
	n, count, point := int64(0), 0, -1
	for i := range len(unsigned) {
		switch b := unsigned[i]; {
		case isDigit(b):
			n = n*10 + int64(b-'0')
			count++
		case b == '.' && point < 0 && i > 0 && i < len(unsigned)-1:
			point = i
		default:
			return decimal.Decimal{}, false
		}
	}
	if count > 18 {
		return decimal.Decimal{}, false
	}
	exp := 0
	if point >= 0 {
		exp = point + 1 - len(unsigned)
	}
	if negative {
		n = -n
	}
	return decimal.New(n, int32(exp)), true
}
