package bench

import (
	"context"
	"strconv"
	"strings"

	"plumbline/pkg/process"
	"plumbline/pkg/trust"
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
	secure, env := p.security()
	started, err := parts.Start(ctx, parts.Spec{Part: part, Args: append(args, secure...), Dir: p.dir, Env: env})
	if err != nil {
		return nil, err
	}
	s := &service{started}
	p.services = append(p.services, s)
	return s, nil
}

// security is how the engines are connected to, as flags and, for the passwords, environment variables.
func (p *place) security() (args, env []string) {
	k, c := p.bus.Security, p.warehouse.Security
	for _, s := range []struct {
		prefix   string
		trust    trust.Config
		password trust.Password
	}{{"kafka", k.Config, k.Password}, {"clickhouse", c.Config, c.Password}} {
		args = append(
			args, "--"+s.prefix+"-tls="+strconv.FormatBool(s.trust.TLS), "--"+s.prefix+"-ca="+s.trust.CA,
			"--"+s.prefix+"-cert="+s.trust.Cert, "--"+s.prefix+"-key="+s.trust.Key, "--"+s.prefix+"-password-file="+s.password.File,
		)
		if s.password.Text != "" {
			env = append(env, process.EnvPrefix+strings.ToUpper(s.prefix)+"_PASSWORD="+string(s.password.Text))
		}
	}
	return append(args, "--kafka-sasl="+k.SASL, "--kafka-user="+k.User), env
}

// nowhere is a database that nobody is to ask: the collector takes events without one.
const nowhere = "clickhouse://127.0.0.1:9/none"

// url is the address of a path of the service.
func (s *service) url(path string) string { return "http://" + s.Addr() + path }
