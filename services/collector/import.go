package collector

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/keyring"
	"plumbline/pkg/mapping"
	"plumbline/pkg/process"
)

// The limits of an import. Its memory does not depend on how long the file is.
const (
	// MaxImport is the most bytes of a file, as it comes.
	MaxImport = 64 << 30
	// MaxParquet is the most bytes of a Parquet file, which is read from its end and therefore kept on disk meanwhile.
	MaxParquet = 2 << 30
	// mostImports run at a time, of which mostImportsEach of one workspace; who finds no place within importWait comes again.
	mostImports, mostImportsEach = 4, 2
	importWait                   = 2 * time.Second
	// importBytes is what an import takes of the memory for requests: the parcels under way, and what becomes of them.
	importBytes = importParcels * (parcelBytes + MaxEvents*eventCost)
	// mostNamed is how many rows may be named by what they hold: of each some bytes are kept until the end.
	mostNamed = 6 << 20
)

// Media types of files.
const (
	typeCSV     = "text/csv"
	typeNDJSON  = "application/x-ndjson"
	typeParquet = "application/vnd.apache.parquet"
)

// importer takes files, whose rows become events as a mapping says. The events go the way of all others, through the receiver.
type importer struct {
	*receiver
	stopping <-chan struct{}
	ring     *keyring.Keyring
}

// registerImports adds the endpoint of files.
func registerImports(mount *process.Mount, r *receiver, door *doorman) {
	im := &importer{receiver: r, stopping: mount.Stopping(), ring: door.ring}
	gate := process.NewGate(mostImports, mostImportsEach, importWait, mount.Metrics, "plumbline_collector_imports_turned_away_total")
	mount.Router.POST("/v1/import", door.authenticate, gate.Handler(func(c *gin.Context) string { return keyOf(c).Workspace }),
		process.MaxBody(MaxImport), process.Streaming, im.take)
}

// take is the way of a file: what it is, room, its head, its rows.
func (im *importer) take(c *gin.Context) {
	key := keyOf(c)
	m, from, ok := im.asked(c, key)
	if !ok {
		return
	}
	packed, ok := im.encoding(c)
	if !ok {
		return
	}
	if cost(importBytes) > im.flight.share {
		im.refuse(c, http.StatusServiceUnavailable, "no_room", "This collector has too little room for files: its operator must give --max-in-flight-bytes 32 MiB or more.", nil)
		return
	}
	if !im.room(c, im.flight.take(key.Workspace, importBytes)) {
		return
	}
	defer im.flight.give(key.Workspace, importBytes)
	body := &patientBody{control: http.NewResponseController(c.Writer), body: c.Request.Body, stopping: im.stopping}
	defer body.watch()()
	file, done, err := im.file(c, body, packed)
	defer done()
	var rows *mapping.Reader
	if err == nil {
		rows, err = m.Open(file)
	}
	if err != nil {
		im.refuseFile(c, err)
		return
	}
	// Answers begin before the file has ended.
	_ = body.control.EnableFullDuplex() // HTTP/2 does so by itself
	run := &importRun{importer: im, key: key, keyText: c.GetString(keyTextName), rows: rows, from: from, out: &importAnswers{c: c, control: body.control}}
	run.all(c)
}

// asked reads what the request says about the file; it answers where that is not enough, or not allowed.
func (im *importer) asked(c *gin.Context, key access.Key) (m *mapping.Mapping, from int, ok bool) {
	q := c.Request.URL.Query()
	bad := func(text string, args ...any) (*mapping.Mapping, int, bool) {
		im.refuse(c, http.StatusBadRequest, "bad_query", fmt.Sprintf(text, args...), nil)
		return nil, 0, false
	}
	for _, name := range slices.Sorted(maps.Keys(q)) {
		if !slices.Contains([]string{"mapping", "kind", "source", "set", "from_row"}, name) {
			return bad("There is no parameter %s: give mapping or kind, and where needed source, set and from_row.", short(name))
		}
	}
	from = 1
	if text := q.Get("from_row"); text != "" {
		var err error
		if from, err = strconv.Atoi(text); err != nil || from < 1 {
			return bad("from_row is the number of a row, from 1: the next_row of an import that broke off.")
		}
	}
	m, err := mappingOf(q)
	if err != nil {
		return bad("%s", sentence(strings.ReplaceAll(err.Error(), "\n", "; ")))
	}
	kind, params, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		kind = ""
	}
	switch {
	case err != nil:
	case kind == typeNDJSON || kind == "application/ndjson" || kind == "application/jsonl":
		m, err = m.As("ndjson")
	case kind == typeCSV:
		m, err = m.As("csv")
	}
	if err != nil && kind != "" {
		return bad("%s", sentence(err.Error()))
	}
	if !slices.Contains([]string{typeCSV, typeNDJSON, "application/ndjson", "application/jsonl", typeParquet}, kind) {
		im.refuse(c, http.StatusUnsupportedMediaType, "unsupported_type", "Send "+typeCSV+", "+typeNDJSON+" or "+typeParquet+"; texts in UTF-8.", nil)
		return nil, 0, false
	}
	for _, s := range m.Sources() {
		if !key.Sends(s) {
			im.refuse(c, http.StatusForbidden, string(event.CodeForbiddenSource),
				"This key may not write events of the source "+short(s)+", which the mapping gives them: use a key with that source.", nil)
			return nil, 0, false
		}
	}
	return m, from, true
}

