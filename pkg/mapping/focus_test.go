package mapping_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// bill is a billing file: a header and its rows.
type bill struct {
	head []string
	rows [][]string
}

func (b *bill) at(name string) int { return slices.Index(b.head, name) }

// asVersion is the sample of FOCUS 1.0 as a provider would write it in a later version.
func (b *bill) asVersion(version string) *bill {
	out := &bill{head: slices.Clone(b.head)}
	for _, r := range b.rows {
		out.rows = append(out.rows, slices.Clone(r))
	}
	add := func(name string, value func(i int) string) {
		out.head = append(out.head, name)
		for i := range out.rows {
			out.rows[i] = append(out.rows[i], value(i))
		}
	}
	null := func(int) string { return "NULL" }
	if version >= "focus_1_1" {
		add("ServiceSubcategory", null)
		add("CapacityReservationId", null)
		add("SkuMeter", null)
	}
	if version >= "focus_1_2" {
		add("InvoiceId", func(i int) string { return fmt.Sprint("inv-", i%3) })
		add("PricingCurrency", func(int) string { return "EUR" })
	}
	if version >= "focus_1_3" {
		add("ServiceProviderName", func(i int) string { return b.rows[i][b.at("ProviderName")] })
		add("HostProviderName", func(i int) string { return b.rows[i][b.at("PublisherName")] })
	}
	if version >= "focus_1_4" {
		add("InvoiceDetailId", func(i int) string { return fmt.Sprint("line-", i%7) })
		out.drop("ProviderName")
		out.drop("PublisherName")
	}
	return out
}

func (b *bill) drop(name string) {
	i := b.at(name)
	b.head = slices.Delete(b.head, i, i+1)
	for r := range b.rows {
		b.rows[r] = slices.Delete(b.rows[r], i, i+1)
	}
}

