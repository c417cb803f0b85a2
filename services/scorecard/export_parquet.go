package scorecard

import (
	"fmt"
	"io"
	"math/big"
	"reflect"
	"strconv"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/shopspring/decimal"
)

// The form of decimals in Parquet: as many digits as readers take, of which so many are behind the point. What has more is rounded there,
// half to even; a value that has too many before the point is an error and not another number.
const (
	decimalDigits = 38
	decimalScale  = 18
	decimalBytes  = 16
)

// exactColumns, floatColumns and countColumns are the columns of tables that are no texts.
var (
	exactColumns = names("value previous target benchmark risk_adjusted benefits costs net roi npv npv_year_end discount_rate amount")
	floatColumns = names("low high level probability_positive payback_days")
	countColumns = names("n people grade")
)

func names(list string) map[string]bool {
	out := map[string]bool{}
	for name := range strings.FieldsSeq(list) {
		out[name] = true
	}
	return out
}

// writeParquet writes the table, with what it is a table of in the metadata of the file. What is not known is null.
func (t exportTable) writeParquet(w io.Writer, about [][2]string) error {
	schema := t.schema()
	options := []parquet.WriterOption{schema, parquet.Compression(&parquet.Zstd)}
	for _, line := range about {
		options = append(options, parquet.KeyValueMetadata("plumbline."+line[0], line[1]))
	}
	out := parquet.NewGenericWriter[any](w, options...)
	rows := make([]parquet.Row, len(t.rows))
	for i, cells := range t.rows {
		for j, text := range cells {
			value, err := parquetValue(t.columns[j], text)
			if err != nil {
				return fmt.Errorf("row %d, column %s: %w", i+1, t.columns[j], err)
			}
			defined := 1
			if value.IsNull() {
				defined = 0
			}
			rows[i] = append(rows[i], value.Level(0, defined, j))
		}
	}
	if _, err := out.WriteRows(rows); err != nil {
		return fmt.Errorf("write parquet: %w", err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("end parquet: %w", err)
	}
	return nil
}

// schema has the columns in the order of the table: a group of the library would have them in that of their names.
func (t exportTable) schema() *parquet.Schema {
	fields := make([]reflect.StructField, len(t.columns))
	for i, name := range t.columns {
		kind, tag := reflect.TypeFor[string](), ""
		switch {
		case exactColumns[name]:
			kind, tag = reflect.TypeFor[[decimalBytes]byte](), fmt.Sprintf(",decimal(%d:%d)", decimalScale, decimalDigits)
		case floatColumns[name]:
			kind = reflect.TypeFor[float64]()
		case countColumns[name]:
			kind = reflect.TypeFor[int64]()
		}
		fields[i] = reflect.StructField{
			Name: "C" + strconv.Itoa(i), Type: kind, Tag: reflect.StructTag(fmt.Sprintf("parquet:%q", name+",optional"+tag)),
		}
	}
	return parquet.SchemaOf(reflect.New(reflect.StructOf(fields)).Interface())
}

func parquetValue(column, text string) (parquet.Value, error) {
	switch {
	case text == "":
		return parquet.NullValue(), nil
	case exactColumns[column]:
		d, err := decimal.NewFromString(text)
		if err != nil {
			return parquet.Value{}, fmt.Errorf("read decimal: %w", err)
		}
		return decimalValue(d)
	case floatColumns[column]:
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return parquet.Value{}, fmt.Errorf("read number: %w", err)
		}
		return parquet.DoubleValue(f), nil
	case countColumns[column]:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return parquet.Value{}, fmt.Errorf("read count: %w", err)
		}
		return parquet.Int64Value(n), nil
	}
	return parquet.ByteArrayValue([]byte(text)), nil
}

// decimalValue is the unscaled number in two's complement, the highest byte first, as the format wants it.
func decimalValue(d decimal.Decimal) (parquet.Value, error) {
	unscaled := d.RoundBank(decimalScale).Shift(decimalScale).BigInt()
	if len(new(big.Int).Abs(unscaled).String()) > decimalDigits {
		return parquet.Value{}, fmt.Errorf("%s has more than %d digits before the point", d, decimalDigits-decimalScale)
	}
	if unscaled.Sign() < 0 {
		unscaled.Add(unscaled, new(big.Int).Lsh(big.NewInt(1), 8*decimalBytes))
	}
	return parquet.FixedLenByteArrayValue(unscaled.FillBytes(make([]byte, decimalBytes))), nil
}
