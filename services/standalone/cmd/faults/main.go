// Command faults runs the fault suite; scripts/faults builds what it needs and calls it.
package main

import (
	"context"
	"os"

	"plumbline/pkg/process"
	"plumbline/services/standalone/faults"
)

func main() {
	process.Main("faults", func(ctx context.Context) error {
		return faults.Main(ctx, os.Args[1:], os.Stdout)
	})
}
