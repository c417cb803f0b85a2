// Package mail hands messages to a mail server: over TLS, and as somebody.
//
// It knows neither what is sent nor when. Its errors tell no address of a recipient and no secret: logs and answers have them.
package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"os"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"plumbline/pkg/trust"
)

// How the server is spoken to.
const (
	// StartTLS begins in plain text and goes on over TLS, or not at all; OverTLS is TLS from the beginning; Plain is for a server on
	// this machine.
	StartTLS = "starttls"
	OverTLS  = "tls"
	Plain    = "none"
)

// Config says which server, and who we are there. The zero value is none.
type Config struct {
	// Address is host:port; mostly port 587 for starttls and 465 for tls.
	Address string `name:"address" env:"ADDRESS" help:"mail server that digests are sent by, host:port; none: digests are not sent"`
	TLS     string `name:"tls" env:"TLS" default:"starttls" enum:"starttls,tls,none" help:"how it is spoken to: starttls, tls, or none (on this machine only)"`
	CA      string `name:"ca" env:"CA" help:"PEM file of the authorities whose certificates are believed; none: those of the system"`
	From    string `name:"from" env:"FROM" help:"address that digests are sent from"`
	User    string `name:"user" env:"USER" help:"who we are at the mail server; none: nobody in particular"`
	trust.Password
}

// Given tells whether there is a server.
func (c Config) Given() bool { return c.Address != "" }

// Validate reports everything that is wrong. It reads the files.
func (c Config) Validate() error {
	var errs []error
	wrong := func(bad bool, what string) {
		if bad {
			errs = append(errs, errors.New(what))
		}
	}
	if !c.Given() {
		wrong(c.From != "" || c.User != "" || c.CA != "" || c.Password.Given(), "--smtp-from and what goes with it: name the mail server with --smtp-address, or leave it out")
		return errors.Join(errs...)
	}
	host, port, err := net.SplitHostPort(c.Address)
	number, also := strconv.ParseUint(port, 10, 16)
	wrong(err != nil || also != nil || number == 0 || host == "", fmt.Sprintf("--smtp-address: %q is no host:port", c.Address))
	switch c.TLS {
	case "", StartTLS, OverTLS:
	case Plain:
		wrong(c.User != "", "--smtp-tls=none: it would send the password as plain text: use starttls or tls")
		wrong(!loopback(host), "--smtp-tls=none: it is for a mail server on this machine: use starttls or tls")
	default:
		wrong(true, "--smtp-tls: use starttls, tls or none")
	}
	from, err := netmail.ParseAddress(c.From)
	wrong(err != nil || (from != nil && !strings.Contains(from.Address, "@")), "--smtp-from: give the address that digests come from, such as plumbline@example.com")
	wrong((c.User == "") != !c.Password.Given(), "--smtp-user, --smtp-password-file: give both who we are and the password (or PLUMBLINE_SMTP_PASSWORD), or neither")
	_, err = c.roots()
	return errors.Join(append(errs, err, c.Password.Validate("smtp"))...)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}

func (c Config) roots() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("--smtp-ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("--smtp-ca: %s holds no certificate in PEM form", c.CA)
	}
	return pool, nil
}

// timeout bounds each step of a talk with the server, talk all of it.
const (
	timeout = 15 * time.Second
	talk    = time.Minute
)

// ErrRefused says that the server does not take the message for the recipient, now or later.
var ErrRefused = errors.New("refused for good")

// Message is one mail to one recipient.
type Message struct {
	// ID is the same each time the message is sent: a mailbox that has it already can tell.
	ID          string
	To, Subject string
	Text, HTML  []byte
	// At is when it was written.
	At time.Time
}

// Send hands the message to the server. An error that waiting does not change is [ErrRefused]; others are worth another try.
func (c Config) Send(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, talk)
	defer cancel()
	client, err := c.client()
	if err != nil {
		return err
	}
	out, err := c.compose(m)
	if err != nil {
		return err
	}
	err = client.DialAndSendWithContext(ctx, out)
	if err == nil {
		return nil
	}
	if said, ok := errors.AsType[*gomail.SendError](err); ok {
		// Its own text has the recipient, and whatever the server says.
		err = fmt.Errorf("the mail server answered %d", said.ErrorCode())
		if code := said.ErrorCode(); code >= 500 && code < 600 {
			return fmt.Errorf("%w: %w", err, ErrRefused)
		}
		return err
	}
	return fmt.Errorf("the mail server %s was not reached: %w", c.Address, err)
}

func (c Config) client() (*gomail.Client, error) {
	host, port, err := net.SplitHostPort(c.Address)
	if err != nil {
		return nil, fmt.Errorf("--smtp-address: %q is no host:port", c.Address)
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("--smtp-address: %q is no host:port", c.Address)
	}
	roots, err := c.roots()
	if err != nil {
		return nil, err
	}
	options := []gomail.Option{
		gomail.WithPort(int(number)), gomail.WithTimeout(timeout), gomail.WithTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: roots}),
	}
	switch c.TLS {
	case OverTLS:
		options = append(options, gomail.WithSSL())
	case Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.User != "" {
		password, err := c.Read()
		if err != nil {
			return nil, fmt.Errorf("--smtp-password-file: %w", err)
		}
		options = append(options, gomail.WithSMTPAuth(gomail.SMTPAuthAutoDiscover), gomail.WithUsername(c.User), gomail.WithPassword(password))
	}
	client, err := gomail.NewClient(host, options...)
	if err != nil {
		return nil, fmt.Errorf("mail server: %w", err)
	}
	return client, nil
}

func (c Config) compose(m Message) (*gomail.Msg, error) {
	out := gomail.NewMsg()
	if err := out.From(c.From); err != nil {
		return nil, errors.New("--smtp-from: it is no address of mail")
	}
	if err := out.To(m.To); err != nil {
		return nil, fmt.Errorf("a recipient is no address of mail: %w", ErrRefused)
	}
	domain := "plumbline"
	if from, err := netmail.ParseAddress(c.From); err == nil {
		if _, d, ok := strings.Cut(from.Address, "@"); ok {
			domain = d
		}
	}
	out.SetMessageIDWithValue(m.ID + "@" + domain)
	out.SetDateWithValue(m.At)
	out.Subject(m.Subject)
	out.SetGenHeader("Auto-Submitted", "auto-generated")
	out.SetBodyString(gomail.TypeTextPlain, string(m.Text))
	out.AddAlternativeString(gomail.TypeTextHTML, string(m.HTML))
	return out, nil
}
