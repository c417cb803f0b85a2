package bench

import (
	"encoding/json"
	"os"
	"strconv"
	"testing"
)

// Both sides store every event, and the figures are there.
func TestLoaderMeasuresBothSides(t *testing.T) {
	res, err := Loader(t.Context(), Config{Short: true, Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if res.RowsPerSecond <= 0 || res.KafkaEngineRowsPerSecond <= 0 || res.Ratio <= 0 || res.Rounds != 1 || res.Events != 20_000 {
		t.Errorf("result: %+v", res)
	}
}

// BenchmarkLoader is for profiles: BENCH_EVENTS says how many events the topic has.
func BenchmarkLoader(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("BENCH_EVENTS"))
	for b.Loop() {
		res, err := Loader(b.Context(), Config{Dir: b.TempDir(), Events: n})
		if err != nil {
			b.Fatal(err)
		}
		text, err := json.Marshal(res)
		if err != nil {
			b.Fatal(err)
		}
		b.Log(string(text))
	}
}
