package scorecard

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"plumbline/pkg/access"
	"plumbline/pkg/bus"
	"plumbline/pkg/embedded/embeddedtest"
	"plumbline/pkg/event"
	"plumbline/pkg/process"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

func TestMain(m *testing.M) { embeddedtest.Main(m) }

const (
	workspace  = "default"
	adminToken = "an admin token of the tests"
	secretText = "a secret of the tests, 32 characters or more"
)

// bench is a scorecard over engines of its own, with what a test needs to fill and to ask it.
type bench struct {
	t          *testing.T
	db         *warehouse.DB
	cfg        Config
	base       string
	maker      *warehousetest.Maker
	generation uint64
	schemas    *jsonschema.Compiler
	cookie     string
	// routes are what the scorecard has registered.
	routes func() gin.RoutesInfo
}

// newBench starts a scorecard at the given time.
func newBench(t *testing.T, now time.Time) *bench {
	t.Helper()
	b := newEngines(t, now)
	b.serve()
	return b
}

// newEngines are the engines of a bench, whose scorecard is still to be started.
func newEngines(t *testing.T, now time.Time) *bench {
	t.Helper()
	brokers, prefix := embeddedtest.Broker(t)
	cfg := Config{
		Bus: bus.Config{Brokers: brokers, Prefix: prefix, Partitions: 1}, Warehouse: warehouse.Config{DSN: embeddedtest.Database(t), SegmentRows: 3},
		Secret: event.Secret(secretText), AdminToken: adminToken, Now: func() time.Time { return now },
	}
	db, err := warehouse.Open(t.Context(), cfg.Warehouse)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, db: db, cfg: cfg, maker: warehousetest.NewMaker()}
}

// serve runs the scorecard until the test ends.
func (b *bench) serve() {
	b.t.Helper()
	ready, failed := make(chan string, 1), make(chan error, 1)
	ctx, stop := context.WithCancel(b.t.Context())
	server := process.Server{
		Addr: "127.0.0.1:0", Log: slog.New(slog.NewTextHandler(b.t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})), Ready: func(addr string) { ready <- "http://" + addr },
	}
	go func() {
		failed <- server.Run(ctx, func(m *process.Mount) error {
			b.routes = m.Router.(*gin.Engine).Routes
			return Run(ctx, b.cfg, m)
		})
	}()
	b.t.Cleanup(func() {
		stop()
		if err := <-failed; err != nil {
			b.t.Errorf("stop scorecard: %v", err)
		}
	})
	select {
	case b.base = <-ready:
	case err := <-failed:
		failed <- nil
		b.t.Fatalf("start scorecard: %v", err)
	}
}

// insert stores events and rolls everything.
func (b *bench) insert(rows ...event.Stored) {
	b.t.Helper()
	byKind := map[event.Kind][]event.Stored{}
	for _, r := range rows {
		byKind[r.Kind] = append(byKind[r.Kind], r)
	}
	for kind, rows := range byKind {
		if err := b.db.InsertRaw(b.t.Context(), kind, rows); err != nil {
			b.t.Fatal(err)
		}
	}
	b.roll()
}

// roll makes the rollups of all days anew, as the loader does.
func (b *bench) roll() {
	b.t.Helper()
	if err := b.rolled(); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) rolled() error {
	ctx := b.t.Context()
	days, err := b.db.AllDays(ctx, workspace)
	if err != nil {
		return err
	}
	records, err := b.db.Registry(ctx, workspace)
	if err != nil {
		return err
	}
	zone := registry.NewSnapshot(records).Zone(b.cfg.Now())
	for chunk := range slices.Chunk(warehouse.LocalDays(zone, days), warehouse.MaxRollDays) {
		b.generation++
		err := b.db.Roll(ctx, warehouse.RollRequest{Workspace: workspace, Zone: zone.String(), Days: warehouse.WholeDays(chunk), Generation: b.generation})
		if err != nil {
			return err
		}
	}
	return nil
}

// declare writes an entry into the registry table, as the loader does.
func (b *bench) declare(kind registry.Kind, key, body string) {
	b.t.Helper()
	r, problems := registry.Body(kind, key, []byte(body), time.UTC)
	if len(problems) > 0 {
		b.t.Fatal(problems)
	}
	r.Workspace, r.RecordedAt, r.EntryID, r.Author = workspace, b.cfg.Now(), fmt.Sprintf("%s/%s/%s", kind, key, r.ValidFrom), "test"
	if err := b.db.InsertRegistry(b.t.Context(), []registry.Record{r}); err != nil {
		b.t.Fatal(err)
	}
}

// as signs in as a person.
func (b *bench) as(role access.Role, person string) *bench {
	b.t.Helper()
	sessions := access.NewSessions([]byte(secretText), b.cfg.Now, access.Lifetimes{})
	value, err := sessions.Value(sessions.Start(access.Viewer{Workspace: workspace, Person: person, Role: role}, access.ByLink))
	if err != nil {
		b.t.Fatal(err)
	}
	return b.with(value)
}

