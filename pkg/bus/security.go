package bus

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"plumbline/pkg/trust"
)

// The mechanisms of SASL, as [Security] names them.
const (
	SASLPlain       = "plain"
	SASLScramSHA256 = "scram-sha-256"
	SASLScramSHA512 = "scram-sha-512"
)

// Security says how we connect to the brokers and who we are there. The zero value is plain TCP and nobody.
type Security struct {
	trust.Config
	// SASL is one of the mechanisms, or "" for none.
	SASL string `name:"sasl" env:"SASL" help:"mechanism by which we say who we are: plain, scram-sha-256 or scram-sha-512; none: by the certificate, or not at all"`
	User string `name:"user" env:"USER" help:"who we are"`
	trust.Password
}

// flags is how the names of all settings of Kafka begin.
const flags = "kafka"

// Validate reports everything that is wrong, for brokers at these addresses. The files are read.
func (s Security) Validate(brokers []string) error {
	errs := []error{s.Config.Validate(flags), s.Password.Validate(flags)}
	switch s.SASL = strings.ToLower(s.SASL); s.SASL {
	case "":
		if s.User != "" || s.Given() {
			errs = append(errs, errors.New("--kafka-user, --kafka-password: say by which mechanism, with --kafka-sasl=scram-sha-512 or another one, or leave them out"))
		}
		return errors.Join(errs...)
	case SASLPlain:
		if !s.TLS && !allLoopback(brokers) {
			errs = append(errs, errors.New("--kafka-sasl=plain: it would send the password as plain text: set --kafka-tls, or use scram-sha-512"))
		}
	case SASLScramSHA256, SASLScramSHA512:
	default:
		errs = append(errs, fmt.Errorf("--kafka-sasl: %q is none of plain, scram-sha-256 and scram-sha-512", s.SASL))
	}
	if s.User == "" {
		errs = append(errs, errors.New("--kafka-user: say who --kafka-sasl is for"))
	}
	if !s.Given() {
		errs = append(errs, errors.New("--kafka-password-file: give the password of --kafka-user there, or in PLUMBLINE_KAFKA_PASSWORD"))
	}
	return errors.Join(errs...)
}

// secured tells whether anything is asked for but plain TCP and nobody.
func (s Security) secured() bool { return s.TLS || s.SASL != "" }

// allLoopback tells whether all addresses are on this machine.
func allLoopback(addresses []string) bool {
	for _, a := range addresses {
		host, _, err := net.SplitHostPort(a)
		if ip := net.ParseIP(host); err != nil || host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return false
		}
	}
	return true
}

// mechanism is what kafka-go calls the mechanism, with the password as it is now.
func (s Security) mechanism() (sasl.Mechanism, error) {
	password, err := s.Read()
	if err != nil {
		return nil, err
	}
	switch strings.ToLower(s.SASL) {
	case SASLPlain:
		return plain.Mechanism{Username: s.User, Password: password}, nil
	case SASLScramSHA256:
		return scram.Mechanism(scram.SHA256, s.User, password)
	default:
		return scram.Mechanism(scram.SHA512, s.User, password)
	}
}

// securedTimeout bounds connecting where TLS or SASL is used: there are some more ways there and back, and some arithmetic.
const securedTimeout = 10 * time.Second

func (s Security) dialTimeout() time.Duration {
	if s.secured() {
		return securedTimeout
	}
	return dialTimeout
}

// dial connects to a broker: kafka-go is handed connections on which we are known already, as is our own [fetcher].
func (s Security) dial(ctx context.Context, _, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, s.dialTimeout())
	defer cancel()
	conn, err := s.Config.Dial(ctx, &net.Dialer{Timeout: dialTimeout}, address, flags)
	if err != nil || s.SASL == "" {
		return conn, err
	}
	if err := s.authenticate(ctx, conn, address); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// reach tells why no broker can be talked to; nil where one can. kafka-go's own error says only that there is none.
func (c Config) reach(ctx context.Context) error {
	var errs []error
	for _, address := range c.Brokers {
		conn, err := c.dial(ctx, "tcp", address)
		if err == nil {
			// Only the first answer shows that the broker takes our certificate.
			err = errors.Join((&talk{conn: conn}).greet(), conn.Close())
		}
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Transport makes a connection pool of its own, so that closing it harms nobody else.
func (c Config) Transport() *kafka.Transport {
	return &kafka.Transport{
		Dial:        c.dial,
		DialTimeout: c.dialTimeout(),
		MetadataTTL: metadataTTL,
		ClientID:    clientID,
	}
}

// Dialer connects for those parts of kafka-go that take no transport: consumer groups and its reader.
func (c Config) Dialer() *kafka.Dialer {
	return &kafka.Dialer{Timeout: c.dialTimeout(), DialFunc: c.dial, ClientID: clientID}
}
