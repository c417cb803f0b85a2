package event_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"plumbline/pkg/event"
)

// clock is the moment at which the examples are judged.
func clock() time.Time { return time.Date(2026, 11, 15, 12, 0, 0, 0, time.UTC) }

func newParser() *event.Parser { return event.NewParser(clock) }

// example is one file of schemas/events/testdata; want stands beside the invalid ones.
type example struct {
	name  string
	raw   []byte
	valid bool
	want  struct {
		Code    event.Code `json:"code"`
		Pointer string     `json:"pointer"`
		// BeyondSchema marks the rules that JSON Schema cannot express: order of times, the clock.
		BeyondSchema bool `json:"beyond_schema"`
	}
}

func examples(t testing.TB) []example {
	t.Helper()
	const root = "../../schemas/events/testdata"
	paths, err := filepath.Glob(root + "/*/*.json")
	if err != nil {
		t.Fatal(err)
	}
	var out []example
	for _, p := range paths {
		if strings.HasSuffix(p, ".want.json") {
			continue
		}
		raw, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		name, _ := filepath.Rel(root, p)
		e := example{name: strings.TrimSuffix(name, ".json"), raw: raw, valid: strings.HasPrefix(filepath.Base(p), "valid-")}
		if !e.valid {
			want, err := os.ReadFile(strings.TrimSuffix(p, ".json") + ".want.json")
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(want, &e.want); err != nil {
				t.Fatalf("%s: %v", p, err)
			}
		}
		out = append(out, e)
	}
	if len(out) < 100 {
		t.Fatalf("only %d examples under %s", len(out), root)
	}
	return out
}

func TestExamplesThroughSchemaAndParser(t *testing.T) {
	schema, parser := envelopeSchema(t), newParser()
	perKind := map[string][2]int{}
	for _, e := range examples(t) {
		t.Run(e.name, func(t *testing.T) {
			count := perKind[filepath.Dir(e.name)]
			if e.valid {
				count[0]++
			} else {
				count[1]++
			}
			perKind[filepath.Dir(e.name)] = count

			doc, err := jsonschema.UnmarshalJSON(strings.NewReader(string(e.raw)))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(doc); (err == nil) != (e.valid || e.want.BeyondSchema) {
				t.Errorf("schema says %v", err)
			}
			got, problems := parser.Structured(e.raw)
			switch {
			case e.valid && len(problems) > 0:
				t.Errorf("parser says %v", problems)
			case e.valid && got.Data == nil:
				t.Error("no data without a problem")
			case !e.valid && len(problems) != 1:
				t.Errorf("parser says %v, want one problem: %s at %s", problems, e.want.Code, e.want.Pointer)
			case !e.valid && (problems[0].Code != e.want.Code || problems[0].Pointer != e.want.Pointer):
				t.Errorf("parser says %v, want %s at %s", problems, e.want.Code, e.want.Pointer)
			case !e.valid && strings.TrimSpace(problems[0].Message) == "":
				t.Error("the problem has no sentence")
			}
		})
	}
	for _, s := range event.Catalogue() {
		if n := perKind[string(s.Kind)]; n[0] < 2 || n[1] < 2 {
			t.Errorf("%s has %d valid and %d invalid examples, want at least two each", s.Kind, n[0], n[1])
		}
	}
}