// with is the bench of whoever has a session.
func (b *bench) with(session string) *bench {
	other := *b
	other.cookie = access.CookieName + "=" + session
	return &other
}

// reply is the head of an answer; its body is read and closed.
type reply struct {
	StatusCode int
	Header     http.Header
	cookies    []*http.Cookie
}

// do sends a request as the viewer of the bench.
func (b *bench) do(method, path, body string, headers ...string) (reply, []byte) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.base+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	if b.cookie != "" {
		req.Header.Set("Cookie", b.cookie)
	} else {
		req.Header.Set("Authorization", "Bearer "+adminToken)
	}
	for i := 0; i < len(headers); i += 2 {
		if req.Header.Set(headers[i], headers[i+1]); headers[i+1] == "" {
			req.Header.Del(headers[i])
		}
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	raw, err := io.ReadAll(res.Body)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		b.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, res.Cookies()}, raw
}

// get reads an answer of the API, holds it to its schema in openapi.yaml, and returns it with numbers as they were written.
func (b *bench) get(path, schema string) node {
	b.t.Helper()
	res, raw := b.do(http.MethodGet, path, "")
	if res.StatusCode != http.StatusOK {
		b.t.Fatalf("GET %s: %d %s", path, res.StatusCode, raw)
	}
	return b.hold(path, schema, raw)
}

func (b *bench) hold(path, schema string, raw []byte) node {
	b.t.Helper()
	if b.schemas == nil {
		_, description := b.do(http.MethodGet, "/api/openapi.json", "")
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(description))
		if err != nil {
			b.t.Fatal(err)
		}
		b.schemas = jsonschema.NewCompiler()
		if err := b.schemas.AddResource("https://plumbline.example/openapi.json", doc); err != nil {
			b.t.Fatal(err)
		}
	}
	compiled, err := b.schemas.Compile("https://plumbline.example/openapi.json#/components/schemas/" + schema)
	if err != nil {
		b.t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	if err := compiled.Validate(value); err != nil {
		b.t.Fatalf("GET %s does not fit schema %s: %v\n%s", path, schema, err, raw)
	}
	return node{b.t, value, path}
}

// node is a place in an answer.
type node struct {
	t     *testing.T
	value any
	path  string
}

// at goes down by names and indices.
func (n node) at(steps ...any) node {
	n.t.Helper()
	for _, s := range steps {
		switch s := s.(type) {
		case string:
			object, ok := n.value.(map[string]any)
			if !ok {
				n.t.Fatalf("%s is no object: %v", n.path, n.value)
			}
			n.value = object[s]
		case int:
			list, ok := n.value.([]any)
			if !ok || s >= len(list) {
				n.t.Fatalf("%s has no item %d: %v", n.path, s, n.value)
			}
			n.value = list[s]
		}
		n.path += fmt.Sprintf("/%v", s)
	}
	return n
}

// text is the value as it was written; "null" where it is.
func (n node) text() string {
	if n.value == nil {
		return "null"
	}
	return fmt.Sprint(n.value)
}

// number is the value as a float.
func (n node) number() float64 {
	n.t.Helper()
	v, ok := n.value.(json.Number)
	if !ok {
		n.t.Fatalf("%s is no number: %v", n.path, n.value)
	}
	f, err := v.Float64()
	if err != nil {
		n.t.Fatal(err)
	}
	return f
}

func (n node) list() []any {
	l, _ := n.value.([]any)
	return l
}

// is holds the value to a text.
func (n node) is(want string) {
	n.t.Helper()
	if got := n.text(); got != want {
		n.t.Errorf("%s is %s, want %s", n.path, got, want)
	}
}

// near holds the value to a number within a tolerance.
func (n node) near(want, tolerance float64) {
	n.t.Helper()
	if got := n.number(); !(got-want <= tolerance && want-got <= tolerance) {
		n.t.Errorf("%s is %v, want %v ± %v", n.path, got, want, tolerance)
	}
}

// dataset reads a file of public data that stands beside the checkout.
func dataset(t *testing.T, name string) []map[string]string {
	t.Helper()
	file, err := os.Open(filepath.Join(sharedFolder(t), "datasets", name))
	if err != nil {
		t.Skipf("the data set %s is not there: %v", name, err)
	}
	defer func() { _ = file.Close() }()
	records, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range records[1:] {
		row := map[string]string{}
		for i, name := range records[0] {
			row[strings.TrimPrefix(name, "\ufeff")] = r[i]
		}
		out = append(out, row)
	}
	return out
}

// sharedFolder is PLUMBLINE_SHARED, or the folder "shared" beside the repository.
func sharedFolder(t *testing.T) string {
	t.Helper()
	if dir := os.Getenv("PLUMBLINE_SHARED"); dir != "" {
		return dir
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.work")); err == nil {
			return filepath.Join(filepath.Dir(dir), "shared")
		}
	}
	t.Skip("no go.work above the test, so no folder shared beside it")
	return ""
}
