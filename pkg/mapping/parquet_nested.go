package mapping

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// errLevels says that the levels of a column do not fit together.
var errLevels = errors.New("its levels do not fit together: the file is broken")

// assemble writes a column that is no plain value as JSON, of the values that its leaves have in one record: groups are objects,
// lists arrays, and maps with texts as keys objects, too.
func assemble(dst []byte, node *parquet.Column, streams [][]parquetValue) ([]byte, error) {
	for _, s := range streams {
		if len(s) == 0 {
			return nil, errLevels
		}
	}
	if len(streams) == 0 {
		return append(dst, "{}"...), nil // a group without members
	}
	if !node.Repeated() {
		return assembleOne(dst, node, streams)
	}
	dst = append(dst, '[')
	if streams[0][0].def < node.MaxDefinitionLevel() {
		return append(dst, ']'), nil
	}
	return eachElement(dst, node, streams, func(dst []byte, element [][]parquetValue) ([]byte, error) {
		if len(dst) > 0 && dst[len(dst)-1] != '[' {
			dst = append(dst, ',')
		}
		return assembleOne(dst, node, element)
	}, ']')
}

// eachElement goes through the elements of a repeated column: one begins where the level of repetition is that of the column.
func eachElement(dst []byte, node *parquet.Column, streams [][]parquetValue, write func([]byte, [][]parquetValue) ([]byte, error), end byte) ([]byte, error) {
	for len(streams[0]) > 0 {
		element := make([][]parquetValue, len(streams))
		for i, s := range streams {
			if len(s) == 0 {
				return nil, errLevels
			}
			n := 1
			for n < len(s) && s[n].rep > node.MaxRepetitionLevel() {
				n++
			}
			element[i], streams[i] = s[:n], s[n:]
		}
		var err error
		if dst, err = write(dst, element); err != nil {
			return nil, err
		}
	}
	return append(dst, end), nil
}

// assembleOne writes one element of a column, or the column where it is not repeated.
func assembleOne(dst []byte, node *parquet.Column, streams [][]parquetValue) ([]byte, error) {
	if streams[0][0].def < node.MaxDefinitionLevel() {
		return append(dst, "null"...), nil
	}
	if node.Leaf() {
		v := streams[0][0]
		if v.number {
			return append(dst, v.text...), nil
		}
		return jsontext.AppendQuote(dst, v.text)
	}
	if inner := node.Columns(); len(inner) == 1 && inner[0].Repeated() {
		switch logicalOf(node).(type) {
		case *format.MapType:
			if pair := inner[0].Columns(); len(pair) == 2 && pair[0].Leaf() {
				return assembleMap(dst, inner[0], streams)
			}
		case *format.ListType:
			return assembleList(dst, inner[0], streams)
		}
	}
	dst = append(dst, '{')
	from := 0
	for i, c := range node.Columns() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = jsontext.AppendQuote(dst, c.Name()); err != nil {
			return nil, err
		}
		n := leafCount(c)
		if dst, err = assemble(append(dst, ':'), c, streams[from:from+n]); err != nil {
			return nil, err
		}
		from += n
	}
	return append(dst, '}'), nil
}

func leafCount(c *parquet.Column) (n int) {
	if c.Leaf() {
		return 1
	}
	for _, inner := range c.Columns() {
		n += leafCount(inner)
	}
	return n
}

func logicalOf(node *parquet.Column) format.LogicalTypeValue {
	if t := node.Type().LogicalType(); t != nil {
		return t.Value
	}
	return nil
}

// assembleMap writes keys with their values; a key that is there twice counts once.
func assembleMap(dst []byte, pairs *parquet.Column, streams [][]parquetValue) ([]byte, error) {
	dst = append(dst, '{')
	if streams[0][0].def < pairs.MaxDefinitionLevel() {
		return append(dst, '}'), nil
	}
	seen := map[string]bool{}
	return eachElement(dst, pairs, streams, func(dst []byte, pair [][]parquetValue) ([]byte, error) {
		key := pair[0][0].text
		if len(pair) < 2 || seen[key] {
			return dst, nil
		}
		if len(seen) > 0 {
			dst = append(dst, ',')
		}
		seen[key] = true
		dst, err := jsontext.AppendQuote(dst, key)
		if err != nil {
			return nil, err
		}
		return assemble(append(dst, ':'), pairs.Columns()[1], pair[1:])
	}, '}')
}

// assembleList writes the elements of a list, without the group that the format has around each.
func assembleList(dst []byte, elements *parquet.Column, streams [][]parquetValue) ([]byte, error) {
	dst = append(dst, '[')
	if streams[0][0].def < elements.MaxDefinitionLevel() {
		return append(dst, ']'), nil
	}
	first := true
	return eachElement(dst, elements, streams, func(dst []byte, element [][]parquetValue) ([]byte, error) {
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if inner := elements.Columns(); !elements.Leaf() && len(inner) == 1 {
			return assemble(dst, inner[0], element)
		}
		return assembleOne(dst, elements, element)
	}, ']')
}
