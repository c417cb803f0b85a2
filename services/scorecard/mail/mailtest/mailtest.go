// Package mailtest runs a mail server for tests.
package mailtest

import (
	"crypto/tls"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"plumbline/pkg/process/processtest"
)

// Server is a real mail server with TLS and AUTH.
type Server struct {
	// CA is the file of the authority of its certificate, Address where it listens.
	CA, Address string
	// Stop ends it; [Server.Start] begins it again, at the same address.
	Stop func()

	t       testing.TB
	papers  tls.Certificate
	overTLS bool

	mu        sync.Mutex
	got       []string
	envelopes []string
	rcpt      error
}

// User is who may send, with Password.
const (
	User     = "plumbline"
	Password = "a password of the tests"
)

// New starts a server, with TLS from the beginning or with STARTTLS, until the test ends.
func New(t testing.TB, overTLS bool) *Server {
	t.Helper()
	cert, key, _ := processtest.Certificate(t, t.TempDir(), "127.0.0.1")
	papers, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{t: t, CA: cert, papers: papers, Address: "127.0.0.1:0", overTLS: overTLS}
	s.Start()
	return s
}

// Start listens, at the address of before where there was one.
func (s *Server) Start() {
	s.t.Helper()
	srv := smtp.NewServer(s)
	srv.Domain, srv.ReadTimeout, srv.WriteTimeout = "127.0.0.1", 10*time.Second, 10*time.Second
	srv.TLSConfig = &tls.Config{Certificates: []tls.Certificate{s.papers}, MinVersion: tls.VersionTLS12}
	listener, err := (&net.ListenConfig{}).Listen(s.t.Context(), "tcp", s.Address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Address = listener.Addr().String()
	serve := listener
	if s.overTLS {
		serve = tls.NewListener(listener, srv.TLSConfig)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(serve) // ends with the stop
	}()
	s.Stop = sync.OnceFunc(func() {
		_ = srv.Close()
		_ = listener.Close()
		<-done
	})
	s.t.Cleanup(s.Stop)
}

// NewSession begins the talk with a client.
func (s *Server) NewSession(*smtp.Conn) (smtp.Session, error) { return &session{Server: s}, nil }

type session struct {
	*Server
	known    bool
	envelope string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, name, secret string) error {
		if s.known = name == User && secret == Password; !s.known {
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

// Mails are those that were taken, Envelopes the sender and the recipients of each.
func (s *Server) Mails() (mails, envelopes []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got), slices.Clone(s.envelopes)
}

// Refuse has it answer every recipient so; nil is a welcome.
func (s *Server) Refuse(code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rcpt = nil; code != 0 {
		s.rcpt = &smtp.SMTPError{Code: code, Message: "nobody called ann@example.com here"}
	}
}
