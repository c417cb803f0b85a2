package warehouse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"plumbline/pkg/trust"
)

// Config says where the warehouse is and how long its work may take.
type Config struct {
	// DSN is clickhouse://user:password@host:port/database. The database must exist.
	DSN string `name:"dsn" required:"true" help:"address of ClickHouse: clickhouse://user:password@host:port/database"`
	// Security is how we connect to it, and the password where it is not in the DSN.
	Security
	// InsertTimeout bounds one insert; it must stay below the rebalance timeout of the consumer groups, so that a loader
	// which lost its partitions has stopped writing when another one starts. Default 20 s.
	InsertTimeout time.Duration `name:"insert-timeout" default:"20s" help:"longest time for one insert"`
	// RollTimeout bounds one statement of a roll. Default 5 minutes.
	RollTimeout time.Duration `name:"roll-timeout" default:"5m" help:"longest time for one statement of a roll"`
	// SegmentRows is from how many events on a day is rolled in segments. Default 20,000.
	SegmentRows int `name:"segment-rows" default:"20000" help:"from how many events on a day is rolled in segments"`
}

// Security says how we connect to ClickHouse. The zero value is plain TCP, with the password of the DSN.
type Security struct {
	trust.Config
	trust.Password
}

// flags is how the names of all settings of ClickHouse begin.
const flags = "clickhouse"

// connectTimeout bounds connecting over TLS where the DSN has no dial_timeout.
const connectTimeout = 30 * time.Second

// Validate reports everything that is wrong with how we are to connect.
func (c Config) Validate() error {
	_, err := c.Options()
	return err
}

// Options are how clickhouse-go is to connect. The error lists everything that is wrong, and does not quote the DSN, which
// may have a password.
func (c Config) Options() (*clickhouse.Options, error) {
	opts, err := clickhouse.ParseDSN(c.DSN)
	if err != nil {
		if malformed := (*url.Error)(nil); errors.As(err, &malformed) {
			err = malformed.Err
		}
		return nil, fmt.Errorf("address of ClickHouse: write clickhouse://user:password@host:port/database: %w", err)
	}
	if opts.TLS != nil { // the DSN asks for it
		c.TLS, c.ServerName = true, opts.TLS.ServerName
	}
	if err := errors.Join(c.contradiction(opts), c.Config.Validate(flags), c.Password.Validate(flags)); err != nil {
		return nil, err
	}
	if c.Given() {
		if opts.Auth.Password, err = c.Read(); err != nil {
			return nil, err
		}
	}
	if c.TLS {
		// Ours, for errors that say what to change, and so that a renewed certificate needs no restart.
		dialer := &net.Dialer{Timeout: cmp.Or(opts.DialTimeout, connectTimeout)}
		opts.TLS, opts.DialContext = nil, func(ctx context.Context, address string) (net.Conn, error) {
			return c.Dial(ctx, dialer, address, flags)
		}
	}
	return opts, nil
}

// contradiction lists what the DSN and the settings beside it say against each other.
func (c Config) contradiction(opts *clickhouse.Options) error {
	var errs []error
	if opts.Auth.Password != "" && c.Given() {
		errs = append(errs, errors.New("--clickhouse-password-file: the DSN has a password too: leave one of them out"))
	}
	if opts.TLS != nil && opts.TLS.InsecureSkipVerify {
		errs = append(errs, errors.New("skip_verify in the DSN: any server would be taken for ours: leave it out, and name the server's authority with --clickhouse-ca"))
	}
	if c.TLS && opts.Protocol == clickhouse.HTTP {
		errs = append(errs, errors.New("http in the DSN: write clickhouse://, and the port of the native protocol with TLS (9440)"))
	}
	if u, err := url.Parse(c.DSN); err == nil && c.TLS {
		if secure, err := strconv.ParseBool(u.Query().Get("secure")); err == nil && !secure {
			errs = append(errs, errors.New("--clickhouse-tls: the DSN says secure=false: leave one of them out"))
		}
	}
	return errors.Join(errs...)
}
