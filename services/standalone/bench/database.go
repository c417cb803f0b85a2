package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"plumbline/pkg/warehouse"
)

// execute runs one statement.
func execute(ctx context.Context, at warehouse.Config, statement string) error {
	return withConnection(at, func(c driver.Conn) error { return c.Exec(ctx, statement) })
}

// withConnection opens a connection of the benchmark's own and closes it afterwards.
func withConnection(at warehouse.Config, do func(driver.Conn) error) error {
	opts, err := at.Options()
	if err != nil {
		return fmt.Errorf("open ClickHouse: %w", err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return fmt.Errorf("open ClickHouse: %w", err)
	}
	return errors.Join(do(conn), conn.Close())
}
