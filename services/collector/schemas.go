package collector

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/schemas"
)

// shelf shows the JSON Schemas, which are public: they say what to send.
type shelf struct {
	index []schemaLine
	files map[string]document
}

type schemaLine struct {
	Kind string `json:"kind"`
	Type string `json:"type"`
	URL  string `json:"url"`
}

type document struct {
	body []byte
	etag string
}

// newShelf reads the schemas that are built in.
func newShelf() (*shelf, error) {
	s := &shelf{files: make(map[string]document)}
	for _, k := range event.Catalogue() {
		if err := s.add(string(k.Kind), string(k.Kind)+".v1.json"); err != nil {
			return nil, err
		}
		s.index = append(s.index, schemaLine{string(k.Kind), k.Kind.Type(), "/v1/schemas/" + string(k.Kind)})
	}
	for _, name := range []string{"envelope", "common"} {
		if err := s.add(name, name+".json"); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *shelf) add(name, file string) error {
	body, err := fs.ReadFile(schemas.Events, file)
	if err != nil {
		return fmt.Errorf("read schema of %s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	s.files[name] = document{body, `"` + hex.EncodeToString(sum[:8]) + `"`}
	return nil
}

// list answers which kinds there are.
func (s *shelf) list(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"schemas": s.index, "envelope": "/v1/schemas/envelope"})
}

// one answers with the schema of a kind, or of the envelope.
func (s *shelf) one(c *gin.Context) {
	d, ok := s.files[c.Param("kind")]
	if !ok {
		process.Problem(c, http.StatusNotFound, "unknown_kind", "There is no such kind; GET /v1/schemas lists them.", nil)
		return
	}
	c.Header("ETag", d.etag)
	c.Header("Cache-Control", "no-cache")
	if strings.Contains(c.GetHeader("If-None-Match"), d.etag) {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, "application/schema+json", d.body)
}
