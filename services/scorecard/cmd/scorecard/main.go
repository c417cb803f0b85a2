// Command scorecard runs the scorecard alone.
package main

import (
	"context"
	"os"

	"plumbline/pkg/process"
	"plumbline/services/scorecard"
)

func main() {
	process.Main("scorecard", func(ctx context.Context) error {
		var cfg scorecard.Config
		if err := process.Load(&cfg, os.Args[1:]); err != nil {
			return err
		}
		return scorecard.Run(ctx, cfg, nil)
	})
}
