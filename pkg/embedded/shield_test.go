package embedded_test

import (
	"io"
	"net"
	"net/url"
	"testing"
	"time"
)

// resetting is a proxy before a database that ends its connections as the kernel does for a process that is killed with
// an answer unread: without a word, and with a reset.
func resetting(t *testing.T, target string) (addr string, reset func()) {
	t.Helper()
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	conns := make(chan *net.TCPConn, 16)
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			var dialer net.Dialer
			server, err := dialer.DialContext(t.Context(), "tcp4", target)
			if err != nil {
				_ = client.Close()
				continue
			}
			conns <- server.(*net.TCPConn)
			go func() { _, _ = io.Copy(server, client) }()
			go func() {
				_, _ = io.Copy(client, server)
				_ = client.Close()
			}()
		}
	}()
	return l.Addr().String(), func() {
		for {
			select {
			case c := <-conns:
				_ = c.SetLinger(0)
				_ = c.Close()
			default:
				return
			}
		}
	}
}

// A client that dies takes no database along: neither one that was idle, nor one in the middle of a long answer or of
// an insert.
func TestDatabaseOutlivesResetConnections(t *testing.T) {
	db := startDatabase(t, t.TempDir())
	u, err := url.Parse(db.DSN())
	if err != nil {
		t.Fatal(err)
	}
	run(t, connect(t, db.DSN()), createRows)
	var reset func()
	u.Host, reset = resetting(t, u.Host)
	for range 5 {
		conn := connect(t, u.String())
		run(t, conn, "SELECT 1")
		reset()
		answer := make(chan struct{})
		conn = connect(t, u.String())
		go func() {
			defer close(answer)
			rows, err := conn.Query(t.Context(), "SELECT repeat('x', 1000) FROM numbers(100000000)")
			if err != nil {
				return
			}
			defer func() { _ = rows.Close() }()
			for rows.Next() {
			}
			if rows.Err() == nil {
				t.Error("an answer of 100 GB has come to its end")
			}
		}()
		time.AfterFunc(100*time.Millisecond, reset)
		<-answer
		batch, err := connect(t, u.String()).PrepareBatch(t.Context(), "INSERT INTO rows")
		if err != nil {
			t.Fatal(err)
		}
		if err := batch.Append(uint64(1)); err != nil {
			t.Fatal(err)
		}
		if err := batch.Flush(); err != nil {
			t.Fatal(err)
		}
		reset()
		_ = batch.Send()
	}
	reset()
	select {
	case <-db.Done():
		t.Fatalf("the database has ended: %v", db.Err())
	case <-time.After(300 * time.Millisecond):
	}
	count(t, connect(t, db.DSN())) // it still answers
}
