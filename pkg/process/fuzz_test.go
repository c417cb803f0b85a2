package process

import (
	"encoding/json"
	"strings"
	"testing"
)

// A file of settings is taken whole or refused with what is wrong; an unknown key never passes, and a check changes nothing.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		`{"rows":3,"wait":"3s","brokers":["a:1","b:2"],"log-level":"debug"}`, `{"rows":"x"}`, `{"unknown":1,"other":2}`, `[]`, `{"rows":1e400}`,
		`{"rows":1,"rows":2}`, `{"fast":"true","share":0.1}`, "{\"listen\":\"\\u0000\"}", `{"log":{"level":"debug"}}`, ``,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var cfg testConfig
		_, err := loadTest(&cfg, []string{"--config=c.json", "--brokers=x:1"}, nil, map[string]string{"c.json": text})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "load configuration: ") {
				t.Errorf("refused with %v", err)
			}
			return
		}
		var doc map[string]any
		if json.Unmarshal([]byte(text), &doc) != nil {
			t.Fatalf("%q was taken", text)
		}
		known := map[string]bool{
			"listen": true, "brokers": true, "wait": true, "rows": true, "share": true, "fast": true, "bytes": true, "log-level": true, "log-format": true,
			"config": true, "check": true,
		}
		for key := range doc {
			if !known[key] {
				t.Errorf("the unknown key %q was taken", key)
			}
		}
		if len(cfg.Brokers) != 1 || cfg.Brokers[0] != "x:1" {
			t.Errorf("the file has overruled a flag: %v", cfg.Brokers)
		}
	})
}
