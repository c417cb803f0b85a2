package collector

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for body, want := range map[string]string{
		`[]`:                            ``,
		` [ ] `:                         ``,
		`[1]`:                           `1`,
		"[ {\"a\":[1,2,{}]} ,\n2 ]\r\n": `{"a":[1,2,{}]}|2`,
		`["]","\"]","\\","\\\","]`:      `"]"|"\"]"|"\\"|"\\\","`,
		`[{"a":tru},nonsense,{"b" 1}]`:  `{"a":tru}|nonsense|{"b" 1}`,
		`[[1,[2]],[3]]`:                 `[1,[2]]|[3]`,
		`[}]`:                           `}`,
	} {
		parts, err := split([]byte(body), 10)
		got := string(bytes.Join(parts, []byte("|")))
		if err != nil || got != want {
			t.Errorf("split(%s) = %s, %v; want %s", body, got, err, want)
		}
	}
	for _, body := range []string{``, ` `, `{}`, `[`, `[1`, `[1,`, `[,]`, `[1,]`, `[,1]`, `[1] x`, `[] []`, `["]`, `["a\"]`, `[{]`, `1`} {
		if parts, err := split([]byte(body), 10); err == nil {
			t.Errorf("split(%s) = %q; want an error", body, parts)
		}
	}
	if _, err := split([]byte(`[1,2,3]`), 2); !errors.Is(err, errTooMany) {
		t.Errorf("3 of 2: %v", err)
	}
	if parts, err := split([]byte(`[1,2]`), 2); err != nil || len(parts) != 2 {
		t.Errorf("2 of 2: %q, %v", parts, err)
	}
}

// Whatever a JSON decoder takes for an array, split cuts into the same elements; and what it cuts out of anything else
// is still made of the input.
func FuzzSplit(f *testing.F) {
	for _, seed := range []string{`[]`, `[1, "a\"]", {"b":[]}]`, `["\\\\",[[]]]`, `[}]`, `[{"a":"\u005d"},2]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		parts, err := split(body, 1000)
		var want []json.RawMessage
		if json.Unmarshal(body, &want) != nil || bytes.Equal(bytes.TrimSpace(body), []byte("null")) || len(want) > 1000 {
			for _, p := range parts {
				if !bytes.Contains(body, p) {
					t.Fatalf("%q is not in %q", p, body)
				}
			}
			return
		}
		if err != nil || len(parts) != len(want) {
			t.Fatalf("split(%q) has %d parts, %v; want %d", body, len(parts), err, len(want))
		}
		for i := range want {
			if !bytes.Equal(parts[i], bytes.Trim(want[i], whitespace)) {
				t.Fatalf("part %d of %q is %q; want %q", i, body, parts[i], want[i])
			}
		}
	})
}

func TestDecodeHeader(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                           "plain",
		"Euro%20%E2%82%AC%20%F0%9F%98%80": "Euro € 😀", // the example of the binding
		`"quoted"`:                        "quoted",
		`"a \"b\" \\ c"`:                  `a "b" \ c`,
		`"%22"`:                           `"`,
		"100%":                            "100%",
		"a+b":                             "a+b",
		`"`:                               `"`,
		"":                                "",
	} {
		if got := decodeHeader(in); got != want {
			t.Errorf("decodeHeader(%s) = %s; want %s", in, got, want)
		}
	}
}

// Splitting 1,000 events of 1 KB.
func BenchmarkSplit(b *testing.B) {
	element := `{"id":"x","data":"` + strings.Repeat("abcdefgh", 120) + `"}`
	body := []byte("[" + strings.Repeat(element+",", 999) + element + "]")
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		if _, err := split(body, MaxEvents); err != nil {
			b.Fatal(err)
		}
	}
}
