package collector

import (
	"bytes"
	"errors"
)

// errTooMany says that a batch has more events than a request may have.
var errTooMany = errors.New("too many events")

// split cuts a JSON array into the bytes of its elements, which share the memory of body. It only follows strings and
// brackets and leaves it to the parser to judge each element: so a broken event costs nothing but itself, and no byte
// is decoded twice. Where the brackets themselves do not match, the whole is unreadable.
func split(body []byte, most int) ([][]byte, error) {
	rest := bytes.TrimLeft(body, whitespace)
	if len(rest) == 0 || rest[0] != '[' {
		return nil, errors.New("a batch is a JSON array of events")
	}
	rest = bytes.TrimLeft(rest[1:], whitespace)
	var out [][]byte
	if len(rest) > 0 && rest[0] == ']' {
		return out, trailing(rest[1:])
	}
	for {
		n := element(rest)
		if n < 0 {
			return nil, errors.New("the JSON array does not end")
		}
		raw := bytes.Trim(rest[:n], whitespace)
		if len(raw) == 0 {
			return nil, errors.New("the JSON array has a comma too many")
		}
		if len(out) == most {
			return nil, errTooMany
		}
		out = append(out, raw)
		if rest[n] == ']' {
			return out, trailing(rest[n+1:])
		}
		rest = rest[n+1:]
	}
}

const whitespace = " \t\r\n"

func trailing(rest []byte) error {
	if len(bytes.TrimLeft(rest, whitespace)) > 0 {
		return errors.New("something follows the JSON array")
	}
	return nil
}

// element is the index of the comma or bracket that ends the first element, or -1.
func element(b []byte) int {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			n := text(b[i+1:])
			if n < 0 {
				return -1
			}
			i += n
		case '{', '[':
			depth++
		case '}':
			depth--
		case ']':
			if depth <= 0 {
				return i
			}
			depth--
		case ',':
			if depth <= 0 {
				return i
			}
		}
	}
	return -1
}

// text is how many bytes a string has up to and with its closing quote, or -1.
func text(b []byte) int {
	for i := 0; ; {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return -1
		}
		i += n
		// A quote after an odd number of backslashes is part of the text.
		slashes := 0
		for slashes < i && b[i-1-slashes] == '\\' {
			slashes++
		}
		i++
		if slashes%2 == 0 {
			return i
		}
	}
}
