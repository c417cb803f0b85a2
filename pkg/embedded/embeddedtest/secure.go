package embeddedtest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Secure are the places and the papers of engines that ask who is there.
type Secure struct {
	// SASL are the brokers that take User with Password by PLAIN and SCRAM over TLS, MTLS those that want a certificate.
	SASL, MTLS []string
	// Prefix is for the names of topics and consumer groups.
	Prefix string
	// Authority has issued all certificates, Cert and Key are those of a client.
	*Authority
	Cert, Key string
	// User and Password are known to the brokers.
	User, Password string
}

// The account of the secure broker.
const (
	secureUser     = "plumbline"
	securePassword = "known-to-the-tests-only"
)

// SecureBroker returns a broker as [Broker] does, that speaks over TLS only. With PLUMBLINE_KAFKA=apache it is an Apache Kafka
// of this test binary's own, which scripts/kafka starts.
func SecureBroker(t testing.TB) Secure {
	t.Helper()
	s, err := engines.startSecure()
	if err != nil {
		t.Fatalf("start the secure test broker: %v", err)
	}
	out := *s
	out.Prefix = unique() + ".plumbline"
	return out
}

// startSecure starts the secure broker of this test binary, once.
func (s *shared) startSecure() (*Secure, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.secure == nil && s.secureErr == nil {
		s.secure, s.secureErr = s.newSecure()
	}
	return s.secure, s.secureErr
}

func (s *shared) newSecure() (*Secure, error) {
	dir, err := s.folder("secure")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	authority, err := NewAuthority(dir)
	if err != nil {
		return nil, err
	}
	out := &Secure{Authority: authority, User: secureUser, Password: securePassword}
	if out.Cert, out.Key, err = authority.Issue("client"); err != nil {
		return nil, err
	}
	cert, key, err := authority.Issue("broker")
	if err != nil {
		return nil, err
	}
	if os.Getenv("PLUMBLINE_KAFKA") == "apache" {
		return out, s.startSecureApache(dir, cert, key, out)
	}
	return out, s.startSecureFake(cert, key, out)
}

// startSecureFake starts the broker that is embedded in the product, there without TLS.
func (s *shared) startSecureFake(cert, key string, out *Secure) error {
	server, err := out.server(cert, key)
	if err != nil {
		return err
	}
	common := func(cfg *tls.Config) []kfake.Opt {
		return []kfake.Opt{kfake.NumBrokers(1), kfake.GroupMinSessionTimeout(time.Second), kfake.TLS(cfg)}
	}
	known := append(common(server.Clone()), kfake.EnableSASL())
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		known = append(known, kfake.Superuser(mechanism, out.User, out.Password))
	}
	withPassword, err := kfake.NewCluster(known...)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { withPassword.Close(); return nil })
	server.ClientAuth = tls.RequireAndVerifyClientCert
	withCertificate, err := kfake.NewCluster(common(server)...)
	if err != nil {
		return err
	}
	s.closers = append(s.closers, func() error { withCertificate.Close(); return nil })
	out.SASL, out.MTLS = withPassword.ListenAddrs(), withCertificate.ListenAddrs()
	return nil
}

// server is how a server of the authority speaks TLS.
func (a *Authority) server(cert, key string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}, ClientCAs: clients}, nil
}

// secureStart bounds the start of a JVM on a busy machine.
const secureStart = 3 * time.Minute

// startSecureApache has scripts/kafka start an Apache Kafka with the papers.
func (s *shared) startSecureApache(dir, cert, key string, out *Secure) error {
	root, err := repositoryRoot()
	if err != nil {
		return err
	}
	// Kafka wants the key and the certificate in one file.
	var both []byte
	for _, name := range []string{key, cert} {
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		both = append(both, raw...)
	}
	for name, content := range map[string][]byte{"keystore.pem": both, "user": []byte(out.User), "password": []byte(out.Password)} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			return err
		}
	}
	script, data := filepath.Join(root, "scripts", "kafka"), filepath.Join(dir, "kafka")
	s.closers = append(s.closers, func() error { _, err := run(script, "stop", data); return err })
	said, err := run(script, "start", data, "0", "--secure", dir)
	if err != nil {
		return err
	}
	addrs := strings.Fields(said)
	if len(addrs) != 3 || addrs[0] != "ready" {
		return fmt.Errorf("scripts/kafka says %q, want ready and two addresses", said)
	}
	out.SASL, out.MTLS = addrs[1:2], addrs[2:]
	return nil
}

func run(script string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), secureStart)
	defer cancel()
	cmd := exec.CommandContext(ctx, script, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.WaitDelay = time.Second // the broker inherits the error output: nobody waits for it
	if err := cmd.Run(); err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(script), strings.Join(args, " "), err, errs.String())
	}
	return out.String(), nil
}

// SecureDatabase returns the DSN of a database as [Database] does, at a port that speaks TLS only and wants a certificate of
// the authority where client is set. TLS ends in front of the engine, which takes no SYSTEM START LISTEN TCP SECURE in process.
func (s Secure) SecureDatabase(t testing.TB, client bool) string {
	t.Helper()
	dsn, err := url.Parse(Database(t))
	if err != nil {
		t.Fatalf("parse DSN: %v", err)
	}
	cert, key, err := s.Issue("database")
	if err != nil {
		t.Fatalf("make a certificate: %v", err)
	}
	cfg, err := s.server(cert, key)
	if err != nil {
		t.Fatalf("make a certificate: %v", err)
	}
	if client {
		cfg.ClientAuth = tls.RequireAndVerifyClientCert
	}
	listener, err := tls.Listen("tcp4", "127.0.0.1:0", cfg)
	if err != nil {
		t.Fatalf("listen: %v", err)
	}
	var open sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		open.Wait()
	})
	engine := dsn.Host
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { forward(conn, engine) })
		}
	})
	dsn.Host = listener.Addr().String()
	return dsn.String()
}

// forward copies both ways until one side ends.
func forward(client net.Conn, engine string) {
	var dialer net.Dialer
	server, err := dialer.DialContext(context.Background(), "tcp4", engine)
	if err != nil {
		_ = client.Close()
		return
	}
	var ways sync.WaitGroup
	for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
		ways.Go(func() {
			_, _ = io.Copy(to, from)
			_ = to.Close()
			_ = from.Close()
		})
	}
	ways.Wait()
}
