package event

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func quickParser() *Parser {
	return NewParser(func() time.Time { return time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC) })
}

// validExamples are the examples of the schemas that both ways take.
func validExamples(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../schemas/events/testdata/*/valid-*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	out := map[string][]byte{}
	for _, path := range paths {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path)] = raw
	}
	return out
}

// sameByTags fails where the one-pass way takes an event that the tags do not take, or takes it for another one, or
// where the two write it differently. It says whether the one-pass way took it.
func sameByTags(t interface{ Fatalf(string, ...any) }, p *Parser, raw []byte) bool {
	got, ok := p.quick(raw)
	if !ok {
		return false
	}
	want, problems := p.structuredByTags(raw)
	if len(problems) > 0 {
		t.Fatalf("taken in one pass, but by the tags %v: %s", problems, raw)
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("read in one pass as\n%+v %+v, by the tags as\n%+v %+v\nof %s", got, got.Data, want, want.Data, raw)
	}
	a, err := canonical(got.Data)
	if err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	b, err := canonicalByTags(got.Data)
	if err != nil || !bytes.Equal(a, b) {
		t.Fatalf("written in one pass as\n%s, by the tags as\n%s (%v)", a, b, err)
	}
	return true
}

func FuzzQuickAndTagsAgree(f *testing.F) {
	for _, raw := range validExamples(f) {
		f.Add(raw)
	}
	p := quickParser()
	f.Fuzz(func(t *testing.T, raw []byte) { sameByTags(t, p, raw) })
}

// The generator changes a few bytes of a valid example, or swaps a value for one that is nearly right.
func TestQuickAndTagsAgree(t *testing.T) {
	p := quickParser()
	examples := validExamples(t)
	var names []string
	for name := range examples {
		names = append(names, name)
	}
	odd := []string{
		`""`, `" a"`, `"a "`, `"ä"`, `"a\u0041"`, `"a\\b"`, "\"a\tb\"", "\"\x7f\"", "\"\xff\"", `"EUR"`, `"XXX"`, `"0"`, `"-0.00"`, `"12.50"`, `"2026-11-01"`,
		`"2026-11-01T09:30:00.5+01:00"`, `"1899-12-31T00:00:00Z"`, `"https://a/b"`, `"https://a b"`, `"brand"`, `0`, `-0`, `00`, `1.0`, `1.50`, `0.000001`, `0.0000001`, `1e0`, `-1`, `1.`, `.5`,
		`999999999999`, `1000000000000`, `255`, `256`, `65535`, `65536`, `true`, `false`, `tru`, `truefalse`, `null`, `[]`, `{}`, `[{}]`, `[{"workflow":"w","at":"2026-11-01T09:30:00Z"}]`, `[{"at":"x"}]`,
		`"` + strings.Repeat("k", 128) + `"`, `"` + strings.Repeat("ä", 129) + `"`, `"` + strings.Repeat("n", 2001) + `"`,
	}
	taken := 0
	rapid.Check(t, func(rt *rapid.T) {
		raw := bytes.Clone(examples[rapid.SampledFrom(names).Draw(rt, "example")])
		switch rapid.IntRange(0, 3).Draw(rt, "how") {
		case 0: // one byte
			i := rapid.IntRange(0, len(raw)-1).Draw(rt, "at")
			raw[i] = rapid.SampledFrom([]byte("\x00\t\n \"\\,:{}[]0123456789aeE.-+\x7f\x80\xc3")).Draw(rt, "byte")
		case 1: // a piece twice, or not at all
			i := rapid.IntRange(0, len(raw)-1).Draw(rt, "from")
			j := rapid.IntRange(i, min(len(raw), i+40)).Draw(rt, "to")
			if rapid.Bool().Draw(rt, "twice") {
				raw = bytes.Join([][]byte{raw[:j], raw[i:]}, nil)
			} else {
				raw = bytes.Join([][]byte{raw[:i], raw[j:]}, nil)
			}
		default: // another value of a member
			colons := indexes(raw, ':')
			from := rapid.SampledFrom(colons).Draw(rt, "colon") + 1
			to := from
			for to < len(raw) && !bytes.ContainsRune([]byte(",}]"), rune(raw[to])) {
				to++
			}
			raw = bytes.Join([][]byte{raw[:from], []byte(rapid.SampledFrom(odd).Draw(rt, "value")), raw[to:]}, nil)
		}
		if sameByTags(rt, p, raw) {
			taken++
		}
	})
	if taken == 0 {
		t.Error("none was taken in one pass: the test compares nothing")
	}
}

func indexes(raw []byte, b byte) (out []int) {
	for i := range raw {
		if raw[i] == b {
			out = append(out, i)
		}
	}
	return out
}

// The one-pass way is there to be taken: by every example that is written plainly.
func TestPlainExamplesAreReadInOnePass(t *testing.T) {
	p := quickParser()
	for name, raw := range validExamples(t) {
		if strings.HasPrefix(name, "correct/") || bytes.ContainsRune(raw, '\\') {
			continue
		}
		if !sameByTags(t, p, raw) {
			t.Logf("%s is read by the tags", name)
			if strings.HasSuffix(name, "valid-typical.json") {
				t.Errorf("%s is read by the tags, want in one pass", name)
			}
		}
	}
}

// Order and white space are the writer's choice: the data may stand before the type.
func TestQuickTakesAnyOrder(t *testing.T) {
	p := quickParser()
	for name, raw := range validExamples(t) {
		if !strings.HasSuffix(name, "valid-typical.json") || strings.HasPrefix(name, "correct/") {
			continue
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(raw, &members); err != nil {
			t.Fatal(err)
		}
		sorted, err := json.MarshalIndent(members, " ", "\t")
		if err != nil {
			t.Fatal(err)
		}
		if !sameByTags(t, p, sorted) {
			t.Errorf("%s in another order is read by the tags: %s", name, sorted)
		}
	}
}

// Every valid event of every kind is written the same both ways, whichever way it was read.
func TestCanonicalFormsAgree(t *testing.T) {
	p := quickParser()
	for name, raw := range validExamples(t) {
		e, problems := p.structuredByTags(raw)
		if len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		a, err1 := canonical(e.Data)
		b, err2 := canonicalByTags(e.Data)
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%s is written as\n%s (%v), by the tags as\n%s (%v)", name, a, err1, b, err2)
		}
	}
}

func TestTimesAreWrittenAsTheyWere(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		at := time.UnixMilli(rapid.Int64Range(-63e12, 254e12).Draw(rt, "at"))
		if got, want := string(appendTime(nil, at)), at.UTC().Format(TimeForm); got != want {
			rt.Fatalf("%s, want %s", got, want)
		}
	})
}
