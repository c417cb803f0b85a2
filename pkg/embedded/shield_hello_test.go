package embedded_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/embedded"
)

// text is a string of the native protocol: its length, then its bytes.
func text(s string) string {
	return string(binary.AppendUvarint(nil, uint64(len(s)))) + s
}

// hello is the first packet of a client of the native protocol, of revision 54460.
func hello(database, user, password string) string {
	return "\x00" + text("probe") + "\x18\x01\xbc\xa9\x03" + text(database) + text(user) + text(password)
}

// exchange sends the parts one by one, each after an answer to the one before, ends what it says, and returns the answer
// until the other side ends, at most 5 s.
func exchange(t *testing.T, addr string, parts ...string) string {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	var answer strings.Builder
	buf := make([]byte, 1<<16)
	for i, part := range parts {
		if _, err := conn.Write([]byte(part)); err != nil {
			return answer.String() // refused at an earlier part
		}
		if i < len(parts)-1 {
			n, err := conn.Read(buf)
			answer.Write(buf[:n])
			if err != nil {
				return answer.String()
			}
		}
	}
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(&answer, conn)
	return answer.String()
}

// outlives fails the test where the database does not answer any more.
func outlives(t *testing.T, db *embedded.Database) {
	t.Helper()
	select {
	case <-db.Done():
		t.Fatalf("the database has ended: %v", db.Err())
	case <-time.After(200 * time.Millisecond): // an abort takes about 0.05 s
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := connect(t, db.DSN()).Ping(ctx); err != nil {
		t.Fatalf("the database does not answer: %v", err)
	}
}

// Whoever may not in is told so, in the words of the protocol, and the database lives on.
func TestDatabaseOutlivesRefusedClients(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(u *url.URL, password string)
		code   int32
		says   string
	}{
		"wrong password":   {func(u *url.URL, _ string) { u.User = url.UserPassword("plumbline", "guess") }, 516, "password"},
		"empty password":   {func(u *url.URL, _ string) { u.User = url.User("plumbline") }, 516, "password"},
		"unknown user":     {func(u *url.URL, p string) { u.User = url.UserPassword("nobody", p) }, 516, "nobody"},
		"anonymous":        {func(u *url.URL, _ string) { u.User = url.User("default") }, 516, "default"},
		"unknown database": {func(u *url.URL, _ string) { u.Path = "/missing" }, 81, "missing"},
		"quoted database":  {func(u *url.URL, _ string) { u.Path = "/a'b`c\\d" }, 81, "a'b`c\\d"},
	} {
		t.Run(name, func(t *testing.T) {
			db := startDatabase(t, t.TempDir())
			u, err := url.Parse(db.DSN())
			if err != nil {
				t.Fatal(err)
			}
			tt.change(u, password(t, db.DSN()))
			err = connect(t, u.String()).Ping(t.Context())
			var refused *clickhouse.Exception
			if !errors.As(err, &refused) || refused.Code != tt.code || !strings.Contains(refused.Message, tt.says) {
				t.Errorf("%v; want code %d that names %s", err, tt.code, tt.says)
			}
			outlives(t, db)
		})
	}
}

