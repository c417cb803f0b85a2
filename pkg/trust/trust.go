// Package trust is how a client of ours connects to an engine that is not on this machine: by TLS, whom it believes and what it
// shows of itself, and with which password.
//
// It serves no TLS, which package process does, and speaks no protocol of an engine. There is no way to connect without a
// look at the certificate, and none that falls back to plain text: who asks for TLS gets it or an error.
package trust

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// Config says how to connect. The zero value is plain TCP.
type Config struct {
	TLS bool `name:"tls" env:"TLS" help:"connect over TLS"`
	// CA is a PEM file of the authorities that are believed; without it, those of the system are.
	CA string `name:"ca" env:"CA" help:"PEM file of the authorities whose certificates are believed; none: those of the system"`
	// Cert and Key are what the client shows of itself, where it is asked to.
	Cert string `name:"cert" env:"CERT" help:"PEM file of the certificate, and its chain, that is shown to the server"`
	Key  string `name:"key" env:"KEY" help:"PEM file of that certificate's key"`
	// ServerName is the name that the server's certificate is for, where it is another than that of the address. It is no
	// setting of its own.
	ServerName string `kong:"-"`
}

// ErrRefused is an error that waiting does not change: one side does not believe the other.
var ErrRefused = errors.New("one side does not believe the other")

// Refused makes an error an [ErrRefused].
func Refused(err error) error { return refusal{err} }

type refusal struct{ error }

// Is tells what kind of error it is.
func (refusal) Is(target error) bool { return target == ErrRefused }

// Unwrap is the error itself.
func (r refusal) Unwrap() error { return r.error }

// Validate reports what is wrong; prefix begins the names of the settings, such as kafka. It reads the files.
func (c Config) Validate(prefix string) error {
	var errs []error
	for _, f := range []struct{ name, value string }{{"ca", c.CA}, {"cert", c.Cert}, {"key", c.Key}} {
		if f.value != "" && !c.TLS {
			errs = append(errs, fmt.Errorf("--%s-%s: it is for TLS: set --%s-tls, or leave it out", prefix, f.name, prefix))
		}
	}
	if (c.Cert == "") != (c.Key == "") {
		errs = append(errs, fmt.Errorf("--%s-cert, --%s-key: give both the certificate and its key, or neither", prefix, prefix))
	}
	if len(errs) == 0 && c.TLS {
		if _, err := c.client("", prefix); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// client is how a client speaks TLS with a server of that name. The files are read each time, so that renewed ones need no
// restart: a client connects rarely.
func (c Config) client(server, prefix string) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: server}
	if c.CA != "" {
		raw, err := os.ReadFile(c.CA)
		if err != nil {
			return nil, fmt.Errorf("--%s-ca: %w", prefix, err)
		}
		out.RootCAs = x509.NewCertPool()
		if !out.RootCAs.AppendCertsFromPEM(raw) {
			return nil, fmt.Errorf("--%s-ca: %s holds no certificate in PEM form", prefix, c.CA)
		}
	}
	if c.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
		if err != nil {
			return nil, fmt.Errorf("--%s-cert, --%s-key: read %s and %s: %w", prefix, prefix, c.Cert, c.Key, err)
		}
		// Not Certificates: Go would show none to a server that names authorities of which it is not, and the server would
		// say that one is missing.
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	return out, nil
}

// Dial connects, and over TLS shakes hands before it returns. The time is bounded by the dialer's and by ctx. Errors say what to
// change, by settings that begin with prefix; those that waiting does not change are [ErrRefused].
func (c Config) Dial(ctx context.Context, dialer *net.Dialer, address, prefix string) (net.Conn, error) {
	plain, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil || !c.TLS {
		return plain, err
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	cfg, err := c.client(cmp.Or(c.ServerName, host), prefix)
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	if dialer.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, dialer.Timeout)
		defer cancel()
	}
	x := explainer{Config: c, address: address, prefix: prefix}
	conn := tls.Client(plain, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = plain.Close() // nothing was sent that it could lose
		return nil, x.explain(err)
	}
	return &watched{Conn: conn, explainer: x}, nil
}
