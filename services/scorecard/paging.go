package scorecard

import (
	"encoding/base64"
	"slices"

	"plumbline/pkg/event"
)

// page cuts a sorted list to the page that the parameters ask for. The cursor is the last key of the page before, so that
// what is inserted meanwhile shifts nothing.
func page(keys []string, p params) ([]string, *string, error) {
	begin := 0
	if p.cursor != "" {
		after, err := cursorText(p.cursor)
		if err != nil {
			return nil, nil, err
		}
		i, found := slices.BinarySearch(keys, after)
		if begin = i; found {
			begin = i + 1
		}
	}
	end := min(begin+p.limit, len(keys))
	if end == len(keys) {
		return keys[begin:end], nil, nil
	}
	return keys[begin:end], new(cursorOf(keys[end-1])), nil
}

func cursorOf(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func cursorText(cursor string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return "", badCursor()
	}
	return string(raw), nil
}

func badCursor() error {
	return &badRequest{[]event.Problem{{
		Code: event.CodeBadValue, Pointer: "/cursor", Message: "use the next of the page before, as it is",
	}}}
}
