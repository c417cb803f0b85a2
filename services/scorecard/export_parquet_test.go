package scorecard

import (
	"bytes"
	"encoding/csv"
	"math/big"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"plumbline/pkg/registry"
)

// cells are the rows of a Parquet file as text, as a CSV has them: empty where they are null.
func cells(t *testing.T, raw []byte) (file *parquet.File, rows [][]string) {
	t.Helper()
	file, err := parquet.OpenFile(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		t.Fatal(err)
	}
	var header []string
	for _, c := range file.Root().Columns() {
		header = append(header, c.Name())
	}
	rows = append(rows, header)
	for _, group := range file.RowGroups() {
		reader := group.Rows()
		buffer := make([]parquet.Row, group.NumRows())
		n, _ := reader.ReadRows(buffer)
		for _, row := range buffer[:n] {
			line := make([]string, len(header))
			for _, v := range row {
				line[v.Column()] = cellOf(v)
			}
			rows = append(rows, line)
		}
		if err := reader.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return file, rows
}

func cellOf(v parquet.Value) string {
	switch {
	case v.IsNull():
		return ""
	case v.Kind() == parquet.FixedLenByteArray:
		n := new(big.Int).SetBytes(v.ByteArray())
		if n.Bit(8*decimalBytes-1) == 1 {
			n.Sub(n, new(big.Int).Lsh(big.NewInt(1), 8*decimalBytes))
		}
		return decimal.NewFromBigInt(n, -decimalScale).String()
	case v.Kind() == parquet.Double:
		return strconv.FormatFloat(v.Double(), 'g', -1, 64)
	}
	return v.String()
}

// Every table as Parquet has the rows of the CSV, to the last decimal that there is room for.
func TestExportAsParquet(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	organisation(b)
	rated(b)
	b.declare(registry.Teams, "=evil", `{"valid_from":"2026-01-01"}`)
	b.insert(charge(b, "ai", "2026-10-01T12:00", "=evil", "", "ai_tool", "200.123456789"), charge(b, "credit", "2026-10-02T12:00", "web", "", "ai_tool", "-0.000000000000000001"))
	for _, table := range exportTables() {
		_, text := b.do("GET", "/api/v1/export"+october+"&table="+table, "")
		reader := csv.NewReader(bytes.NewReader(text))
		reader.Comment = '#'
		want, err := reader.ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		res, raw := b.do("GET", "/api/v1/export"+october+"&format=parquet&table="+table, "")
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "application/vnd.apache.parquet" || !strings.HasSuffix(res.Header.Get("Content-Disposition"), `.parquet"`) {
			t.Fatalf("%s: %d %v", table, res.StatusCode, res.Header)
		}
		file, got := cells(t, raw)
		if of, _ := file.Lookup("plumbline.from"); of != "2026-10-01" {
			t.Errorf("%s: the metadata say from %q", table, of)
		}
		if len(got) != len(want) || !slices.Equal(got[0], want[0]) {
			t.Fatalf("%s has %d rows of %v, the CSV %d of %v", table, len(got), got[0], len(want), want[0])
		}
		for i := range got[1:] {
			for j, column := range got[0] {
				if g, w := got[i+1][j], want[i+1][j]; !sameCell(column, g, w) {
					t.Errorf("%s, row %d: %s is %q, in the CSV %q", table, i+1, column, g, w)
				}
			}
		}
	}
}

// sameCell compares numbers as numbers: a CSV for a spreadsheet guards texts that it might take for formulas, and decimals are cut
// to what Parquet has room for.
func sameCell(column, parquet, text string) bool {
	switch {
	case parquet == "" || text == "":
		return parquet == text
	case exactColumns[column]:
		return decimal.RequireFromString(parquet).Equal(decimal.RequireFromString(text).RoundBank(decimalScale))
	case floatColumns[column]:
		p, _ := strconv.ParseFloat(parquet, 64)
		c, _ := strconv.ParseFloat(text, 64)
		return p == c
	}
	return parquet == text || "'"+parquet == text
}

// A decimal comes back as it went in, and one without room is refused.
func TestDecimalsOfParquet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`-?(0|[1-9][0-9]{0,19})(\.[0-9]{1,18})?`).Draw(t, "decimal")
		d := decimal.RequireFromString(digits)
		v, err := decimalValue(d)
		if err != nil {
			t.Fatal(err)
		}
		if got := decimal.RequireFromString(cellOf(v)); !got.Equal(d) {
			t.Fatalf("%s became %s", d, got)
		}
	})
	if _, err := decimalValue(decimal.New(1, decimalDigits-decimalScale)); err == nil {
		t.Error("a number with 21 digits before the point was taken")
	}
	// Half to even: the 19th digit of the first is behind an even one.
	for text, want := range map[string]string{"0.0000000000000000005": "0", "0.0000000000000000015": "0.000000000000000002", "-0.00000000000000000051": "-0.000000000000000001"} {
		v, err := decimalValue(decimal.RequireFromString(text))
		if err != nil || cellOf(v) != want {
			t.Errorf("%s became %s, want %s (%v)", text, cellOf(v), want, err)
		}
	}
}
