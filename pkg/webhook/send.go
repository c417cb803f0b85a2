package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"time"
)

// Config says where messages may go. The zero value is the public network, over TLS, with the authorities of the system.
type Config struct {
	// Allow are networks that are not public and may be sent to all the same.
	Allow []string `name:"allow" env:"ALLOW" help:"networks (CIDR, by comma) that are not public and that webhooks may be sent to all the same"`
	// AllowHTTP takes addresses without TLS, where who listens reads the messages; their signatures still hold.
	AllowHTTP bool `name:"allow-http" env:"ALLOW_HTTP" help:"take addresses of webhooks that begin with http://"`
	// CA is a PEM file of authorities that are believed beside those of the system.
	CA string `name:"ca" env:"CA" help:"PEM file of authorities whose certificates are believed beside those of the system"`
}

// Validate reports everything that is wrong. It reads the file.
func (c Config) Validate() error {
	_, err := parseNetworks(c.Allow)
	_, also := c.roots()
	return errors.Join(err, also)
}

func (c Config) roots() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("--webhook-ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(raw) {
		return nil, fmt.Errorf("--webhook-ca: %s holds no certificate in PEM form", c.CA)
	}
	return pool, nil
}

// The bounds of one attempt.
const (
	attemptTimeout = 10 * time.Second
	maxAnswer      = 64 << 10
	maxURL         = 2048
)

// Sender sends messages. It is safe for concurrent use, and keeps no connection open.
type Sender struct {
	cfg    Config
	client *http.Client
	now    func() time.Time
}

// NewSender makes a sender; now is the clock of the timestamps, nil the real one.
func NewSender(cfg Config, now func() time.Time) (*Sender, error) {
	allowed, err := parseNetworks(cfg.Allow)
	if err != nil {
		return nil, err
	}
	roots, err := cfg.roots()
	if err != nil {
		return nil, err
	}
	if now == nil {
		now = time.Now
	}
	dialer := &net.Dialer{Timeout: attemptTimeout / 2, Control: control(allowed)}
	return &Sender{cfg: cfg, now: now, client: &http.Client{
		Timeout: attemptTimeout,
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
			TLSHandshakeTimeout: attemptTimeout / 2, ResponseHeaderTimeout: attemptTimeout, MaxResponseHeaderBytes: maxAnswer,
			DisableKeepAlives: true, DisableCompression: true, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// CheckURL says what is wrong with an address, before anything is resolved.
func (s *Sender) CheckURL(address string) error {
	_, err := s.parse(address)
	return err
}

// parse reads an address. Errors do not quote it: many receivers have a secret in its path.
func (s *Sender) parse(address string) (*url.URL, error) {
	u, err := url.Parse(address)
	switch {
	case err != nil || len(address) > maxURL || u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("the address is none: write https://host/path")
	case u.Scheme == "http" && !s.cfg.AllowHTTP:
		return nil, errors.New("the address begins with http://: use https://, or have the operator set --webhook-allow-http")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the address must begin with https://")
	case u.User != nil || u.Fragment != "":
		return nil, errors.New("the address has a user, a password or a fragment: leave them out, messages are signed")
	}
	return u, nil
}

// Message is what is sent.
type Message struct {
	// ID is the same each time the message is sent.
	ID, URL string
	Body    []byte
	// Secrets are what it is signed with: the present one first, and the one before while receivers change over.
	Secrets []Secret
}

// Failure is an attempt that has not delivered. Its text tells neither secret nor path.
type Failure struct {
	// Status is what the receiver has answered; 0 where it has not.
	Status int
	// Again says that trying again may help; After is how long the receiver has asked to wait, 0 for not at all.
	Again bool
	After time.Duration
	why   error
}

// Error says what happened.
func (f *Failure) Error() string { return f.why.Error() }

// Unwrap is the cause.
func (f *Failure) Unwrap() error { return f.why }

// Post sends a message once and returns the status of the answer. The error is a [*Failure]: trying again may help where the
// receiver was not reached or was busy (429, 5xx), never where it refuses (other 4xx), answers with a redirect, or stands
// at an address that is not allowed.
func (s *Sender) Post(ctx context.Context, m Message) (int, error) {
	u, err := s.parse(m.URL)
	if err != nil {
		return 0, &Failure{why: err}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(m.Body))
	if err != nil {
		return 0, &Failure{why: errors.New("the address is none: write https://host/path")}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Plumbline")
	Sign(req.Header, m.ID, s.now(), m.Body, m.Secrets...)
	res, err := s.client.Do(req)
	if err != nil {
		return 0, unreached(u, err)
	}
	// What it says is of no use to us; a bounded part is read so that the receiver sees its answer taken.
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, maxAnswer))
	_ = res.Body.Close()
	return res.StatusCode, judge(res)
}

// unreached says why there is no answer. The error of the client quotes the address, path and all: only its cause is kept.
func unreached(u *url.URL, err error) *Failure {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	again := !errors.Is(err, ErrAddress)
	return &Failure{Again: again, why: fmt.Errorf("%s was not reached: %w", u.Host, err)}
}

// judge says what an answer means.
func judge(res *http.Response) error {
	code := res.StatusCode
	switch {
	case code >= 200 && code < 300:
		return nil
	case code >= 300 && code < 400:
		return &Failure{Status: code, why: fmt.Errorf("the receiver answered %d: redirects are not followed, give the address that it leads to", code)}
	case code == http.StatusTooManyRequests || code >= 500:
		return &Failure{Status: code, Again: true, After: retryAfter(res.Header.Get("Retry-After")), why: fmt.Errorf("the receiver answered %d", code)}
	}
	return &Failure{Status: code, why: fmt.Errorf("the receiver answered %d: it does not take the message", code)}
}

// retryAfter reads how many seconds a receiver asks to wait, at most an hour.
func retryAfter(text string) time.Duration {
	seconds, err := strconv.ParseInt(text, 10, 32)
	if err != nil || seconds < 0 {
		return 0
	}
	return min(time.Duration(seconds)*time.Second, time.Hour)
}

// The bounds of [Backoff].
const (
	backoffLeast = 5 * time.Second
	backoffMost  = time.Hour
)

// Backoff is how long to wait after so many failures in a row, 1 or more: 5 s, 10 s, 20 s and so on up to an hour, of which a
// random half is taken away, so that what failed together does not come again together.
func Backoff(failures int) time.Duration {
	d := min(backoffLeast<<min(max(failures-1, 0), 20), backoffMost)
	return d/2 + rand.N(d/2)
}

// Wait is how long to wait after a failure, of so many in a row: what the receiver asks for, where that is longer.
func Wait(err error, failures int) time.Duration {
	wait := Backoff(failures)
	if f, ok := errors.AsType[*Failure](err); ok {
		wait = max(wait, f.After)
	}
	return wait
}

// Again tells whether trying again may help.
func Again(err error) bool {
	f, ok := errors.AsType[*Failure](err)
	return ok && f.Again
}
