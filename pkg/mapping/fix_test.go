package mapping

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"
)

func TestFixRepairs(t *testing.T) {
	const raw = `{"id": "a", "data": {"curency":"EUR", "billed_cost": 100.10, "category":"Agency","touches":[{"role":"First"}], "n":1, "n":2}}`
	for name, c := range map[string]struct{ fix, want string }{
		"set over": {
			`[{"op":"set","path":"/id","value":"b"}]`,
			`{"id":"b","data":{"curency":"EUR","billed_cost":100.10,"category":"Agency","touches":[{"role":"First"}],"n":1,"n":2}}`,
		},
		"set new, digits stay": {
			`[{"op":"set","path":"/data/quantity","value":1.50}]`,
			`{"id":"a","data":{"curency":"EUR","billed_cost":100.10,"category":"Agency","touches":[{"role":"First"}],"n":1,"n":2,"quantity":1.50}}`,
		},
		"set what stands twice leaves one": {
			`[{"op":"set","path":"/data/n","value":1}]`,
			`{"id":"a","data":{"curency":"EUR","billed_cost":100.10,"category":"Agency","touches":[{"role":"First"}],"n":1}}`,
		},
		"rename and set within a list": {
			`[{"op":"rename","path":"/data/curency","to":"/data/currency"},{"op":"set","path":"/data/touches/0/role","value":"first"}]`,
			`{"id":"a","data":{"billed_cost":100.10,"category":"Agency","touches":[{"role":"first"}],"n":1,"n":2,"currency":"EUR"}}`,
		},
		"remove all of a name, and of a list": {
			`[{"op":"remove","path":"/data/n"},{"op":"remove","path":"/data/touches/0"},{"op":"remove","path":"/none/at/all"}]`,
			`{"id":"a","data":{"curency":"EUR","billed_cost":100.10,"category":"Agency","touches":[]}}`,
		},
		"translate": {
			`[{"op":"translate","path":"/data/category","table":{"Agency":"agency"}},{"op":"translate","path":"/data/billed_cost","table":{"100.10":"100.10"}},{"op":"translate","path":"/id","table":{},"default":"z"}]`,
			`{"id":"z","data":{"curency":"EUR","billed_cost":"100.10","category":"agency","touches":[{"role":"First"}],"n":1,"n":2}}`,
		},
		"default and append": {
			`[{"op":"default","path":"/id","value":"x"},{"op":"default","path":"/data/unit","value":"h"},{"op":"set","path":"/data/touches/-","value":{}}]`,
			`{"id":"a","data":{"curency":"EUR","billed_cost":100.10,"category":"Agency","touches":[{"role":"First"},{}],"n":1,"n":2,"unit":"h"}}`,
		},
	} {
		f, problems := ParseFix([]byte(`{"operations":` + c.fix + `}`))
		if len(problems) > 0 {
			t.Fatalf("%s: %v", name, problems)
		}
		got, changed, problem := f.Apply([]byte(raw))
		if problem != nil || !changed || string(got) != c.want {
			t.Errorf("%s: %v %v\n got %s\nwant %s", name, changed, problem, got, c.want)
		}
		if again, changed, problem := f.Apply([]byte(raw)); problem != nil || !changed || !bytes.Equal(again, got) {
			t.Errorf("%s: a second time %s", name, again)
		}
	}
}

func TestFixThatDoesNothingKeepsTheBytes(t *testing.T) {
	const raw = ` { "id" : "a" } `
	f, problems := ParseFix([]byte(`{"operations":[{"op":"set","path":"/id","value":"a"},{"op":"remove","path":"/x"},{"op":"rename","path":"/x","to":"/y"},
		{"op":"translate","path":"/id","table":{"b":"c","a":"a"}},{"op":"translate","path":"/x","table":{},"default":1},{"op":"default","path":"/id","value":1}]}`))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if got, changed, problem := f.Apply([]byte(raw)); changed || problem != nil || string(got) != raw {
		t.Errorf("%q %t %v", got, changed, problem)
	}
}

