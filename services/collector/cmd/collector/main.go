// Command collector runs the collector alone.
package main

import (
	"context"
	"os"

	"plumbline/pkg/process"
	"plumbline/services/collector"
)

func main() {
	process.Main("collector", func(ctx context.Context) error {
		var cfg collector.Config
		if err := process.Load(&cfg, os.Args[1:]); err != nil {
			return err
		}
		collector.Memory().Tune()
		return collector.Run(ctx, cfg, nil)
	})
}
