package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"time"

	"plumbline/pkg/process"
)

// flags are what is typed.
type flags struct {
	Runs     int    `name:"runs" default:"10" help:"how many runs"`
	Seed     int64  `name:"seed" default:"0" help:"seed of the first run, the next one has the next number; 0: a fresh one"`
	Kafka    string `name:"kafka" default:"embedded" enum:"embedded,apache,apache3" help:"the brokers: embedded, apache (one Apache Kafka) or apache3 (three)"`
	Only     string `name:"only" help:"draw this fault only"`
	Parallel int    `name:"parallel" default:"2" help:"runs at a time"`
	Dir      string `name:"dir" help:"folder to work in, where what failed stays; default a new temporary one"`
	Keep     bool   `name:"keep" help:"keep logs and data of every run"`
	Binary   string `name:"plumbline" required:"true" help:"the plumbline to run"`
	Script   string `name:"kafka-script" help:"the script that runs Apache Kafka"`
}

// Main reads the flags, runs the suite and prints what it finds; the last line is that of [Result.Line]. The error says
// that something was lost, counted twice or wrong, or that a run did not finish.
func Main(ctx context.Context, args []string, out io.Writer) error {
	var f flags
	if err := process.Load(&f, args); err != nil {
		return err
	}
	cfg := Config{
		Runs: f.Runs, Seed: uint64(f.Seed), Kafka: f.Kafka, Only: f.Only, Parallel: min(f.Parallel, f.Runs), Binary: f.Binary,
		KafkaScript: f.Script, Dir: f.Dir, Keep: f.Keep, Out: out,
	}
	if cfg.Seed == 0 {
		cfg.Seed = uint64(rand.Uint32())
	}
	if cfg.Dir == "" {
		dir, err := os.MkdirTemp("", "plumbline-faults-")
		if err != nil {
			return err
		}
		cfg.Dir = dir
	}
	if err := cfg.Validate(); err != nil {
		return &process.UsageError{Err: err}
	}
	_, _ = fmt.Fprintf(out, "seed %d, %d runs on %s\n", cfg.Seed, cfg.Runs, cfg.Kafka)
	started := time.Now()
	res, err := Run(ctx, cfg)
	_ = os.Remove(cfg.Dir) // stays where something failed
	_, _ = fmt.Fprintf(out, "%s  in %s, the slowest run took %s\n", res.Faults(), time.Since(started).Round(time.Second), res.Slowest.Round(100*time.Millisecond))
	for _, seed := range res.FailedRuns {
		_, _ = fmt.Fprintf(out, "  failed: scripts/faults --runs 1 --seed %s --kafka %s\n", seed, cfg.Kafka)
	}
	_, _ = fmt.Fprintln(out, res.Line())
	switch {
	case res.Runs < cfg.Runs:
		// Not ctx's error, which would be a success.
		return fmt.Errorf("stopped after %d of %d runs", res.Runs, cfg.Runs)
	case err != nil:
		return err
	case !res.OK():
		return errors.New("the guarantee does not hold, or a run did not finish: see above")
	}
	return nil
}