// mappingOf is the mapping that a request names: one of the library, or that of a kind.
func mappingOf(q url.Values) (*mapping.Mapping, error) {
	name, kind := q.Get("mapping"), q.Get("kind")
	if (name == "") == (kind == "") {
		return nil, errors.New("give mapping, a name of the library, or kind, where the columns have the names of the contract")
	}
	if kind != "" {
		if q.Has("set") {
			return nil, errors.New("a kind has nothing to set: leave out set")
		}
		source := q.Get("source")
		if source == "" {
			return nil, errors.New("give the source of the events, such as source=/sheets/hours")
		}
		return mapping.ForKind(event.Kind(kind), source)
	}
	if q.Has("source") {
		return nil, errors.New("a mapping names the source of its events: leave out source")
	}
	set := map[string]string{}
	for _, one := range q["set"] {
		k, v, ok := strings.Cut(one, "=")
		if !ok {
			return nil, errors.New("write set as NAME=VALUE, encoded for a URL")
		}
		set[k] = v
	}
	return mapping.LoadLibrary(name, set)
}

// file is the body as a mapping reads it: Parquet goes to disk first. done gives back what it takes.
func (im *importer) file(c *gin.Context, body io.Reader, packed bool) (file io.Reader, done func(), err error) {
	done = func() {}
	if packed {
		z, err := gzip.NewReader(body)
		if err != nil {
			return nil, done, errNotGzip
		}
		body = z
	}
	body = counted{body, im.metrics.bytes.Add}
	if kind, _, _ := mime.ParseMediaType(c.GetHeader("Content-Type")); kind != typeParquet {
		return body, done, nil
	}
	spool, err := os.CreateTemp("", "plumbline-import-*.parquet")
	if err != nil {
		return nil, done, fmt.Errorf("%w: %w", errSpool, err)
	}
	done = func() {
		_ = spool.Close()
		_ = os.Remove(spool.Name())
	}
	n, err := io.Copy(spool, io.LimitReader(body, MaxParquet+1))
	switch {
	case errors.As(err, new(*fs.PathError)): // it is the disk, and not the client
		return nil, done, fmt.Errorf("%w: %w", errSpool, err)
	case err != nil:
		return nil, done, err
	case n > MaxParquet:
		return nil, done, errTooLarge
	}
	return spool, done, nil
}

// errSpool says that there is no place for a file.
var errSpool = errors.New("keep the file")

// refuseFile answers where a file can not be read from its beginning.
func (im *importer) refuseFile(c *gin.Context, err error) {
	p := fileProblem(err)
	ext := map[string]any{}
	if p.Line > 0 {
		ext["line"] = p.Line
	}
	status := http.StatusBadRequest
	switch {
	case errors.Is(err, errTooLarge):
		status, ext["limit_bytes"] = http.StatusRequestEntityTooLarge, int64(MaxParquet)
	case errors.Is(err, errSpool), errors.Is(err, errStopping):
		status = http.StatusServiceUnavailable
		c.Header("Retry-After", strconv.Itoa(retryBroker))
		im.log.WarnContext(c, "import not begun", "error", err)
	case errors.Is(err, errSilentClient):
		status = http.StatusRequestTimeout
	}
	im.refuse(c, status, p.Code, p.Message, ext)
}

// importProblem is why an import has ended before its file has.
type importProblem struct {
	Code    string `json:"code"`
	Line    int    `json:"line,omitempty"`
	Message string `json:"message"`
}

// fileProblem says why a file can not be read further.
func fileProblem(err error) importProblem {
	var broken *mapping.FileError
	var missing *mapping.MissingColumns
	over := (*http.MaxBytesError)(nil)
	if code, detail, ended := access.Ended(err); ended {
		return importProblem{code, 0, detail}
	}
	switch {
	case errors.As(err, &broken):
		return importProblem{"unreadable", broken.Line, sentence(broken.Message)}
	case errors.As(err, &missing):
		return importProblem{"missing_columns", 1, sentence(strings.TrimPrefix(missing.Error(), "line 1: "))}
	case errors.Is(err, errTooLarge), errors.As(err, &over):
		return importProblem{"too_large", 0, fmt.Sprintf("A file may have at most %d GiB, Parquet at most %d: send it in parts.", MaxImport>>30, MaxParquet>>30)}
	case errors.Is(err, errTooMany):
		return importProblem{"too_many_rows", 0, fmt.Sprintf("At most %d different rows of a file may be named by what they hold: give it a column that names them, or send it in parts.", mostNamed)}
	case errors.Is(err, errSilentClient):
		return importProblem{"too_slow", 0, fmt.Sprintf("For %s nearly nothing has come: go on with from_row.", patience)}
	case errors.Is(err, errStopping):
		return importProblem{"stopping", 0, "The collector stops: go on with from_row a little later."}
	case errors.Is(err, errBrokerAway):
		return importProblem{string(event.CodeBrokerAway), 0, "The log does not confirm events: go on with from_row a little later."}
	case errors.Is(err, errSpool):
		return importProblem{"no_room", 0, "There is no place to keep the file while it is read: send it as CSV, or a little later."}
	}
	return importProblem{"unreadable", 0, unreadable(err)}
}

// sentence begins with a capital and has an end.
func sentence(s string) string {
	if !strings.HasSuffix(s, "?") {
		s += "."
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
