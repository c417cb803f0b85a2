package cli

import (
	"context"
	"runtime"

	"plumbline/pkg/warehouse"
	"plumbline/services/standalone"
)

// migrateCommand brings a schema up to date.
type migrateCommand struct {
	ClickHouse string             `name:"clickhouse" required:"" placeholder:"DSN" env:"PLUMBLINE_CLICKHOUSE" help:"clickhouse://user:password@host:port/database"`
	Security   warehouse.Security `embed:"" prefix:"clickhouse-" envprefix:"PLUMBLINE_CLICKHOUSE_"`
}

// Help shows examples.
func (migrateCommand) Help() string {
	return `plumbline up migrates by itself. This is for a ClickHouse whose schema is to change before the services do.

Example:
  plumbline migrate --clickhouse clickhouse://plumbline:secret@db.example:9000/plumbline`
}

// Run migrates.
func (c *migrateCommand) Run(ctx context.Context, s Streams) error {
	db, err := warehouse.Open(ctx, warehouse.Config{DSN: c.ClickHouse, Security: s.clickHouseSecurity(c.Security)})
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := db.Migrate(ctx); err != nil {
		return err
	}
	s.printf("the schema is up to date\n")
	return nil
}

// versionCommand prints the version.
type versionCommand struct {
	JSON bool `name:"json" help:"Print as JSON."`
}

// Help shows an example.
func (versionCommand) Help() string {
	return `Example:
  plumbline version --json`
}

// Run prints the version.
func (c *versionCommand) Run(s Streams) error {
	if c.JSON {
		return s.json(map[string]string{"version": standalone.Version(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	s.printf("plumbline %s (%s, %s/%s)\n", standalone.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}