func TestFixSaysWhereItCanNotWork(t *testing.T) {
	for _, c := range []struct{ fix, raw, pointer string }{
		{`{"op":"set","path":"/data/a/b","value":1}`, `{"data":{}}`, "/data/a/b"},
		{`{"op":"set","path":"/data/0","value":1}`, `{"data":[]}`, "/data/0"},
		{`{"op":"set","path":"/data/01","value":1}`, `{"data":[1,2]}`, "/data/01"},
		{`{"op":"set","path":"/data/x","value":1}`, `{"data":"text"}`, "/data/x"},
		{`{"op":"rename","path":"/a","to":"/b"}`, `{"a":1,"b":2}`, "/b"},
		{`{"op":"set","path":"/a","value":1}`, `{"a":`, ""},
		{`{"op":"set","path":"/a","value":1}`, `{} {}`, ""},
		{`{"op":"set","path":"/a","value":1}`, `[1]`, "/a"},
	} {
		f, problems := ParseFix([]byte(`{"operations":[` + c.fix + `]}`))
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		if got, changed, problem := f.Apply([]byte(c.raw)); problem == nil || problem.Pointer != c.pointer || changed || got != nil {
			t.Errorf("%s on %s: %s %v", c.fix, c.raw, got, problem)
		}
	}
}

func TestParseFixRefuses(t *testing.T) {
	for raw, pointer := range map[string]string{
		`{"operations":[]}`: "/operations",
		`{}`:                "/operations",
		`{"operations":[{"op":"set","path":"/a"}]}`:                                                              "/operations/0/value",
		`{"operations":[{"op":"set","path":"","value":1}]}`:                                                      "/operations/0/path",
		`{"operations":[{"op":"set","path":"a","value":1}]}`:                                                     "/operations/0/path",
		`{"operations":[{"op":"set","path":"/a~2","value":1}]}`:                                                  "/operations/0/path",
		`{"operations":[{"op":"drop","path":"/a"}]}`:                                                             "/operations/0/op",
		`{"operations":[{"op":"remove","path":"/a","value":1}]}`:                                                 "/operations/0/value",
		`{"operations":[{"op":"rename","path":"/a"}]}`:                                                           "/operations/0/to",
		`{"operations":[{"op":"rename","path":"/a","to":"/a/b"}]}`:                                               "/operations/0/to",
		`{"operations":[{"op":"remove","path":"/a"},{"op":"translate","path":"/a"}]}`:                            "/operations/1/table",
		`{"operations":[{"op":"remove","paht":"/a"}]}`:                                                           "/operations/0/paht",
		`{"operations":[{"op":"remove","path":1}]}`:                                                              "/operations/0/path",
		`{"operations":[{"op":"remove","path":"/a"}]`:                                                            "",
		`{"operations":[` + strings.Repeat(`{"op":"remove","path":"/a"},`, 64) + `{"op":"remove","path":"/a"}]}`: "/operations",
		strings.Repeat(" ", MaxFix+1):                                                                            "",
	} {
		_, problems := ParseFix([]byte(raw))
		if len(problems) == 0 || problems[0].Pointer != pointer || problems[0].Message == "" {
			t.Errorf("%.80s: %v, want one at %q", raw, problems, pointer)
		}
	}
}

// drawJSON draws any JSON object.
func drawJSON(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		scalar := rapid.OneOf(rapid.Just[any](nil), rapid.Map(rapid.Bool(), func(b bool) any { return b }),
			rapid.Map(rapid.IntRange(-9, 9), func(n int) any { return n }), rapid.Map(rapid.SampledFrom([]string{"", "a", "b/c", "~", "ü"}), func(s string) any { return s }))
		if depth == 0 {
			return scalar.Draw(t, "scalar")
		}
		return rapid.OneOf(scalar,
			rapid.Map(rapid.SliceOfN(drawJSON(depth-1), 0, 3), func(l []any) any { return l }),
			rapid.Map(rapid.MapOfN(rapid.SampledFrom([]string{"", "a", "b/c", "~", "ü"}), drawJSON(depth-1), 0, 3), func(m map[string]any) any { return m }),
		).Draw(t, "value")
	})
}

