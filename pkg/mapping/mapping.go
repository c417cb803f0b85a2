// Package mapping turns foreign records (rows of CSV, NDJSON and Parquet files) into CloudEvents of our kinds, as a mapping file
// says: which column becomes which field, how a value is converted, what the id of a row is.
//
// A mapping is checked whole before a record is read: unknown keys, fields that the kind does not have, columns that
// the file does not have. What a field's type is stands in the contract (package event), never in a mapping file. Records
// are streamed; memory does not grow with the file, except for the {occurrence} placeholder, which takes 16 bytes a record.
//
// The package does not send, and it does not repeat the rules of the contract: a row that cannot be converted is a
// [Problem] with its line and column; an event that the contract refuses is for the parser or the collector to refuse.
package mapping

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"plumbline/pkg/event"
)

//go:embed library/*.yaml
var library embed.FS

//go:embed calls/*.yaml
var builtin embed.FS

// Mapping is a mapping file that was found sound, with its parameters filled in. It is immutable: one Mapping may
// serve several files at once.
type Mapping struct {
	// Name and About say what the mapping is for.
	Name, About string
	// Passthrough is set where the records are CloudEvents already (format: cloudevents).
	Passthrough bool

	input  inputSpec
	source string
	events []eventPlan
	// key are the columns of {key}.
	key []oneOrMany
	// exact is set where all columns that a file may have are known.
	exact bool
	// picks are the mappings of which a file picks one.
	picks []*Mapping
	// columns are all the columns that the mapping reads, sorted; required are those that a file must have. A record is named
	// by those columns of the key that its file has.
	columns, required []string
}

// Parameter is a value that the user of a mapping may set: `--set name=value`.
type Parameter struct {
	Name string `yaml:"-"`
	// About says what the value means.
	About string `yaml:"about"`
	// Default is used when nothing is set.
	Default string `yaml:"default"`
}

// Entry is one mapping of the library.
type Entry struct {
	Name, About string
	Parameters  []Parameter
}

// Library lists the mappings that come with Plumbline, by name.
func Library() ([]Entry, error) {
	files, err := fs.Glob(library, "library/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list the library: %w", err)
	}
	out := make([]Entry, 0, len(files))
	for _, f := range files {
		raw, err := library.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read the library: %w", err)
		}
		s, err := decodeSpec(raw, nil)
		if err != nil {
			return nil, fmt.Errorf("library mapping %s: %w", path.Base(f), err)
		}
		out = append(out, Entry{Name: s.Name, About: s.About, Parameters: s.parameters()})
	}
	return out, nil
}

// Load finds a mapping by its name in the library or by the path of a file (anything with a slash, a backslash or
// the ending .yaml or .yml), and fills in its parameters.
func Load(ref string, set map[string]string) (*Mapping, error) {
	if strings.ContainsAny(ref, `/\`) || strings.HasSuffix(ref, ".yaml") || strings.HasSuffix(ref, ".yml") {
		raw, err := os.ReadFile(ref)
		if err != nil {
			return nil, fmt.Errorf("read mapping: %w", err)
		}
		m, err := Parse(raw, set)
		if err != nil {
			return nil, fmt.Errorf("mapping %s: %w", ref, err)
		}
		return m, nil
	}
	return LoadLibrary(ref, set)
}

// UnknownName says that the library has no mapping of a name.
type UnknownName struct{ Name string }

// Error names those that there are.
func (e *UnknownName) Error() string {
	return fmt.Sprintf("no mapping %q: the library has %s; a mapping of your own is named by its path (./%s.yaml)", e.Name, strings.Join(names(), ", "), e.Name)
}

func libraryFile(name string) ([]byte, error) {
	raw, err := library.ReadFile("library/" + name + ".yaml")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		return nil, &UnknownName{name}
	}
	if err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	return raw, nil
}

// LoadLibrary finds a mapping by its name in the library and fills in its parameters. It opens no other file.
func LoadLibrary(ref string, set map[string]string) (*Mapping, error) {
	raw, err := libraryFile(ref)
	if err != nil {
		return nil, err
	}
	m, err := Parse(raw, set)
	if err != nil {
		return nil, fmt.Errorf("mapping %s: %w", ref, err)
	}
	return m, nil
}

// Parse reads a mapping file. The error joins everything that is wrong with it.
func Parse(raw []byte, set map[string]string) (*Mapping, error) {
	s, err := decodeSpec(raw, set)
	if err != nil {
		return nil, err
	}
	return compile(s)
}

func names() []string {
	files, _ := fs.Glob(library, "library/*.yaml")
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return out
}

// Columns are the columns that the mapping reads, sorted.
func (m *Mapping) Columns() []string { return slices.Clone(m.columns) }

// Kinds are the kinds of event that the mapping makes, sorted.
func (m *Mapping) Kinds() []event.Kind {
	seen := map[event.Kind]bool{}
	for _, e := range m.events {
		seen[e.kind] = true
	}
	return slices.Sorted(maps.Keys(seen))
}
