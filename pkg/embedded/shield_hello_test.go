package embedded_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"maps"
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

// revision is 54460 as a number of the native protocol.
const revision = "\xbc\xa9\x03"

// hello is the first packet of a client of the native protocol.
func hello(database, user, password string) string {
	return "\x00" + text("probe") + "\x18\x01" + revision + text(database) + text(user) + text(password)
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

// running returns a function that gives a running database: the same one, until it has ended.
func running(t *testing.T) func() *embedded.Database {
	t.Helper()
	var db *embedded.Database
	return func() *embedded.Database {
		if db != nil {
			select {
			case <-db.Done():
			default:
				return db
			}
		}
		db = startDatabase(t, t.TempDir())
		run(t, connect(t, db.DSN()), createRows)
		return db
	}
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
	database := running(t)
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
		"quoted database":  {func(u *url.URL, _ string) { u.Path = "/a'b`c\\d" }, 81, "a'b`c"},
	} {
		t.Run(name, func(t *testing.T) {
			db := database()
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
	database := running(t)
	key := "PASSWORD"
	good := hello("plumbline", "plumbline", key)
	chunked := strings.Replace(good, revision, "\xc6\xa9\x03", 1) // 54470
	newest := strings.Replace(good, revision, "\xd8\xa9\x03", 1)  // 54488
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
		"cluster":                  {"\x00" + text("probe") + "\x18\x01" + revision + text("") + text(" INTERSERVER SECRET ") + text("")},
		"hello, then the end":      {good, ""},
		"hello, then no addendum":  {good, "\xff\xff"},
		"hello, then http":         {good, "GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n"},
		"hello, then unknown":      {good, text("") + "\x63rest"},
		"hello, then half a query": {good, text("") + "\x01" + text("id") + "\x01"},
		"hello, then data":         {good, text("") + "\x02" + text("") + strings.Repeat("\xff", 64)},
		"hello, then bad query":    {good, text("") + "\x01" + text("id") + strings.Repeat("\xff", 64)},
		"hello, then hello":        {good, text("") + good},
		"hello, then half a key":   {good, "\x40half"},
		"hello, then a long key":   {good, text(strings.Repeat("x", 1<<20))},
		"hello, then bad framing":  {chunked, text("") + text("frob") + text("frob") + "\x01"},
		"hello, then half framing": {chunked, text("") + text("chunked") + "\x0anot"},
		"hello, then bad chunks":   {chunked, text("") + text("chunked") + text("chunked") + "\x01\xff\xff\xff\x7frest"},
		"hello, then two minds":    {chunked, text("") + text("notchunked") + text("chunked_optional")},
		"hello of a new revision":  {newest, text("") + text("notchunked") + text("notchunked")},
	} {
		t.Run(name, func(t *testing.T) {
			db := database()
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

// A client of any revision is let in with the addendum of that revision, and gets its answers.
func TestAddendumOfARevision(t *testing.T) {
	db := startDatabase(t, t.TempDir())
	u, err := url.Parse(db.DSN())
	if err != nil {
		t.Fatal(err)
	}
	framing := text("notchunked") + text("notchunked")
	for n, addendum := range map[uint64]string{
		54457: "",
		54458: text(""),
		54460: text("key"),
		54469: text(""),
		54470: text("") + framing,
		54471: text("") + framing + "\x05",
		54488: text("") + framing + "\x05",
	} {
		said := strings.Replace(hello("plumbline", "plumbline", password(t, db.DSN())), revision, string(binary.AppendUvarint(nil, n)), 1)
		// A ping is 4, and so is a pong.
		for name, addr := range map[string]string{"shield": u.Host, "engine": strings.Split(strings.Split(db.PrivateDSN(), "@")[1], "/")[0]} {
			if answer := exchange(t, addr, said, addendum+"\x04"); !strings.HasSuffix(answer, "\x04") {
				t.Errorf("%s, revision %d: %.100q; want a pong at the end", name, n, answer)
			}
		}
	}
	outlives(t, db)
}

// httpKey stands for the right password in what is sent.
const httpKey = "PASSWORD"

// httpOwner are the headers of who may in.
const httpOwner = "X-ClickHouse-User: plumbline\r\nX-ClickHouse-Key: " + httpKey + "\r\n"

// basic is the header of a basic authorization.
func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)) + "\r\n"
}

// badHeads are requests whose head is wrong.
func badHeads() map[string][]string {
	const in = httpOwner
	get := func(path, headers string) []string {
		return []string{"GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n"}
	}
	return map[string][]string{
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
		"bad length, pipeline": {"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: abc\r\n\r\nSELECT 1"},
	}
}

// badBodies are requests whose body is wrong, or the length of it.
func badBodies() map[string][]string {
	const (
		in   = httpOwner
		post = "POST / HTTP/1.1\r\nHost: localhost\r\n" + in
	)
	return map[string][]string{
		"bad length":           {post + "Content-Length: abc\r\n\r\nSELECT 1"},
		"longest length":       {post + "Content-Length: 9223372036854775807\r\n\r\nSELECT 1"},
		"too long a length":    {post + "Content-Length: 99999999999999999999\r\n\r\nSELECT 1"},
		"two lengths":          {post + "Content-Length: 8\r\nContent-Length: abc\r\n\r\nSELECT 1"},
		"bad length, bare end": {"POST / HTTP/1.1\nHost: localhost\n" + "Content-Length: abc\n\nSELECT 1"},
		"bad length, later":    {"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n", post + "Content-Length: abc\r\n\r\nSELECT 1"},
		"bad length, chunked":  {post + "Content-Length: abc\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nSELECT 1\r\n0\r\n\r\n"},
		"negative length":      {post + "Content-Length: -5\r\n\r\nSELECT 1"},
		"short body":           {post + "Content-Length: 500\r\n\r\nSELECT 1"},
		"bad chunk":            {post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nSELECT 1\r\n"},
		"half a chunk":         {post + "Transfer-Encoding: chunked\r\n\r\nff\r\nSELECT 1"},
		"half an insert":       {"POST /?query=INSERT+INTO+rows+FORMAT+TSV HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Length: 500\r\n\r\n1\n2\n"},
		"bad compression":      {"POST /?decompress=1 HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Length: 50\r\n\r\n" + strings.Repeat("\xff", 50)},
		"bad content encoding": {post + "Content-Encoding: gzip\r\nContent-Length: 50\r\n\r\n" + strings.Repeat("\xff", 50)},
		"unknown encoding":     {post + "Content-Encoding: frob\r\nContent-Length: 8\r\n\r\nSELECT 1"},
		"bad form":             {"POST /?query=SELECT+1 HTTP/1.1\r\nHost: localhost\r\n" + in + "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 8\r\n\r\nSELECT 1"},
		"refused, with a body": {"POST / HTTP/1.1\r\nHost: localhost\r\n" + basic("plumbline", "guess") + "Content-Length: 5000000\r\n\r\n" + strings.Repeat("x", 100_000)},
	}
}

// The same for the port of HTTP.
func TestDatabaseOutlivesNonsenseOnTheHTTPPort(t *testing.T) {
	database := running(t)
	requests := badHeads()
	maps.Copy(requests, badBodies())
	for name, parts := range requests {
		t.Run(name, func(t *testing.T) {
			db := database()
			for i := range parts {
				parts[i] = strings.ReplaceAll(parts[i], httpKey, password(t, db.DSN()))
			}
			answer := exchange(t, db.HTTPAddr(), parts...)
			t.Logf("answer: %.300q", answer)
			outlives(t, db)
		})
	}
}

// What is right passes whole, also what is long, both ways.
func TestHTTPPassesLongBodies(t *testing.T) {
	db := startDatabase(t, t.TempDir())
	run(t, connect(t, db.DSN()), createRows)
	const lines = 200_000
	insert := "INSERT INTO plumbline.rows FORMAT TSV\n" + strings.Repeat("7\n", lines)
	if status, body := ask(t, db, password(t, db.DSN()), insert); status != 200 {
		t.Fatalf("insert: %d %s", status, body)
	}
	status, body := ask(t, db, password(t, db.DSN()), "SELECT n FROM plumbline.rows FORMAT TSV")
	if status != 200 || body != strings.Repeat("7\n", lines) {
		t.Errorf("%d with %d bytes; want 200 with %d", status, len(body), 2*lines)
	}
}

// A database that came after the start lets clients in, and none once it is gone.
func TestDatabasesComeAndGo(t *testing.T) {
	db := startDatabase(t, t.TempDir())
	owner := connect(t, db.DSN())
	dsn := strings.TrimSuffix(db.DSN(), "/plumbline") + "/later"
	run(t, owner, "CREATE DATABASE later")
	later := connect(t, dsn)
	run(t, later, createRows)
	if n := count(t, later); n != 0 {
		t.Errorf("%d rows in a new table", n)
	}
	run(t, owner, "DROP DATABASE later SYNC")
	var refused *clickhouse.Exception
	if err := connect(t, dsn).Ping(t.Context()); !errors.As(err, &refused) || refused.Code != 81 {
		t.Errorf("%v; want UNKNOWN_DATABASE", err)
	}
	outlives(t, db)
}
