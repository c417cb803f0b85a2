// Command loader runs the loader on its own.
package main

import (
	"context"
	"os"

	"plumbline/pkg/process"
	"plumbline/services/loader"
)

func main() {
	process.Main("loader", func(ctx context.Context) error {
		var cfg loader.Config
		if err := process.Load(&cfg, os.Args[1:]); err != nil {
			return err
		}
		loader.Memory().Tune()
		return loader.Run(ctx, cfg, nil)
	})
}
