package warehouse

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// What waiting can not change is told at once; everything else is waited for, also a server that is full or starts.
func TestHopeless(t *testing.T) {
	refused := func(code int32) error { return fmt.Errorf("open: %w", &clickhouse.Exception{Code: code}) }
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{refused(codeUnknownDatabase), true},
		{refused(codeAuthenticationFailed), true},
		{fmt.Errorf("migrate: 0001.sql %w", errChanged), true},
		{refused(243), false}, // not enough space
		{refused(164), false}, // read-only
		{io.EOF, false},
		{errors.New("connection refused"), false},
	} {
		if got := hopeless(tt.err); got != tt.want {
			t.Errorf("%v: %t", tt.err, got)
		}
	}
}
