package mail

import (
	"bytes"
	"errors"
	"io"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/trust"
	"plumbline/services/scorecard/mail/mailtest"
)

const user, password = mailtest.User, mailtest.Password

func config(s *mailtest.Server, overTLS bool) Config {
	c := Config{Address: s.Address, CA: s.CA, From: "Plumbline <plumbline@example.com>", User: user, Password: trust.Password{Text: password}}
	if overTLS {
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
		s := mailtest.New(t, overTLS)
		cfg := config(s, overTLS)
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		if err := cfg.Send(t.Context(), message); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, envelopes := s.Mails()
		mail, err := netmail.ReadMessage(strings.NewReader(got[0]))
		if err != nil {
			t.Fatal(err)
		}
		h := mail.Header
		if h.Get("Message-ID") != "<msg_1.ann@example.com>" || h.Get("To") != "<ann@example.com>" || !strings.HasPrefix(h.Get("Content-Type"), "multipart/alternative") ||
			h.Get("Auto-Submitted") != "auto-generated" || !strings.HasPrefix(h.Get("Date"), "Mon, 02 Nov 2026") || envelopes[0] != "plumbline@example.com ann@example.com" {
			t.Errorf("%s: %v %q", name, h, envelopes)
		}
		// A wrong password, and a server that nobody vouches for.
		cfg.Password.Text = "another one"
		if err := cfg.Send(t.Context(), message); err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "another one") {
			t.Errorf("%s: with a wrong password: %v", name, err)
		}
		cfg = config(s, overTLS)
		cfg.CA = ""
		if err := cfg.Send(t.Context(), message); err == nil || !strings.Contains(err.Error(), "certificate") {
			t.Errorf("%s: a certificate that nobody knows: %v", name, err)
		}
		if got, _ := s.Mails(); len(got) != 1 {
			t.Errorf("%s: %d mails arrived", name, len(got))
		}
	}
}

// What is refused for good is told apart from what is worth another try; neither says to whom. A server that is away is reached when
// it is back.
func TestServerRefusesAndIsAway(t *testing.T) {
	t.Parallel()
	s := mailtest.New(t, false)
	for code, refused := range map[int]bool{450: false, 550: true} {
		s.Refuse(code)
		err := config(s, false).Send(t.Context(), message)
		if err == nil || errors.Is(err, ErrRefused) != refused || strings.Contains(err.Error(), "ann") {
			t.Errorf("%d: %v", code, err)
		}
	}
	s.Refuse(0)
	cfg := config(s, false)
	s.Stop()
	if err := cfg.Send(t.Context(), message); err == nil || errors.Is(err, ErrRefused) || strings.Contains(err.Error(), password) {
		t.Errorf("a server that is away: %v", err)
	}
	s.Start()
	if err := cfg.Send(t.Context(), message); err != nil {
		t.Errorf("a server that is back: %v", err)
	}
}

// A server without STARTTLS gets neither password nor mail.
func TestNothingInPlainText(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
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