// What set writes is what stands there afterwards and nothing else has moved; remove takes exactly that away again; a rename
// there and back is no change.
func TestFixProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		object := map[string]any{"data": drawJSON(3).Draw(t, "data"), "id": "x"}
		raw, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		value, err := json.Marshal(drawJSON(1).Draw(t, "value"))
		if err != nil {
			t.Fatal(err)
		}
		name := rapid.SampledFrom([]string{"new", "n/w", "~0", "ü"}).Draw(t, "name")
		path := string(jsontext.Pointer("").AppendToken(name))
		apply := func(raw []byte, o Operation) []byte {
			f := Fix{[]Operation{o}}
			if problems := f.check(); len(problems) > 0 {
				t.Fatal(problems)
			}
			out, changed, problem := f.Apply(raw)
			if problem != nil || !changed {
				t.Fatalf("%+v on %s: %t %v", o, raw, changed, problem)
			}
			if !json.Valid(out) {
				t.Fatalf("%+v on %s makes %s", o, raw, out)
			}
			return out
		}
		with := apply(raw, Operation{Op: FixSet, Path: path, Value: value})
		root, err := readTree(with)
		if err != nil {
			t.Fatal(err)
		}
		if got := root.find(jsontext.Pointer(path)); got == nil || !equalJSON(t, got.write(nil), value) {
			t.Fatalf("%s does not have %s at %s", with, value, path)
		}
		if got := apply(with, Operation{Op: FixRemove, Path: path}); !equalJSON(t, got, raw) {
			t.Fatalf("set and removed: %s, want %s", got, raw)
		}
		moved := apply(with, Operation{Op: FixRename, Path: path, To: "/elsewhere"})
		if got := apply(moved, Operation{Op: FixRename, Path: "/elsewhere", To: path}); !equalJSON(t, got, with) {
			t.Fatalf("moved there and back: %s, want %s", got, with)
		}
	})
}

func equalJSON(t *rapid.T, a, b []byte) bool {
	canonical := func(raw []byte) string {
		v := jsontext.Value(bytes.Clone(raw))
		if err := v.Canonicalize(); err != nil {
			t.Fatal(err)
		}
		return string(v)
	}
	return canonical(a) == canonical(b)
}

// Whatever fix meets whatever event: it says what is wrong, or makes JSON of JSON.
func FuzzFix(f *testing.F) {
	f.Add([]byte(`{"operations":[{"op":"set","path":"/data/currency","value":"EUR"}]}`), []byte(`{"data":{}}`))
	f.Add([]byte(`{"operations":[{"op":"rename","path":"/a/0","to":"/b"}]}`), []byte(`{"a":[1],"a":2}`))
	f.Add([]byte(`{"operations":[{"op":"translate","path":"/a","table":{"x":null},"default":[]}]}`), []byte(`{"a":"x"}`))
	f.Add([]byte(`{"operations":[{"op":"remove","path":"/a/-"},{"op":"default","path":"/a/-","value":1}]}`), []byte(`{"a":[]}`))
	f.Fuzz(func(t *testing.T, fix, raw []byte) {
		parsed, problems := ParseFix(fix)
		if len(problems) > 0 {
			return
		}
		encoded, err := parsed.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, problems := ParseFix([]byte(encoded)); len(problems) > 0 && len(encoded) <= MaxFix {
			t.Fatalf("%s does not come back: %v", encoded, problems)
		}
		out, changed, problem := parsed.Apply(raw)
		if problem != nil {
			return
		}
		if !changed && !bytes.Equal(out, raw) {
			t.Fatalf("unchanged and still other bytes: %q", out)
		}
		if !jsontext.Value(out).IsValid(lenient()) {
			t.Fatalf("%q is no JSON", out)
		}
	})
}
