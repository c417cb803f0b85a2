package event_test

import (
	"math/big"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/event"
)

// wireMessage is a message as it stands on the topic.
type wireMessage struct {
	key     []byte
	headers []event.Header
	value   []byte
}

// messages are the valid examples of all kinds as a collector writes them.
func messages(t testing.TB) []wireMessage {
	var out []wireMessage
	for _, e := range examples(t) {
		if e.valid {
			s := seal(t, string(e.raw))
			s.Receive = "01932a3e-0000-7000-8000-000000000000"
			key, headers, value := s.Message()
			out = append(out, wireMessage{key, headers, value})
		}
	}
	return out
}

func (m wireMessage) clone() wireMessage {
	headers := slices.Clone(m.headers)
	for i := range headers {
		headers[i].Value = slices.Clone(headers[i].Value)
	}
	return wireMessage{slices.Clone(m.key), headers, slices.Clone(m.value)}
}

// sameAsFromMessage fails where the decoder says anything else than [event.FromMessage].
func sameAsFromMessage(t rapid.TB, d *event.Decoder, m wireMessage) {
	t.Helper()
	receipt, appended := event.Receipt{Partition: 3, Offset: 17}, time.Date(2026, 11, 15, 12, 0, 0, 123_456_789, time.UTC)
	want, wantErr := event.FromMessage(receipt.Partition, receipt.Offset, appended, m.key, m.headers, m.value)
	in := event.Incoming{Receipt: receipt, Appended: appended, Key: string(m.key), Value: string(m.value)}
	for _, h := range m.headers {
		in.Headers = append(in.Headers, event.TextHeader{Key: h.Key, Value: string(h.Value)})
	}
	var got event.Stored
	err := d.Decode(&in, &got)
	if !reflect.DeepEqual(err, wantErr) {
		t.Fatalf("%q\n%s: error %v, want %v", m.headers, m.value, err, wantErr)
	}
	if err == nil {
		if a, b := columnsOf(got.Data), columnsOf(want.Data); !reflect.DeepEqual(a, b) {
			t.Fatalf("%s: data\n%v, want\n%v", m.value, a, b)
		}
	}
	got.Data, want.Data = nil, nil
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: decoded\n%+v, want\n%+v", m.headers, got, want)
	}
}

func TestDecoderDecodesTheExamples(t *testing.T) {
	d := event.NewDecoder()
	for _, m := range messages(t) {
		sameAsFromMessage(t, d, m)
	}
}

