package trust

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
)

// explainer says what to change when a connection does not come about.
type explainer struct {
	Config
	address, prefix string
}

// explain says what an error of TLS means. Others it leaves as they are.
func (x explainer) explain(err error) error {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		record    tls.RecordHeaderError
		remote    *net.OpError
	)
	switch {
	case errors.As(err, &authority) && x.CA == "":
		return x.refused(err, "the system does not know the authority of its certificate: name the authority's file with --%s-ca", x.prefix)
	case errors.As(err, &authority):
		return x.refused(err, "its certificate is of another authority than those of --%s-ca: name the file of the right one", x.prefix)
	case errors.As(err, &name):
		return x.refused(err, "its certificate is for other names: use one of them in the address, or give the server one for this name")
	case errors.As(err, &invalid):
		return x.refused(err, "its certificate is not valid: renew it, and look at the clocks of both machines")
	case errors.As(err, &record):
		return x.refused(err, "it does not speak TLS there: name its port for TLS, or leave out --%s-tls", x.prefix)
	case errors.As(err, &remote) && remote.Op == "remote error" && strings.Contains(err.Error(), "certificate"):
		if x.Cert == "" {
			return x.refused(err, "it wants a certificate of the client: name one with --%s-cert and --%s-key", x.prefix, x.prefix)
		}
		return x.refused(err, "it does not take the certificate of --%s-cert: name one of an authority that it knows, and that has not expired", x.prefix)
	}
	if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%s does not answer over TLS; if it does not speak TLS there, name its port for TLS: %w", x.address, err)
	}
	return fmt.Errorf("connect to %s over TLS: %w", x.address, err)
}

func (x explainer) refused(err error, format string, args ...any) error {
	return Refused(fmt.Errorf("connect to %s: %s: %w", x.address, fmt.Sprintf(format, args...), err))
}

// watched is a connection of which the first answer is watched: since TLS 1.3 a server judges the certificate of a client when the
// client has shaken hands already.
type watched struct {
	net.Conn
	explainer
	heard atomic.Bool
}

// Read reads, and says of the first answer what it means where it is none.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	switch {
	case w.heard.Load():
	case n > 0:
		w.heard.Store(true)
	case isAlert(err):
		return n, w.explain(err)
	case w.Cert == "" && (errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET)):
		return n, fmt.Errorf("%s hung up right after TLS was set up; if it wants a certificate of the client, name one with --%s-cert and --%s-key: %w",
			w.address, w.prefix, w.prefix, err)
	}
	return n, err
}

func isAlert(err error) bool {
	var remote *net.OpError
	return errors.As(err, &remote) && remote.Op == "remote error"
}
