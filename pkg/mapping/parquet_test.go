package mapping_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"plumbline/pkg/mapping"
)

// charge is a row with every form that a column of Parquet may have.
type charge struct {
	ID       string            `parquet:"id,dict"`
	At       time.Time         `parquet:"at,timestamp(microsecond)"`
	Local    int64             `parquet:"local,timestamp(millisecond:local)"`
	Day      int32             `parquet:"day,date"`
	Cost     int64             `parquet:"cost,decimal(11:18)"`
	Small    int32             `parquet:"small,decimal(2:9)"`
	Ratio    float64           `parquet:"ratio"`
	Count    int64             `parquet:"count"`
	Done     bool              `parquet:"done"`
	Unit     *string           `parquet:"unit,optional"`
	Tags     map[string]string `parquet:"tags"`
	Params   []param           `parquet:"params"`
	List     []string          `parquet:"list,list"`
	Resource struct {
		Name  string `parquet:"name"`
		Inner struct {
			N int64 `parquet:"n"`
		} `parquet:"inner"`
	} `parquet:"resource"`
}

type param struct {
	Key   string `parquet:"key"`
	Value struct {
		Text   *string  `parquet:"string_value,optional"`
		Number *float64 `parquet:"double_value,optional"`
	} `parquet:"value"`
}

func charges(n int) []charge {
	out := make([]charge, n)
	for i := range out {
		c := &out[i]
		c.ID = strings.Repeat("x", i%3) + string(rune('a'+i%26))
		c.At = time.Date(2026, 11, 1, 0, 0, i, 5_000, time.UTC)
		c.Local = time.Date(2026, 11, 1, 9, 30, 0, 0, time.UTC).UnixMilli()
		c.Day = 20_000 // days from 1970: 2024-10-04
		c.Cost, c.Small = int64(i)*10-5, int32(-i)
		c.Ratio, c.Count, c.Done = 0.1*float64(i), int64(i), i%2 == 0
		if i%2 == 0 {
			c.Unit = new("GB")
			c.Tags = map[string]string{"team": "brand", "aws:createdBy": "ann"}
			c.List = []string{"p", "q"}
			p := param{Key: "page"}
			p.Value.Text = new("/home")
			q := param{Key: "score"}
			q.Value.Number = new(2.5)
			c.Params = []param{p, q}
		}
		c.Resource.Name, c.Resource.Inner.N = "vm", int64(i)
	}
	return out
}

func writeParquet[T any](t testing.TB, rows []T, options ...parquet.WriterOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b, options...)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const parquetMapping = `
source: s
input: {format: csv}
events:
  - kind: vendor_spend
    id: "{id}-{row}"
    subject: "{tags.aws:createdBy}"
    time: {column: at}
    fields:
      billed_cost: {column: cost}
      effective_cost: {column: small}
      quantity: {column: ratio}
      unit: {column: unit}
      invoice_date: {column: day}
      charge_period_start: {column: local, zone: Europe/Berlin}
      final: {column: done}
      team: {column: tags.team}
      workflow: {column: params.page}
      tool: {column: params.score}
      vendor: {column: resource.name}
      invoice_id: {column: resource.inner.n}
      url: {column: list}
`

func readAll(t *testing.T, m *mapping.Mapping, file []byte) (out []mapping.Row, err error) {
	t.Helper()
	in, err := m.Open(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, row)
	}
}

// Every type reads as what the file holds: decimals with all their digits, times with their zone, and what is nested by name.
func TestParquetTypes(t *testing.T) {
	m := parse(t, parquetMapping)
	for name, options := range map[string][]parquet.WriterOption{
		"plain":        nil,
		"snappy":       {parquet.Compression(&parquet.Snappy)},
		"zstd, v2":     {parquet.Compression(&parquet.Zstd), parquet.DataPageVersion(2)},
		"gzip, v1":     {parquet.Compression(&parquet.Gzip), parquet.DataPageVersion(1)},
		"small pages":  {parquet.PageBufferSize(64), parquet.MaxRowsPerRowGroup(7)},
		"snappy pages": {parquet.Compression(&parquet.Snappy), parquet.PageBufferSize(100), parquet.DataPageVersion(1)},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readAll(t, m, writeParquet(t, charges(50), options...))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 50 || len(got[4].Events) != 1 || len(got[3].Events) != 1 {
				t.Fatalf("%d rows, %+v", len(got), got)
			}
			// 4 × 10 − 5 = 35 at 11 places; −4 at 2; 0.1 × 4; 09:30 in Berlin is 08:30 in November.
			e := got[4].Events[0]
			want := `{"billed_cost":"0.00000000035","charge_period_start":"2026-11-01T08:30:00.000Z","effective_cost":"-0.04","final":true,"invoice_date":"2024-10-04",` +
				`"invoice_id":"4","quantity":"0.4","team":"brand","tool":"2.5","unit":"GB","url":"[\"p\",\"q\"]","vendor":"vm","workflow":"/home"}`
			if string(e.Data) != want || e.ID != "xe-5" || e.Subject != "ann" || e.Time.Format(time.RFC3339Nano) != "2026-11-01T00:00:04Z" || got[4].Line != 5 {
				t.Errorf("%s %s %s %s line %d, want\n%s", e.ID, e.Subject, e.Time, e.Data, got[4].Line, want)
			}
			// 3 × 10 − 5 = 25; what is null or empty is absent, and 0.1 × 3 is the number that the file holds.
			want = `{"billed_cost":"0.00000000025","charge_period_start":"2026-11-01T08:30:00.000Z","effective_cost":"-0.03","final":false,"invoice_date":"2024-10-04",` +
				`"invoice_id":"3","quantity":"0.30000000000000004","url":"[]","vendor":"vm"}`
			if e := got[3].Events[0]; string(e.Data) != want || e.Subject != "" {
				t.Errorf("%q %s, want\n%s", e.Subject, e.Data, want)
			}
		})
	}
}