// What is no hello of the native protocol, or only half of one, or goes on with nonsense, takes no database along.
func TestDatabaseOutlivesNonsenseOnTheNativePort(t *testing.T) {
	key := "PASSWORD"
	good := hello("plumbline", "plumbline", key)
	// A query of revision 54460 begins with its code and its id.
	for name, parts := range map[string][]string{
		"nothing":                  {""},
		"http":                     {"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"tls":                      {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 507)},
		"garbage":                  {"\xff\xfe\xfd" + strings.Repeat("\xff", 100)},
		"half a hello":             {good[:12]},
		"hello without password":   {good[:len(good)-len(key)-1]},
		"endless number":           {"\x00" + text("probe") + strings.Repeat("\xff", 1000)},
		"endless string":           {"\x00\xff\xff\xff\xff\x7f" + strings.Repeat("x", 100000)},
		"no revision":              {"\x00" + text("probe") + "\x18\x01\x00" + text("plumbline") + text("plumbline") + text(key)},
		"cluster":                  {"\x00" + text("probe") + "\x18\x01\xbc\xa9\x03" + text("") + text(" INTERSERVER SECRET ") + text("")},
		"hello, then the end":      {good, ""},
		"hello, then no addendum":  {good, "\xff\xff"},
		"hello, then http":         {good, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"hello, then unknown":      {good, text("") + "\x63rest"},
		"hello, then half a query": {good, text("") + "\x01" + text("id") + "\x01"},
		"hello, then data":         {good, text("") + "\x02" + text("") + strings.Repeat("\xff", 64)},
		"hello, then bad query":    {good, text("") + "\x01" + text("id") + strings.Repeat("\xff", 64)},
		"hello, then hello":        {good, text("") + good},
	} {
		t.Run(name, func(t *testing.T) {
			db := startDatabase(t, t.TempDir())
			u, err := url.Parse(db.DSN())
			if err != nil {
				t.Fatal(err)
			}
			for i := range parts {
				parts[i] = strings.ReplaceAll(parts[i], text(key), text(password(t, db.DSN())))
			}
			answer := exchange(t, u.Host, parts...)
			t.Logf("answer: %.200q", answer)
			outlives(t, db)
		})
	}
}

// The same for the port of HTTP.
func TestDatabaseOutlivesNonsenseOnTheHTTPPort(t *testing.T) {
	get := func(path, headers string) []string {
		return []string{"GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n"}
	}
	basic := func(user, password string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
	}
	const key = "PASSWORD"
	in := "X-ClickHouse-User: plumbline\r\nX-ClickHouse-Key: " + key + "\r\n"
	for name, parts := range map[string][]string{
		"nothing":              {""},
		"native hello":         {hello("plumbline", "plumbline", "guess")},
		"tls":                  {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 507)},
		"garbage":              {"\xff\xfe\xfd" + strings.Repeat("\xff", 100) + "\r\n\r\n"},
		"no request line":      {"\r\n\r\n\r\n\r\n"},
		"half a request":       {"GET /pi"},
		"half a header":        {"GET /ping HTTP/1.1\r\nHost: loc"},
		"unknown method":       {"FROB /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"unknown version":      {"GET /ping HTTP/9.9\r\nHost: localhost\r\n\r\n"},
		"bad address":          get("/?query=%zz&%=%", in),
		"unknown path":         get("/nowhere", ""),
		"basic":                get("/?query=SELECT+1", basic("plumbline", "guess")),
		"basic, broken":        get("/?query=SELECT+1", "Authorization: Basic ???\r\n"),
		"negotiate":            get("/?query=SELECT+1", "Authorization: Negotiate YII=\r\n"),
		"bearer":               get("/?query=SELECT+1", "Authorization: Bearer abc\r\n"),
		"header":               get("/?query=SELECT+1", "X-ClickHouse-User: plumbline\r\nX-ClickHouse-Key: guess\r\n"),
		"parameter":            get("/?user=plumbline&password=guess&query=SELECT+1", ""),
		"unknown user":         get("/?user=nobody&query=SELECT+1", ""),
		"two credentials":      get("/?user=plumbline&password=guess&query=SELECT+1", basic("plumbline", "guess")),
		"unknown database":     get("/?database=missing&query=SELECT+1", in),
		"unknown setting":      get("/?frobnicate=1&query=SELECT+1", in),
		"unknown session":      get("/?session_id=a&session_check=1&query=SELECT+1", in),
		"bad session timeout":  get("/?session_id=a&session_timeout=abc&query=SELECT+1", in),
		"bad query":            get("/?query=SELEKT", in),
		"bad format":           get("/?default_format=Frob&query=SELECT+1", in),
		"certificate":          get("/?query=SELECT+1", "X-ClickHouse-SSL-Certificate-Auth: on\r\nX-ClickHouse-User: plumbline\r\n"),
		"huge header":          get("/ping", "X-Long: "+strings.Repeat("x", 1<<20)+"\r\n"),
		"many headers":         get("/ping", strings.Repeat("X-Many: x\r\n", 100_000)),
		"huge address":         get("/?query=SELECT+1&x="+strings.Repeat("x", 2<<20), ""),
		"bad expectation":      get("/?query=SELECT+1", in+"Expect: nonsense\r\n"),
		"bad length":           {"POST / HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Length: abc\r\n\r\nSELECT 1"},
		"negative length":      {"POST / HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Length: -5\r\n\r\nSELECT 1"},
		"short body":           {"POST / HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Length: 500\r\n\r\nSELECT 1"},
		"bad chunk":            {"POST / HTTP/1.1\r\nHost: localhost\r\n" + in + "Transfer-Encoding: chunked\r\n\r\nzz\r\nSELECT 1\r\n"},
		"half a chunk":         {"POST / HTTP/1.1\r\nHost: localhost\r\n" + in + "Transfer-Encoding: chunked\r\n\r\nff\r\nSELECT 1"},
		"half an insert":       {"POST /?query=INSERT+INTO+rows+FORMAT+TSV HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Length: 500\r\n\r\n1\n2\n"},
		"bad compression":      {"POST /?decompress=1 HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Length: 50\r\n\r\n" + strings.Repeat("\xff", 50)},
		"bad content encoding": {"POST / HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Encoding: gzip\r\nContent-Length: 50\r\n\r\n" + strings.Repeat("\xff", 50)},
		"unknown encoding":     {"POST / HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Encoding: frob\r\nContent-Length: 8\r\n\r\nSELECT 1"},
		"bad form":             {"POST /?query=SELECT+1 HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 8\r\n\r\nSELECT 1"},
		"refused, with a body": {"POST / HTTP/1.1\r\nHost: localhost\r\n" + basic("plumbline", "guess") + "Content-Length: 5000000\r\n\r\n" + strings.Repeat("x", 100_000)},
	} {
		t.Run(name, func(t *testing.T) {
			db := startDatabase(t, t.TempDir())
			run(t, connect(t, db.DSN()), createRows)
			for i := range parts {
				parts[i] = strings.ReplaceAll(parts[i], key, password(t, db.DSN()))
			}
			answer := exchange(t, db.HTTPAddr(), parts...)
			t.Logf("answer: %.300q", answer)
			outlives(t, db)
		})
	}
}
