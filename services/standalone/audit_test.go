package standalone_test

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The audit log from the command line: what was changed and what was read stands in it a moment later, who may not read it
// does not, and each format has all of it.
func TestAuditFromTheCommandLine(t *testing.T) {
	t.Parallel()
	s := serve(t, nil)
	put(t, s, "teams/t", `{"valid_from":"2026-01-01","name":"T"}`)
	get(t, s, "/evidence?measure=vendor_spend&from=2026-10-01&to=2026-11-01")
	run := func(want int, args ...string) (out, errs string) {
		t.Helper()
		code, out, errs := plumbline(t, s, append([]string{"audit"}, args...)...)
		if code != want {
			t.Fatalf("plumbline audit %s ended with %d: %s%s", strings.Join(args, " "), code, out, errs)
		}
		return out, errs
	}
	waitFor(t, "both are in the log", func() bool {
		out, _ := run(0)
		return strings.Contains(out, "registry.write  ok  admin token as admin  teams t\n") &&
			strings.Contains(out, "evidence.read  ok  admin token as admin  evidence vendor_spend org from 2026-10-01 to 2026-11-01\n")
	})
	waitFor(t, "that the log was read is in it", func() bool {
		out, _ := run(0, "--action", "audit.read", "--from", "1h", "--limit", "1")
		return strings.Contains(out, "audit.read  ok")
	})
	if out, errs := run(0, "--actor", "ann@example.com"); out != "" || !strings.Contains(errs, "nothing was recorded") {
		t.Errorf("of somebody else: %s%s", out, errs)
	}
	file := filepath.Join(t.TempDir(), "audit.csv")
	run(0, "--format", "csv", "--action", "registry.write", "--out", file)
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if lines, err := csv.NewReader(strings.NewReader(string(raw))).ReadAll(); err != nil || len(lines) != 2 || lines[0][0] != "id" || lines[1][5] != "registry.write" {
		t.Errorf("%v %q", err, lines)
	}
	out, _ := run(0, "--format", "ndjson", "--action", "registry.write")
	var line struct{ Target string }
	if err := json.Unmarshal([]byte(out), &line); err != nil || line.Target != "t" || strings.Count(out, "\n") != 1 {
		t.Errorf("%v %s", err, out)
	}
	if _, errs := run(1, "--action", "evidence.burn"); !strings.Contains(errs, "use one of") {
		t.Errorf("an action that there is none of: %s", errs)
	}
	if status, body := request(t, http.MethodGet, s.URL+"/api/v1/audit", s.WriteKey, "", ""); status != http.StatusUnauthorized {
		t.Errorf("with a write key: %d %s", status, body)
	}
}
