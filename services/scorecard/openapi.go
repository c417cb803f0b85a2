package scorecard

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/goccy/go-yaml"

	"plumbline/pkg/process"
	"plumbline/schemas"
)

//go:embed docs.html
var docsTemplate string

// openapi is the description of the API as JSON and as a page.
type openapi struct {
	json, docs []byte
}

// operation is one line of the page.
type operation struct {
	Method, Path, Summary, Description string
	Parameters                         []parameter
}

type parameter struct{ Name, In, Description string }

// spec is the part of the description that the page shows.
type spec struct {
	Info struct {
		Title       string `json:"title"`
		Version     string `json:"version"`
		Description string `json:"description"`
	} `json:"info"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Parameters map[string]specParameter `json:"parameters"`
	} `json:"components"`
}

type specParameter struct {
	Ref         string `json:"$ref"`
	Name        string `json:"name"`
	In          string `json:"in"`
	Description string `json:"description"`
}

// readOpenAPI turns the embedded YAML into JSON and a page, once at the start.
func readOpenAPI() (openapi, error) {
	raw, err := yaml.YAMLToJSON(schemas.OpenAPI)
	if err != nil {
		return openapi{}, fmt.Errorf("read openapi.yaml: %w", err)
	}
	var s spec
	if err := json.Unmarshal(raw, &s); err != nil {
		return openapi{}, fmt.Errorf("read openapi.yaml: %w", err)
	}
	operations, err := s.operations()
	if err != nil {
		return openapi{}, fmt.Errorf("read openapi.yaml: %w", err)
	}
	page, err := template.New("docs").Parse(docsTemplate)
	if err != nil {
		return openapi{}, fmt.Errorf("read docs page: %w", err)
	}
	var out bytes.Buffer
	if err := page.Execute(&out, map[string]any{"Info": s.Info, "Operations": operations}); err != nil {
		return openapi{}, fmt.Errorf("write docs page: %w", err)
	}
	return openapi{json: raw, docs: out.Bytes()}, nil
}

// operations lists the operations in the order of their paths.
func (s spec) operations() ([]operation, error) {
	var out []operation
	for path, methods := range s.Paths {
		shared, err := s.parameters(methods["parameters"])
		if err != nil {
			return nil, err
		}
		for _, method := range []string{"get", "put", "post", "delete"} {
			raw, ok := methods[method]
			if !ok {
				continue
			}
			var o struct {
				Summary     string          `json:"summary"`
				Description string          `json:"description"`
				Parameters  json.RawMessage `json:"parameters"`
			}
			if err := json.Unmarshal(raw, &o); err != nil {
				return nil, err
			}
			own, err := s.parameters(o.Parameters)
			if err != nil {
				return nil, err
			}
			out = append(out, operation{strings.ToUpper(method), path, o.Summary, o.Description, append(slices.Clone(shared), own...)})
		}
	}
	slices.SortFunc(out, func(a, b operation) int {
		return strings.Compare(a.Path+" "+a.Method, b.Path+" "+b.Method)
	})
	return out, nil
}

func (s spec) parameters(raw json.RawMessage) ([]parameter, error) {
	if raw == nil {
		return nil, nil
	}
	var list []specParameter
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	var out []parameter
	for _, p := range list {
		if p.Ref != "" {
			p = s.Components.Parameters[strings.TrimPrefix(p.Ref, "#/components/parameters/")]
		}
		out = append(out, parameter{p.Name, p.In, p.Description})
	}
	return out, nil
}

func (o openapi) serveJSON(c *gin.Context) {
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "application/json", o.json)
}

func (o openapi) serveDocs(c *gin.Context) {
	process.Page(c)
	c.Header("Cache-Control", "no-cache")
	c.Data(http.StatusOK, "text/html; charset=utf-8", o.docs)
}
