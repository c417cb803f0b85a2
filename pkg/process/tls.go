package process

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"
)

// TLSConfig says with which certificate a server is served. The zero value serves without TLS.
type TLSConfig struct {
	// Cert is a PEM file with the certificate and those between it and its authority; Key is its key, PKCS #8 or older.
	Cert string `name:"cert" help:"PEM file of the certificate and its chain; with it the server speaks HTTPS only"`
	Key  string `name:"key" help:"PEM file of the certificate's key"`
}

// Enabled tells whether the server speaks TLS.
func (c TLSConfig) Enabled() bool { return c.Cert != "" || c.Key != "" }

// Validate reports what is wrong with the files.
func (c TLSConfig) Validate() error {
	switch {
	case !c.Enabled():
		return nil
	case c.Cert == "" || c.Key == "":
		return errors.New("tls: give both the certificate and its key")
	}
	if _, err := tls.LoadX509KeyPair(c.Cert, c.Key); err != nil {
		return fmt.Errorf("tls: read %s and %s: %w", c.Cert, c.Key, err)
	}
	return nil
}

// certificateLife is how long a certificate that was read is used before its files are looked at again.
const certificateLife = 10 * time.Second

// certificate is the one of two files, read again when they have changed, so that a renewed one needs no restart.
type certificate struct {
	cfg TLSConfig
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	pair    *tls.Certificate
	changed [2]time.Time
	looked  time.Time
}

// get is the certificate for a handshake: the last one that could be read.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.pair != nil && c.now().Sub(c.looked) < certificateLife {
		return c.pair, nil
	}
	err := c.load()
	if err != nil && c.pair == nil {
		return nil, err
	}
	if err != nil {
		// A renewal writes two files one after the other: the old pair holds until both are there.
		c.log.WarnContext(context.Background(), "the new certificate cannot be used, the old one is", "error", err)
	}
	return c.pair, nil
}

func (c *certificate) load() error {
	c.looked = c.now()
	var changed [2]time.Time
	for i, name := range []string{c.cfg.Cert, c.cfg.Key} {
		info, err := os.Stat(name)
		if err != nil {
			return fmt.Errorf("tls: %w", err)
		}
		changed[i] = info.ModTime()
	}
	if c.pair != nil && changed == c.changed {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cfg.Cert, c.cfg.Key)
	if err != nil {
		return fmt.Errorf("tls: read %s and %s: %w", c.cfg.Cert, c.cfg.Key, err)
	}
	c.pair, c.changed = &pair, changed
	return nil
}

// serverTLS is how a server speaks TLS: 1.2 and newer, HTTP/2 where the client can.
func (c TLSConfig) serverTLS(log *slog.Logger) *tls.Config {
	cert := &certificate{cfg: c, log: log, now: time.Now}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: cert.get, NextProtos: []string{"h2", "http/1.1"}}
}

// Scheme is how an address of the server begins.
func (c TLSConfig) Scheme() string {
	if c.Enabled() {
		return "https"
	}
	return "http"
}

// Client is an HTTP client for a process that calls itself: it takes the server's own certificate and no other, under
// whatever name the server is reached. Without TLS it is an ordinary one. The time-out is for a whole request; 0 is none.
func (c TLSConfig) Client(timeout time.Duration) *http.Client {
	if !c.Enabled() {
		return &http.Client{Timeout: timeout, Transport: http.DefaultTransport}
	}
	own := &certificate{cfg: c, log: slog.New(slog.DiscardHandler), now: time.Now}
	transport := &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS12,
		// Not the name and the authority are what counts, but that it is the very certificate.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			pair, err := own.get(nil)
			if err != nil {
				return err
			}
			if len(state.PeerCertificates) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, pair.Certificate[0]) {
				return errors.New("the server shows another certificate than its own")
			}
			return nil
		},
	}}
	return &http.Client{Timeout: timeout, Transport: transport}
}
