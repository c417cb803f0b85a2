package cli

import (
	"context"
	"errors"
	"slices"

	"plumbline/pkg/bus"
	"plumbline/pkg/process"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/webhook"
	"plumbline/services/scorecard/mail"
	"plumbline/services/standalone"
)

// upCommand starts everything. Its flags are declared here for the help; the values come from [process.Load], which
// knows flags, environment and file, and says everything that is wrong at once.
type upCommand struct {
	Data               string             `placeholder:"DIR" help:"Data folder; created where missing (PLUMBLINE_DATA, default data)."`
	Listen             string             `placeholder:"ADDR" help:"Address to listen on (PLUMBLINE_LISTEN, default 127.0.0.1:8080); port 0 takes a free one."`
	TLSCert            string             `name:"tls-cert" placeholder:"FILE" help:"PEM file of a certificate and its chain: serve HTTPS (PLUMBLINE_TLS_CERT)."`
	TLSKey             string             `name:"tls-key" placeholder:"FILE" help:"PEM file of the certificate's key (PLUMBLINE_TLS_KEY); both are read again when they change."`
	Demo               bool               `negatable:"" help:"Load a demo organisation at the first start (PLUMBLINE_DEMO; default: where both engines are embedded)."`
	Kafka              string             `placeholder:"ADDRS" help:"Kafka brokers, host:port by comma; none: the embedded broker (PLUMBLINE_KAFKA)."`
	ClickHouse         string             `name:"clickhouse" placeholder:"DSN" help:"ClickHouse; none: the embedded one (PLUMBLINE_CLICKHOUSE)."`
	KafkaSecurity      bus.Security       `embed:"" prefix:"kafka-" envprefix:"PLUMBLINE_KAFKA_" group:"How to connect to outside Kafka brokers"`
	ClickHouseSecurity warehouse.Security `embed:"" prefix:"clickhouse-" envprefix:"PLUMBLINE_CLICKHOUSE_" group:"How to connect to an outside ClickHouse"`

	Webhook     webhook.Config `embed:"" prefix:"webhook-" envprefix:"PLUMBLINE_WEBHOOK_" group:"Where alerts may be sent"`
	Mail        mail.Config    `embed:"" prefix:"smtp-" envprefix:"PLUMBLINE_SMTP_" group:"How digests are mailed"`
	AlertsEvery string         `name:"alerts-every" placeholder:"TIME" help:"How often each alert is looked at (PLUMBLINE_ALERTS_EVERY, default 1m)."`

	Retention string `name:"raw-retention" placeholder:"TIME" help:"How long raw rows are kept, such as 9600h (400 days); then days are sealed (PLUMBLINE_RAW_RETENTION, default for ever)."`
	URL       string `name:"url" placeholder:"URL" help:"Public address, for links and for the identity provider (PLUMBLINE_URL)."`
	Issuer    string `name:"oidc-issuer" placeholder:"URL" help:"OpenID Connect provider that people sign in with (PLUMBLINE_OIDC_ISSUER)."`
	ClientID  string `name:"oidc-client-id" placeholder:"ID" help:"What the provider calls this client (PLUMBLINE_OIDC_CLIENT_ID); its secret, if it has one, in PLUMBLINE_OIDC_CLIENT_SECRET."`
	Config    string `placeholder:"FILE" help:"JSON file with settings: the names of the flags are its keys (PLUMBLINE_CONFIG)."`
	Check     bool   `help:"Check the settings and exit."`
}

// Help says what the command does and shows examples.
func (upCommand) Help() string {
	return `Starts the embedded engines (ClickHouse, a broker that speaks the Kafka protocol), or uses those that are named, then the
collector, the loader and the scorecard on one address. Prints progress, a link to sign in with, and then one line
"ready http://ADDRESS". Ctrl-C stops cleanly; started again on the same folder, everything is still there.

Flags win over the environment, that over the file. PLUMBLINE_WRITE_KEY and PLUMBLINE_ADMIN_TOKEN fix the keys, else they
are made and kept in the data folder (plumbline keys). PLUMBLINE_KAFKA_PASSWORD, PLUMBLINE_CLICKHOUSE_PASSWORD and
PLUMBLINE_SMTP_PASSWORD, or their files, are the passwords of outside engines and of the mail server; they are no flags.
PLUMBLINE_HUBSPOT_SECRET is the client secret of the HubSpot app whose webhooks are taken, and needs --url: see CONNECT.md.

Examples:
  plumbline up
  plumbline up --no-demo --data /var/lib/plumbline --listen 127.0.0.1:0
  plumbline up --listen 0.0.0.0:443 --url https://plumbline.example.com --tls-cert cert.pem --tls-key key.pem
  plumbline up --kafka kafka-1:9092,kafka-2:9092 --clickhouse clickhouse://user:secret@db:9000/plumbline
  plumbline up --kafka kafka-1:9093 --kafka-tls --kafka-ca ca.pem --kafka-sasl scram-sha-512 --kafka-user plumbline \
    --kafka-password-file kafka.password     TLS and SASL: see ENGINES.md
  plumbline up --url https://plumbline.example.com --oidc-issuer https://login.example.com --oidc-client-id plumbline
  plumbline up --url https://plumbline.example.com --smtp-address mail.example.com:587 --smtp-from plumbline@example.com \
    --smtp-user plumbline --smtp-password-file mail.password     digests by mail: see ALERTS.md
  plumbline up --check --config plumbline.json`
}

// Run is never reached: see runUp.
func (c *upCommand) Run() error { return errors.New("up runs before the command line is parsed") }

// isUp reports whether the command line is "up" without a wish for help.
func isUp(args []string) bool {
	return len(args) > 0 && args[0] == "up" && !slices.Contains(args, "--help") && !slices.Contains(args, "-h")
}

// runUp starts everything and returns when it has stopped.
func runUp(ctx context.Context, args []string, s Streams) error {
	flags := make([]string, 0, len(args))
	for _, a := range args {
		switch a {
		case "--no-demo":
			a = "--demo=false"
		case "--demo":
			a = "--demo=true"
		}
		flags = append(flags, a)
	}
	var cfg standalone.Config
	if err := process.Load(&cfg, flags); err != nil {
		return err
	}
	cfg.Out, cfg.Err = s.Out, s.Err
	return standalone.Run(ctx, cfg)
}