func sample(t *testing.T) *bill {
	t.Helper()
	all, err := csv.NewReader(dataset(t, "focus_1_0_sample.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return &bill{all[0], all[1:]}
}

func (b *bill) csv(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.WriteAll(append([][]string{b.head}, b.rows...)); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// parquet is the same file in Parquet, with money as decimals of 38 digits, 18 of them behind the point, and times as timestamps.
func (b *bill) parquet(t *testing.T) []byte {
	t.Helper()
	group := parquet.Group{}
	names := slices.Sorted(slices.Values(b.head)) // as the writer orders them
	for _, name := range names {
		switch {
		case strings.HasSuffix(name, "Cost"):
			group[name] = parquet.Optional(parquet.Decimal(18, 38, parquet.FixedLenByteArrayType(16)))
		case strings.HasSuffix(name, "PeriodStart"), strings.HasSuffix(name, "PeriodEnd"):
			group[name] = parquet.Optional(parquet.Timestamp(parquet.Microsecond))
		default:
			group[name] = parquet.Optional(parquet.Encoded(parquet.String(), &parquet.RLEDictionary))
		}
	}
	var out bytes.Buffer
	w := parquet.NewWriter(&out, parquet.NewSchema("focus", group), parquet.Compression(&parquet.Snappy), parquet.MaxRowsPerRowGroup(333))
	for _, r := range b.rows {
		row := make(parquet.Row, len(names))
		for i, name := range names {
			row[i] = cellOf(t, name, r[b.at(name)]).Level(0, 1, i)
			if row[i].IsNull() {
				row[i] = row[i].Level(0, 0, i)
			}
		}
		if _, err := w.WriteRows([]parquet.Row{row}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func cellOf(t *testing.T, name, text string) parquet.Value {
	t.Helper()
	switch {
	case text == "NULL" || text == "":
		return parquet.NullValue()
	case strings.HasSuffix(name, "Cost"):
		n := decimal.RequireFromString(text).Shift(18).BigInt()
		raw := make([]byte, 16)
		if n.Sign() < 0 { // two's complement: 2¹²⁸ − |n|
			two := decimal.NewFromInt(2).Pow(decimal.NewFromInt(128)).BigInt()
			n = two.Add(two, n)
		}
		return parquet.FixedLenByteArrayValue(n.FillBytes(raw))
	case strings.HasSuffix(name, "PeriodStart"), strings.HasSuffix(name, "PeriodEnd"):
		at, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		return parquet.Int64Value(at.UnixMicro())
	}
	return parquet.ByteArrayValue([]byte(text))
}

// brute sums a column of the file by itself.
func (b *bill) brute(name string) decimal.Decimal {
	sum := decimal.Decimal{}
	for _, r := range b.rows {
		sum = sum.Add(decimal.RequireFromString(r[b.at(name)]))
	}
	return sum
}

// spent reads a file to the contract and gives its charges by id.
func spent(t *testing.T, m *mapping.Mapping, file []byte) (name string, charges map[string]*event.VendorSpend, skipped map[string]int) {
	t.Helper()
	in, err := m.Open(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	parser := event.NewParser(time.Now)
	charges, skipped = map[string]*event.VendorSpend{}, map[string]int{}
	for {
		row, err := in.Next()
		if errors.Is(err, io.EOF) {
			return in.Mapping().Name, charges, skipped
		}
		if err != nil || len(row.Problems) > 0 {
			t.Fatal(err, row.Problems)
		}
		for _, why := range row.Skipped {
			skipped[why]++
		}
		for _, e := range row.Events {
			raw, err := e.Structured()
			if err != nil {
				t.Fatal(err)
			}
			parsed, problems := parser.Structured(raw)
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			if charges[e.ID] != nil {
				t.Fatalf("the id %s is there twice", e.ID)
			}
			charges[e.ID] = parsed.Data.(*event.VendorSpend)
		}
	}
}

func total(charges map[string]*event.VendorSpend) decimal.Decimal {
	sum := decimal.Decimal{}
	for _, c := range charges {
		sum = sum.Add(c.BilledCost.Decimal)
	}
	return sum
}

// Every version, as CSV and as Parquet, with a column that names a charge and without: the file says which it is, money is that
// of the file to the last decimal, and a charge has the same name whatever its file is written in.
func TestFOCUSVersions(t *testing.T) {
	origin := sample(t)
	m, err := mapping.Load("focus", nil)
	if err != nil {
		t.Fatal(err)
	}
	var unnamed []string
	for _, version := range []string{"focus_1_0", "focus_1_1", "focus_1_2", "focus_1_3", "focus_1_4"} {
		for _, named := range []bool{true, false} {
			b := origin.asVersion(version)
			if !named {
				b.drop("Id")
			}
			want := b.brute("BilledCost")
			if want.String() != "20.52022672899" {
				t.Fatalf("the file has %s", want)
			}
			byName, err := mapping.Load(version, nil)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			if !named {
				// The charges of the sample have no capacity and no commitments: a later version names them as this one does.
				_, charges, _ := spent(t, m, b.csv(t))
				if all := slices.Sorted(maps.Keys(charges)); unnamed == nil {
					unnamed = all
				} else if !slices.Equal(unnamed, all) {
					t.Errorf("%s names charges differently", version)
				}
			}
			for format, file := range map[string][]byte{"CSV": b.csv(t), "Parquet": b.parquet(t)} {
				name, charges, _ := spent(t, m, file)
				if name != version || len(charges) != 1000 || !total(charges).Equal(want) {
					t.Errorf("%s as %s: read as %s, %d charges of %s", version, format, name, len(charges), total(charges))
				}
				effective := decimal.Decimal{}
				for _, c := range charges {
					effective = effective.Add(c.EffectiveCost.Decimal)
					if c.Currency != "USD" || c.Vendor == "" || (c.InvoiceID != "") != (version >= "focus_1_2") {
						t.Fatalf("%s: %+v", version, c)
					}
				}
				if !effective.Equal(b.brute("EffectiveCost")) {
					t.Errorf("%s as %s: effective cost %s, want %s", version, format, effective, b.brute("EffectiveCost"))
				}
				all := slices.Sorted(maps.Keys(charges))
				if ids != nil && !slices.Equal(ids, all) {
					t.Errorf("%s: CSV and Parquet name their charges differently", version)
				}
				ids = all
				if format != "CSV" || !named {
					continue // once shows it
				}
				if _, again, _ := spent(t, byName, file); !slices.Equal(ids, slices.Sorted(maps.Keys(again))) {
					t.Errorf("%s picked and named give other names", version)
				}
			}
		}
	}
}

const smallBill = `ProviderName,ServiceName,ServiceCategory,BillingAccountId,BillingCurrency,BilledCost,EffectiveCost,ChargePeriodStart,ChargePeriodEnd,BillingPeriodStart,ChargeCategory,ChargeClass,ChargeDescription,Tags
AWS,Amazon Bedrock,AI and Machine Learning,a,USD,10.000000000001,10,2026-09-01,2026-09-02,2026-09-01,Usage,,tokens,"{""team"":""Brand Studio"",""aws:createdBy"":""ann""}"
AWS,Amazon Bedrock,AI and Machine Learning,a,USD,-0.000000000001,0,2026-09-01,2026-09-02,2026-09-01,Credit,,promotion,"{""team"":""Brand Studio""}"
AWS,Amazon Bedrock,AI and Machine Learning,a,USD,-4.5,-4.5,2026-09-01,2026-09-02,2026-10-01,Usage,Correction,tokens,"{""team"":""Brand Studio""}"
AWS,Amazon EC2,Compute,a,USD,100,100,2026-09-01,2026-09-02,2026-09-01,Usage,,hours,"{""project"":""web.shop""}"
Getty,Images,Media,a,EUR,7,7,2026-09-01,2026-09-02,2026-09-01,Purchase,,images,
`

const filtered = `
extends: focus
rules:
  - when: [{column: Tags.project, is: [none]}]
    fields: {team: {value: never}}
  - when: [{column: ServiceName, like: ["Amazon Bed*", "*SageMaker*"]}]
    fields: {vendor: {value: Amazon}, category: {value: ai_tool}, team: {column: Tags.team, slug: true}}
  - when: [{column: ProviderName, is: [Getty]}]
    fields: {category: {value: stock}}
`

// Filters: the first rule that holds says vendor, category and team; what none names is not counted, and said. Corrections and
// credits keep their sign, and fall into the period that they correct.
func TestFOCUSFilters(t *testing.T) {
	_, charges, skipped := spent(t, parse(t, filtered), []byte(smallBill))
	if len(charges) != 4 || len(skipped) != 1 || skipped[mapping.NoRule] != 1 {
		t.Fatalf("%d charges, skipped %v", len(charges), skipped)
	}
	// 10.000000000001 − 0.000000000001 − 4.5 + 7
	if got := total(charges); got.String() != "12.5" {
		t.Errorf("counted %s", got)
	}
	corrections := 0
	for _, c := range charges {
		switch {
		case c.Currency == "EUR":
			if c.Vendor != "Getty" || c.Category != "stock" || c.Team != "" {
				t.Errorf("%+v", c)
			}
		case c.Vendor != "Amazon" || c.Category != "ai_tool" || c.Team != "brand-studio":
			t.Errorf("%+v", c)
		case c.ChargeClass == "Correction":
			corrections++
			if c.ChargePeriodStart.Format(time.DateOnly) != "2026-09-01" || c.BilledCost.String() != "-4.5" {
				t.Errorf("%+v", c)
			}
		}
	}
	if corrections != 1 {
		t.Errorf("%d corrections", corrections)
	}
}

// A file that comes again names the same charges alike, in whatever order, also when its money has changed or it was tagged.
func TestFOCUSComesAgain(t *testing.T) {
	m, err := mapping.Load("focus", nil)
	if err != nil {
		t.Fatal(err)
	}
	_, first, _ := spent(t, m, []byte(smallBill))
	lines := strings.Split(strings.TrimSpace(smallBill), "\n")
	slices.Reverse(lines[1:])
	again := strings.Replace(strings.Join(lines, "\n"), "USD,100,100", "USD,99.5,99.5", 1)
	again = strings.Replace(again, "web.shop", "web", 1)
	_, second, _ := spent(t, m, []byte(again))
	if !slices.Equal(slices.Sorted(maps.Keys(first)), slices.Sorted(maps.Keys(second))) {
		t.Fatalf("other names:\n%v\n%v", slices.Sorted(maps.Keys(first)), slices.Sorted(maps.Keys(second)))
	}
	changed := 0
	for id := range first {
		if !first[id].BilledCost.Equal(second[id].BilledCost.Decimal) {
			changed++
		}
	}
	if changed != 1 {
		t.Errorf("%d charges have changed, want 1", changed)
	}
}

// What a mapping of a family lacks, or lays over wrongly, is said.
func TestExtending(t *testing.T) {
	for text, want := range map[string]string{
		"extends: fokus\n": `no mapping "fokus"`,
		"extends: focus\nevents: [{kind: training}]\n":                                                         "leave out events and pick",
		"extends: focus\nrules: [{when: [{column: a}]}]\n":                                                     "rules[0]: when[0]: give a column and one of is, is_not, like, present",
		"extends: focus\nrules: [{fields: {vender: {value: x}}}]":                                              "rules[0]: vendor_spend has no field vender",
		"pick: [focus_1_0, ga4]\n":                                                                             "only mappings of files with a header can be picked",
		"source: s\nevents: [{kind: training, id: '{key}', time: {column: a}, fields: {course: {column: a}}}]": "{key} needs the columns that name a record",
	} {
		if _, err := mapping.Parse([]byte(text), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	m := parse(t, "extends: focus\n")
	_, err := m.Open(strings.NewReader("ServiceProviderName,BilledCost\n"))
	if err == nil || !strings.Contains(err.Error(), "reads as focus_1_3, but has no column \"BillingCurrency\"") {
		t.Errorf("missing columns: %v", err)
	}
	// A rule for a column that versions name differently.
	either := parse(t, "extends: focus\ninput: {optional: [ServiceProviderName, ProviderName]}\nrules: [{when: [{column: [ServiceProviderName, ProviderName], is: AWS}]}]\n")
	if _, charges, skipped := spent(t, either, []byte(smallBill)); len(charges) != 4 || skipped[mapping.NoRule] != 1 {
		t.Errorf("%d charges, skipped %v", len(charges), skipped)
	}
	set, err := mapping.Load("focus", map[string]string{"id_column": "x_Line"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := set.Open(strings.NewReader(smallBill)); err == nil || !strings.Contains(err.Error(), `no column "x_Line"`) {
		t.Errorf("a column that was named and is not there: %v", err)
	}
}
