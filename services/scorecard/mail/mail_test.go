package mail

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"plumbline/pkg/process/processtest"
	"plumbline/pkg/trust"
)

// server is a real mail server with TLS and AUTH.
type server struct {
	t         *testing.T
	ca        string
	papers    tls.Certificate
	address   string
	overTLS   bool
	mu        sync.Mutex
	got       []string
	envelopes []string
	// rcpt is what it says to a recipient, nil for welcome.
	rcpt error
	stop func()
}

const user, password = "plumbline", "a password of the tests"

func newServer(t *testing.T, overTLS bool) *server {
	t.Helper()
	cert, key, _ := processtest.Certificate(t, t.TempDir(), "127.0.0.1")
	papers, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, ca: cert, papers: papers, address: "127.0.0.1:0", overTLS: overTLS}
	s.start()
	return s
}

// start listens, at the address of before where there was one.
func (s *server) start() {
	s.t.Helper()
	srv := smtp.NewServer(s)
	srv.Domain, srv.ReadTimeout, srv.WriteTimeout = "127.0.0.1", 10*time.Second, 10*time.Second
	srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{s.papers}, MinVersion: tls.VersionTLS12}
	listener, err := net.Listen("tcp", s.address) //nolint:noctx // it listens at once
	if err != nil {
		s.t.Fatal(err)
	}
	s.address = listener.Addr().String()
	serve := listener
	if s.overTLS {
		serve = tls.NewListener(listener, srv.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(serve) // ends with the stop
	}()
	s.stop = sync.OnceFunc(func() {
		_ = srv.Close()
		_ = listener.Close()
		<-done
	})
	s.t.Cleanup(s.stop)
}

// NewSession begins the talk with a client.
func (s *server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{server: s}, nil }

type session struct {
	*server
	known    bool
	envelope string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, secret string) error {
		if s.known = name == user && secret == password; !s.known {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	s.envelope = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.envelope += " " + to
	return s.rcpt
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got, s.envelopes = append(s.got, string(raw)), append(s.envelopes, s.envelope)
	return err
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *server) config() Config {
	c := Config{Address: s.address, CA: s.ca, From: "Plumbline <plumbline@example.com>", User: user, Password: trust.Password{Text: password}}
	if s.overTLS {
		c.TLS = OverTLS
	}
	return c
}

var message = Message{
	ID: "msg_1.ann", To: "ann@example.com", Subject: "Plumbline: the organisation – August", Text: []byte("Net hours saved  612.3 h\n"), HTML: []byte("<p>612.3 h</p>"),
	At: time.Date(2026, 11, 2, 6, 0, 0, 0, time.UTC),
}

func TestSend(t *testing.T) {
	t.Parallel()
	for name, overTLS := range map[string]bool{"starttls": false, "tls": true} {
		s := newServer(t, overTLS)
		cfg := s.config()
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := cfg.Send(t.Context(), message); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		mail, err := netmail.ReadMessage(strings.NewReader(s.got[0]))
		if err != nil {
			t.Fatal(err)
		}
		h := mail.Header
		if h.Get("Message-ID") != "<msg_1.ann@example.com>" || h.Get("To") != "<ann@example.com>" || !strings.HasPrefix(h.Get("Content-Type"), "multipart/alternative") ||
			h.Get("Auto-Submitted") != "auto-generated" || !strings.HasPrefix(h.Get("Date"), "Mon, 02 Nov 2026") || s.envelopes[0] != "plumbline@example.com ann@example.com" {
			t.Errorf("%s: %v %q", name, h, s.envelopes)
		}
		// A wrong password, and a server that nobody vouches for.
		cfg.Password.Text = "another one"
		if err := cfg.Send(t.Context(), message); err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "another one") {
			t.Errorf("%s: with a wrong password: %v", name, err)
		}
		cfg = s.config()
		cfg.CA = ""
		if err := cfg.Send(t.Context(), message); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: a certificate that nobody knows: %v", name, err)
		}
		if len(s.got) != 1 {
			t.Errorf("%s: %d mails arrived", name, len(s.got))
		}
	}
}

