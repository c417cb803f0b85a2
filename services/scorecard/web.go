package scorecard

import (
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/event"
	"plumbline/pkg/process"
)

// dist holds the placeholder page and, once the app was built, the app beneath app/.
//
//go:embed all:web/dist
var dist embed.FS

// assets is where the build puts files whose names change with their content.
const assets = "assets/"

// site serves the app, or the placeholder where it was not built.
type site struct {
	files fs.FS
	index []byte
	// tag is the ETag of the index page.
	tag string
}

func newSite() (*site, error) {
	root, err := fs.Sub(dist, "web/dist")
	if err != nil {
		return nil, fmt.Errorf("open web app: %w", err)
	}
	if app, err := fs.Sub(root, "app"); err == nil {
		if _, err := fs.Stat(app, "index.html"); err == nil {
			root = app
		}
	}
	index, err := fs.ReadFile(root, "index.html")
	if err != nil {
		return nil, fmt.Errorf("open web app: %w", err)
	}
	sum := sha256.Sum256(index)
	return &site{files: root, index: index, tag: `"` + hex.EncodeToString(sum[:12]) + `"`}, nil
}

// serve answers with a file of the app, or with its page for every path that is none: pages have paths of their own. A
// missing asset stays missing, so that an old page never takes the index for a script.
func (s *site) serve(c *gin.Context) {
	process.Page(c)
	name := strings.TrimPrefix(path.Clean(c.Request.URL.Path), "/")
	if name != "" && name != "index.html" {
		raw, err := fs.ReadFile(s.files, name)
		if err == nil {
			s.asset(c, name, raw)
			return
		}
		if strings.HasPrefix(name, assets) {
			c.String(http.StatusNotFound, "there is no such file")
			return
		}
	}
	c.Header("Cache-Control", "no-cache")
	c.Header("ETag", s.tag)
	if link := askedFirst(c.Request.URL); link != "" {
		c.Header("Link", "<"+link+">; rel=preload; as=fetch; crossorigin=anonymous")
	}
	if c.GetHeader("If-None-Match") == s.tag {
		c.Status(http.StatusNotModified)
		return
	}
	c.Data(http.StatusOK, "text/html; charset=utf-8", s.index)
}

// askedFirst is what the page at an address asks for first, in the very words of the app (web/src/pages/scorecard/early.ts): the browser
// fetches it beside the scripts instead of after them. Empty where that is not known.
func askedFirst(at *url.URL) string {
	q := at.Query()
	from, to, scope, compare := q.Get("from"), q.Get("to"), cmp.Or(q.Get("scope"), "org"), q.Get("compare")
	if path.Clean(at.Path) != "/" || (from == "") != (to == "") || len(scope) > 200 {
		return ""
	}
	var parts []string
	if from != "" {
		for _, day := range []string{from, to} {
			if _, err := event.ParseDay(day); err != nil {
				return ""
			}
		}
		parts = append(parts, "from="+from, "to="+to)
	}
	parts = append(parts, "scope="+url.QueryEscape(scope))
	switch compare {
	case "none":
	case "year":
		parts = append(parts, "compare=year")
	default:
		parts = append(parts, "compare=previous")
	}
	return "/api/v1/scorecard?" + strings.Join(parts, "&")
}

// asset writes a file. The names of those under assets/ change with their content: they may be kept for ever.
func (s *site) asset(c *gin.Context, name string, raw []byte) {
	c.Header("Cache-Control", "no-cache")
	if strings.HasPrefix(name, assets) {
		c.Header("Cache-Control", "public, max-age=31536000, immutable")
	}
	kind := mime.TypeByExtension(path.Ext(name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	c.Data(http.StatusOK, kind, raw)
}