// Whatever is done to a message, the decoder agrees with the way by the tags: about the result and about what is wrong.
func TestDecoderAgreesOnDamagedMessages(t *testing.T) {
	all := messages(t)
	bits := []string{`"`, `\`, `\u0061`, "{", "}", ",", ":", "[", "null", "true", "-", ".", "0", "1e3", " ", "\n", "\xff", "ä", "\x7f", `"x":1,`}
	texts := []string{
		"", "1.0", "2026-02-29T00:00:00.000Z", "2026-11-01T09:30:00Z", "2026-11-01T24:30:00.000Z", "1900-01-01T00:00:00.000Z",
		"2201-01-01T00:00:00.000Z", "2024-02-29T23:59:59.999Z", "plumbline.correct.v1", "plumbline.void.v1", "plumbline.pulse.v1", "x",
	}
	rapid.Check(t, func(rt *rapid.T) {
		d := event.NewDecoder()
		m := all[rapid.IntRange(0, len(all)-1).Draw(rt, "message")].clone()
		for range rapid.IntRange(1, 3).Draw(rt, "changes") {
			switch rapid.IntRange(0, 5).Draw(rt, "change") {
			case 0: // another text in the value
				at := rapid.IntRange(0, len(m.value)).Draw(rt, "at")
				m.value = slices.Insert(m.value, at, []byte(rapid.SampledFrom(bits).Draw(rt, "bit"))...)
			case 1: // bytes cut out of the value
				from := rapid.IntRange(0, len(m.value)).Draw(rt, "from")
				to := min(len(m.value), from+rapid.IntRange(0, 20).Draw(rt, "length"))
				m.value = slices.Delete(m.value, from, to)
			case 2: // a header with another value
				if len(m.headers) > 0 {
					i := rapid.IntRange(0, len(m.headers)-1).Draw(rt, "header")
					m.headers[i].Value = []byte(rapid.SampledFrom(texts).Draw(rt, "text"))
				}
			case 3: // a header less
				if len(m.headers) > 0 {
					i := rapid.IntRange(0, len(m.headers)-1).Draw(rt, "header")
					m.headers = slices.Delete(m.headers, i, i+1)
				}
			case 4: // a header more
				name := rapid.SampledFrom([]string{"ce_x", "x", event.HeaderTime, event.HeaderSource, event.HeaderID, event.HeaderType}).Draw(rt, "name")
				m.headers = append(m.headers, event.Header{Key: name, Value: []byte(rapid.SampledFrom(texts).Draw(rt, "text"))})
			case 5: // the data of another message
				m.value = slices.Clone(all[rapid.IntRange(0, len(all)-1).Draw(rt, "other")].value)
			}
		}
		sameAsFromMessage(rt, d, m)
		sameAsFromMessage(rt, d, m) // what it has kept changes nothing
	})
}

func FuzzDecoder(f *testing.F) {
	all := messages(f)
	for i, m := range all {
		f.Add(i, m.value, "2026-11-01T09:30:00.000Z")
	}
	f.Fuzz(func(t *testing.T, i int, value []byte, at string) {
		m := all[uint(i)%uint(len(all))].clone()
		m.value = value
		for j := range m.headers {
			if m.headers[j].Key == event.HeaderTime {
				m.headers[j].Value = []byte(at)
			}
		}
		sameAsFromMessage(t, event.NewDecoder(), m)
	})
}

// Every cell of the vectors is the value of its column.
func TestVectorsHaveTheValuesOfTheColumns(t *testing.T) {
	byKind := map[event.Kind][]event.Data{}
	for _, e := range examples(t) {
		if e.valid {
			s := seal(t, string(e.raw))
			byKind[s.Kind] = append(byKind[s.Kind], s.Event.Data)
		}
	}
	for _, spec := range event.Catalogue() {
		d := spec.New()
		d.Normalise()
		byKind[spec.Kind] = append(byKind[spec.Kind], d)
	}
	for kind, rows := range byKind {
		columns := event.Columns(kind)
		v := event.NewVectors(columns, 0)
		for _, d := range rows {
			if err := v.Append(d); err != nil {
				t.Fatal(err)
			}
		}
		for i, c := range columns {
			for row, d := range rows {
				want, got := plain(c.Value(d)), cell(&v.Columns[i], row)
				if want == (time.Time{}) {
					want = time.Unix(0, 0).UTC() // a required time that is missing, which no collector lets pass
				}
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s.%s: %#v, want %#v", kind, c.Name, got, want)
				}
			}
		}
	}
}

// cell is a cell of a vector in the form of [event.Column.Value].
func cell(v *event.Vector, row int) any {
	if v.Nullable && v.Absent[row] == 1 {
		return nil
	}
	base := v.Type
	if v.Nullable {
		base = base[len("Nullable(") : len(base)-1]
	}
	switch base {
	case "String", "LowCardinality(String)":
		return v.Texts[row]
	case "Bool":
		return v.Ints[row] == 1
	case "UInt8":
		return uint8(v.Ints[row])
	case "UInt16":
		return uint16(v.Ints[row])
	case "UInt64":
		return uint64(v.Ints[row])
	case "Decimal(18, 6)":
		return decimal.New(v.Ints[row], -6).String()
	case "DateTime64(3, 'UTC')":
		return time.UnixMilli(v.Ints[row]).UTC()
	case "Date32":
		return time.Unix(v.Ints[row]*86400, 0).UTC()
	case "Decimal(38, 18)":
		n := new(big.Int).Lsh(big.NewInt(v.Decimals[row].High), 64)
		return decimal.NewFromBigInt(n.Add(n, new(big.Int).SetUint64(v.Decimals[row].Low)), -18).String()
	}
	return nil
}

// Decimals of every size keep their value: 12.5 is 12,500,000,000,000,000,000 units of 10^-18.
func TestVectorsKeepDecimals(t *testing.T) {
	columns := event.Columns(event.KindVendorSpend)
	i := slices.IndexFunc(columns, func(c event.Column) bool { return c.Name == "billed_cost" })
	check := func(t rapid.TB, text string) {
		d, err := event.ParseDecimal(text)
		if err != nil {
			t.Fatal(err)
		}
		v := event.NewVectors(columns, 1)
		if err := v.Append(&event.VendorSpend{BilledCost: d}); err != nil {
			t.Fatal(err)
		}
		if got := cell(&v.Columns[i], 0); got != d.String() {
			t.Fatalf("%s came out as %v", text, got)
		}
	}
	for _, text := range []string{"12.5", "-12.5", "0", "-0.000000000000000001", "99999999999999999999.999999999999999999", "-99999999999999999999.999999999999999999"} {
		check(t, text)
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt, rapid.StringMatching(event.DecimalPattern).Draw(rt, "decimal"))
	})
}

// BenchmarkDecode decodes the example of hours saved; the first way is that of the loader.
func BenchmarkDecode(b *testing.B) {
	m := messages(b)[0]
	for _, candidate := range messages(b) {
		if string(candidate.headers[3].Value) == event.KindHoursSaved.Type() && len(candidate.value) > len(m.value) {
			m = candidate
		}
	}
	in := event.Incoming{Appended: clock(), Key: string(m.key), Value: string(m.value)}
	for _, h := range m.headers {
		in.Headers = append(in.Headers, event.TextHeader{Key: h.Key, Value: string(h.Value)})
	}
	d, out := event.NewDecoder(), event.Stored{}
	b.Run("decoder", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := d.Decode(&in, &out); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("vectors", func(b *testing.B) {
		v := event.NewVectors(event.Columns(event.KindHoursSaved), 1<<20)
		b.ReportAllocs()
		for b.Loop() {
			if len(v.Columns[0].Texts) == 1<<20 {
				v = event.NewVectors(event.Columns(event.KindHoursSaved), 1<<20)
			}
			if err := v.Append(out.Data); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("by the tags", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := event.FromMessage(0, 0, clock(), m.key, m.headers, m.value); err != nil {
				b.Fatal(err)
			}
		}
	})
}