// What is refused for good is told apart from what is worth another try; neither says to whom. A server that is away is reached when
// it is back.
func TestServerRefusesAndIsAway(t *testing.T) {
	t.Parallel()
	s := newServer(t, false)
	for code, refused := range map[int]bool{450: false, 550: true} {
		s.mu.Lock()
		s.rcpt = &smtp.SMTPError{Code: code, Message: "nobody called ann@example.com here"}
		s.mu.Unlock()
		err := s.config().Send(t.Context(), message)
		if err == nil || errors.Is(err, ErrRefused) != refused || strings.Contains(err.Error(), "ann") {
			t.Errorf("%d: %v", code, err)
		}
	}
	s.rcpt = nil
	cfg := s.config()
	s.stop()
	if err := cfg.Send(t.Context(), message); err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), password) {
		t.Errorf("a server that is away: %v", err)
	}
	s.start()
	if err := cfg.Send(t.Context(), message); err != nil {
		t.Errorf("a server that is back: %v", err)
	}
}

// A server without STARTTLS gets neither password nor mail.
func TestNothingInPlainText(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // it listens at once
	if err != nil {
		t.Fatal(err)
	}
	var heard bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(conn, "220 here\r\n")
		buffer := make([]byte, 4096)
		for {
			n, err := conn.Read(buffer)
			heard.Write(buffer[:n])
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "250-here\r\n250 AUTH PLAIN LOGIN\r\n")
		}
	}()
	cfg := Config{Address: listener.Addr().String(), From: "plumbline@example.com", User: user, Password: trust.Password{Text: password}}
	if err := cfg.Send(t.Context(), message); err == nil {
		t.Error("it was sent in plain text")
	}
	_ = listener.Close()
	<-done
	if strings.Contains(heard.String(), "AUTH") || strings.Contains(heard.String(), "MAIL") {
		t.Errorf("it heard %q", heard.String())
	}
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret := trust.Password{Text: password}
	for name, c := range map[string]struct {
		cfg  Config
		want string
	}{
		"none":                      {Config{}, ""},
		"with a file":               {Config{Address: "mail.example.com:587", From: "p@example.com", User: user, Password: trust.Password{File: file}}, ""},
		"of this machine":           {Config{Address: "localhost:25", TLS: Plain, From: "p@example.com"}, ""},
		"no server":                 {Config{From: "p@example.com"}, "--smtp-address"},
		"no port":                   {Config{Address: "mail.example.com", From: "p@example.com"}, "--smtp-address"},
		"from nobody":               {Config{Address: "mail.example.com:587"}, "--smtp-from"},
		"from two lines":            {Config{Address: "mail.example.com:587", From: "p@example.com\r\nBcc: x@example.com"}, "--smtp-from"},
		"plain text elsewhere":      {Config{Address: "mail.example.com:25", TLS: Plain, From: "p@example.com"}, "--smtp-tls"},
		"a password in plain text":  {Config{Address: "localhost:25", TLS: Plain, From: "p@example.com", User: user, Password: secret}, "--smtp-tls"},
		"a user without a password": {Config{Address: "mail.example.com:587", From: "p@example.com", User: user}, "--smtp-password-file"},
		"a password for nobody":     {Config{Address: "mail.example.com:587", From: "p@example.com", Password: secret}, "--smtp-user"},
		"no such file":              {Config{Address: "mail.example.com:587", From: "p@example.com", User: user, Password: trust.Password{File: file + "x"}}, "--smtp-password-file"},
		"no authority":              {Config{Address: "mail.example.com:587", From: "p@example.com", CA: file}, "--smtp-ca"},
	} {
		err := c.cfg.Validate()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), password)):
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}
