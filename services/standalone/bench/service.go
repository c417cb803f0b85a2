package bench

import (
	"context"
	"strings"

	"plumbline/services/standalone/parts"
)

// service is one of our services, as a process of its own.
type service struct{ *parts.Process }

// start starts a service on a free port with the place's engines; the place stops it.
func (p *place) start(ctx context.Context, part string, args ...string) (*service, error) {
	dsn := p.warehouse.DSN
	if dsn == "" {
		dsn = nowhere
	}
	args = append([]string{
		"--listen=127.0.0.1:0", "--log-level=error", "--clickhouse-dsn=" + dsn,
		"--kafka-brokers=" + strings.Join(p.bus.Brokers, ","), "--kafka-prefix=" + p.bus.Prefix,
	}, args...)
	process, err := parts.Start(ctx, parts.Spec{Part: part, Args: args, Dir: p.dir})
	if err != nil {
		return nil, err
	}
	s := &service{process}
	p.services = append(p.services, s)
	return s, nil
}

// nowhere is a database that nobody is to ask: the collector takes events without one.
const nowhere = "clickhouse://127.0.0.1:9/none"

// url is the address of a path of the service.
func (s *service) url(path string) string { return "http://" + s.Addr() + path }