// A decimal of sixteen bytes is exact, also below nothing.
func TestParquetLongDecimals(t *testing.T) {
	schema := parquet.NewSchema("t", parquet.Group{
		"at": parquet.String(), "id": parquet.String(), "v": parquet.Decimal(18, 38, parquet.FixedLenByteArrayType(16)), "vendor": parquet.String(),
	})
	// −1 and 2⁶⁴ × 10⁻¹⁸ = 18.446744073709551616, in two's complement.
	minus := bytes.Repeat([]byte{0xff}, 16)
	large := append(append(make([]byte, 7), 1), make([]byte, 8)...)
	var b bytes.Buffer
	w := parquet.NewWriter(&b, schema)
	for _, v := range [][]byte{minus, large} {
		if _, err := w.WriteRows([]parquet.Row{{
			parquet.ValueOf("2026-01-01").Level(0, 0, 0), parquet.ValueOf("1").Level(0, 0, 1),
			parquet.FixedLenByteArrayValue(v).Level(0, 0, 2), parquet.ValueOf("x").Level(0, 0, 3),
		}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := readAll(t, parse(t, head+"      billed_cost: {column: v}\n"), b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"-0.000000000000000001", "18.446744073709551616"} {
		if !strings.Contains(string(got[i].Events[0].Data), `"billed_cost":"`+want+`"`) {
			t.Errorf("row %d is %s, want %s", i+1, got[i].Events[0].Data, want)
		}
	}
}

// What is wrong with a file is said in a sentence, whatever it is.
func TestBrokenParquet(t *testing.T) {
	m := parse(t, parquetMapping)
	good := writeParquet(t, charges(50), parquet.Compression(&parquet.Snappy))
	huge := bytes.Clone(good)
	copy(huge[len(huge)-8:], "\xff\xff\xff\x7f")
	damaged := bytes.Clone(good)
	for i := 4; i < 400; i++ {
		damaged[i] ^= 0x5a
	}
	for name, c := range map[string]struct {
		m    *mapping.Mapping
		file []byte
		want string
	}{
		"cut off":        {m, good[:len(good)-100], "does not end as such: it was cut off"},
		"very short":     {m, good[:6], "no Parquet file that can be read"},
		"footer":         {m, huge, "would have 2147483647 bytes"},
		"pages":          {m, damaged, "Parquet file"},
		"packed":         {m, writeParquet(t, charges(5), parquet.Compression(compress.Codec(&parquet.Brotli))), "write the file with snappy, zstd or gzip"},
		"missing column": {parse(t, strings.Replace(parquetMapping, "column: cost", "column: price", 1)), good, `has no column "price"`},
		"events":         {parse(t, "input: {format: cloudevents}\n"), good, "this mapping takes CloudEvents"},
	} {
		_, err := readAll(t, c.m, c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := m.Open(io.LimitReader(bytes.NewReader(good), 1<<20)); err == nil || !strings.Contains(err.Error(), "read from its end") {
		t.Errorf("a stream: %v", err)
	}
	path := t.TempDir() + "/bill.parquet"
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if n, err := m.Check(f); err != nil || n != 50 {
		t.Errorf("a file: %d records, %v", n, err)
	}
}

// FuzzParquet: no bytes make the reader panic, hang or write anything but JSON; what the check passes, reading passes.
func FuzzParquet(f *testing.F) {
	for _, options := range [][]parquet.WriterOption{
		nil, {parquet.Compression(&parquet.Snappy)}, {parquet.Compression(&parquet.Zstd), parquet.DataPageVersion(1)}, {parquet.PageBufferSize(32)},
	} {
		f.Add(writeParquet(f, charges(9), options...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > 64<<10 {
			t.Skip("longer than what shows anything more")
		}
		drain(t, parse(t, parquetMapping), file)
	})
}
