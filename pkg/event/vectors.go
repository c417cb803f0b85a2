package event

import (
	"fmt"
	"math/big"
	"math/bits"
	"unsafe"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"
)

// Vectors are payloads of one kind by columns, in the order of [Columns], without an interface value for every cell: the
// form in which many rows are stored at once.
type Vectors struct {
	Columns []Vector
}

// Vector has the values of one column, one for each row.
type Vector struct {
	Column
	// Texts is used by columns of text.
	Texts []string
	// Ints is used by all other columns but Decimal(38, 18): a number in millionths, a time in milliseconds and a day in
	// days since 1970, true as 1.
	Ints []int64
	// Decimals is used by columns of Decimal(38, 18).
	Decimals []Int128
	// Absent says where a nullable column is NULL (1); the value there is zero.
	Absent []uint8
}

// Int128 is a number of 128 bits, two's complement.
type Int128 struct {
	Low  uint64
	High int64
}

// NewVectors makes vectors for the columns of a kind, with room for so many rows.
func NewVectors(columns []Column, rows int) *Vectors {
	v := &Vectors{Columns: make([]Vector, len(columns))}
	for i, c := range columns {
		v.Columns[i].Column = c
		switch c.form {
		case formText, formTouches, formRaw:
			v.Columns[i].Texts = make([]string, 0, rows)
		case formDecimal:
			v.Columns[i].Decimals = make([]Int128, 0, rows)
		default:
			v.Columns[i].Ints = make([]int64, 0, rows)
		}
		if c.Nullable {
			v.Columns[i].Absent = make([]uint8, 0, rows)
		}
	}
	return v
}

// Append adds a row: a normalised payload of the kind.
func (v *Vectors) Append(d Data) error {
	base := baseOf(d)
	for i := range v.Columns {
		c := &v.Columns[i]
		switch c.form {
		case formText:
			c.Texts = append(c.Texts, *at[string](base, c.offset))
		case formNumber:
			c.Ints = append(c.Ints, int64(valueAt[Number](c, base)))
		case formBool:
			n := int64(0)
			if valueAt[bool](c, base) {
				n = 1
			}
			c.Ints = append(c.Ints, n)
		case formUint8:
			c.Ints = append(c.Ints, int64(valueAt[uint8](c, base)))
		case formUint16:
			c.Ints = append(c.Ints, int64(valueAt[uint16](c, base)))
		case formUint64:
			c.Ints = append(c.Ints, int64(valueAt[uint64](c, base)))
		case formTime:
			n := int64(0)
			if t := valueAt[Time](c, base); !t.IsZero() {
				n = t.UnixMilli()
			}
			c.Ints = append(c.Ints, n)
		case formDay:
			n := int64(0)
			if d := valueAt[Day](c, base); !d.IsZero() {
				n = d.Unix() / (24 * 3600) // midnight, so without a rest
			}
			c.Ints = append(c.Ints, n)
		case formDecimal:
			n, ok := scaledTo18(valueAt[Decimal](c, base).Decimal)
			if !ok {
				return fmt.Errorf("column %s: the decimal does not fit", c.Name)
			}
			c.Decimals = append(c.Decimals, n)
		case formTouches:
			c.Texts = append(c.Texts, at[Touches](base, c.offset).Canonical())
		case formRaw:
			c.Texts = append(c.Texts, string(*at[jsontext.Value](base, c.offset)))
		}
	}
	return nil
}

// valueAt reads a field, and notes in a nullable column whether it is there.
func valueAt[T any](c *Vector, base unsafe.Pointer) (v T) {
	if !c.pointer {
		return *at[T](base, c.offset)
	}
	p := *at[*T](base, c.offset)
	if p != nil {
		v = *p
	}
	if c.Nullable {
		absent := uint8(0)
		if p == nil {
			absent = 1
		}
		c.Absent = append(c.Absent, absent)
	}
	return v
}

// scaledTo18 is the number of units of 10^-18; ok is false where it is no whole number, or more than 38 digits.
func scaledTo18(d decimal.Decimal) (_ Int128, ok bool) {
	exp := 18 + int(d.Exponent())
	coefficient := d.Coefficient()
	if exp < 0 || exp > 18 || !coefficient.IsInt64() {
		return scaledBig(d)
	}
	n := coefficient.Int64()
	power := uint64(1)
	for range exp {
		power *= 10
	}
	high, low := bits.Mul64(uint64(max(n, -n)), power)
	if n < 0 {
		var carry uint64
		low, carry = bits.Add64(^low, 1, 0)
		high = ^high + carry
	}
	return Int128{low, int64(high)}, true
}

// scaledBig is scaledTo18 for any decimal.
func scaledBig(d decimal.Decimal) (_ Int128, ok bool) {
	shifted := d.Shift(18)
	if !shifted.IsInteger() {
		return Int128{}, false
	}
	n := shifted.BigInt()
	if n.CmpAbs(new(big.Int).Exp(big.NewInt(10), big.NewInt(38), nil)) >= 0 {
		return Int128{}, false
	}
	var raw [16]byte
	new(big.Int).Abs(n).FillBytes(raw[:])
	var high, low uint64
	for i := range 8 {
		high, low = high<<8|uint64(raw[i]), low<<8|uint64(raw[i+8])
	}
	if n.Sign() < 0 {
		var carry uint64
		low, carry = bits.Add64(^low, 1, 0)
		high = ^high + carry
	}
	return Int128{low, int64(high)}, true
}
