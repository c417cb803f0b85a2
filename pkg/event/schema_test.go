package event_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"path"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plumbline/pkg/event"
	"plumbline/schemas"
)

// compiler knows every schema of the contract and asserts formats.
func compiler(t testing.TB) *jsonschema.Compiler {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	names, err := fs.Glob(schemas.Events, "*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		doc := document(t, name)
		if got, want := doc["$id"], schemas.SchemaBase+path.Base(name); got != want {
			t.Errorf("%s: $id is %v, want %s", name, got, want)
		}
		if err := c.AddResource(schemas.SchemaBase+name, doc); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func envelopeSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	s, err := compiler(t).Compile(schemas.SchemaBase + "envelope.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func document(t testing.TB, name string) map[string]any {
	t.Helper()
	raw, err := fs.ReadFile(schemas.Events, name)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(raw)))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return doc.(map[string]any)
}

// resolve merges the definitions that a property refers to into it; the property's own keywords win.
func resolve(t testing.TB, property map[string]any) map[string]any {
	t.Helper()
	out := map[string]any{}
	if ref, ok := property["$ref"].(string); ok {
		_, name, found := strings.Cut(ref, "#/$defs/")
		if !found {
			t.Fatalf("reference %s leads to no definition", ref)
		}
		def, ok := document(t, "common.json")["$defs"].(map[string]any)[name].(map[string]any)
		if !ok {
			t.Fatalf("reference %s leads nowhere", ref)
		}
		out = resolve(t, def)
	}
	maps.Copy(out, property)
	delete(out, "$ref")
	return out
}

func TestSchemasCompileAndTheirExamplesHold(t *testing.T) {
	c := compiler(t)
	names := []string{"envelope.json"}
	for _, s := range event.Catalogue() {
		names = append(names, string(s.Kind)+".v1.json")
	}
	for _, name := range names {
		s, err := c.Compile(schemas.SchemaBase + name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		examples, _ := document(t, name)["examples"].([]any)
		if len(examples) == 0 {
			t.Errorf("%s has no example", name)
		}
		for i, e := range examples {
			if err := s.Validate(e); err != nil {
				t.Errorf("%s, example %d: %v", name, i, err)
			}
			if kind, ok := strings.CutSuffix(name, ".v1.json"); ok {
				raw, _ := json.Marshal(e)
				if _, problems := newParser().Data(event.Kind(kind), raw); len(problems) > 0 {
					t.Errorf("%s, example %d: %v", name, i, problems)
				}
			}
		}
	}
}
