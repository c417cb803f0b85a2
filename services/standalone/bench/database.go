package bench

import (
	"context"
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// execute runs one statement.
func execute(ctx context.Context, dsn, statement string) error {
	return withConnection(dsn, func(c driver.Conn) error { return c.Exec(ctx, statement) })
}

// withConnection opens a connection of the benchmark's own and closes it afterwards.
func withConnection(dsn string, do func(driver.Conn) error) error {
	opts, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return fmt.Errorf("read address of ClickHouse: %w", err)
	}
	conn, err := clickhouse.Open(opts)
	if err != nil {
		return fmt.Errorf("open ClickHouse: %w", err)
	}
	return errors.Join(do(conn), conn.Close())
}
