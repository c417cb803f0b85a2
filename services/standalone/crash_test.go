package standalone_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumbline/services/standalone"
)

// process is a plumbline up of its own.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// up starts a plumbline up as a process and waits for its ready line.
func up(t *testing.T, data string) (*process, standalone.Server) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "up", "--no-demo", "--data", data, "--listen", "127.0.0.1:0")
	// Variables with our prefix would be settings of the command.
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "PLUMBLINE_") || strings.HasPrefix(v, "PLUMBLINE_ENGINE=") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, asCommand+"=1")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd, make(chan struct{})}
	ready := make(chan string, 1)
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if url, ok := strings.CutPrefix(lines.Text(), "ready "); ok {
				ready <- url
			}
		}
		_ = cmd.Wait()
	}()
	t.Cleanup(p.kill)
	select {
	case url := <-ready:
		keys, err := standalone.ReadKeys(data)
		if err != nil {
			t.Fatal(err)
		}
		return p, standalone.Server{URL: url, WriteKey: keys.WriteKey, AdminToken: keys.AdminToken}
	case <-p.ended:
		t.Fatal("plumbline up ended before it was ready")
	case <-time.After(time.Minute):
		t.Fatal("no ready line in a minute")
	}
	panic("unreachable")
}

// kill is kill -9, as if the power failed for this process.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// spendRows writes a FOCUS file of n charges of 0.01 each.
func spendRows(t *testing.T, n int) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("Id,BilledCost,EffectiveCost,BillingCurrency,ProviderName,ServiceCategory,ConsumedQuantity,ConsumedUnit,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ChargeClass\n")
	for i := range n {
		day := 1 + i%28
		fmt.Fprintf(&b, "c%d,0.01,0.01,USD,AWS,Compute,1,Hours,2026-09-%02d 00:00:00,2026-09-%02d 01:00:00,Usage,NULL\n", i, day, day)
	}
	path := filepath.Join(t.TempDir(), "charges.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCrashInImport kills a running plumbline up with -9 in the middle of an import, starts it again on the same
// folder and imports the file once more: every charge counts exactly once.
func TestCrashInImport(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes of its own")
	}
	const rows = 40_000
	data, file := filepath.Join(t.TempDir(), "data"), spendRows(t, rows)
	p, s := up(t, data)
	interrupted := make(chan int, 1)
	go func() {
		code, _, _ := plumbline(t, s, "import", "--mapping", "focus_1_0", file)
		interrupted <- code
	}()
	// In the middle: some of it is stored, most is not.
	waitFor(t, "the first charges", func() bool {
		return get(t, s, "/scorecard?from=2026-09-01&to=2026-10-01").text(t, "measures.vendor_spend.status") == "ok"
	})
	p.kill()
	// The import goes on asking for as long as its patience lasts; the server that comes back listens elsewhere.
	p2, again := up(t, data)
	select {
	case code := <-interrupted:
		if code != 1 {
			t.Errorf("the interrupted import ended with %d, want 1", code)
		}
	default: // still waiting for the server that is gone
	}
	sum := importFile(t, again, "focus_1_0", file)
	if sum.Rows != rows || sum.Loaded+sum.Duplicate != rows || sum.Duplicate == 0 || len(sum.Rejected) != 0 {
		t.Errorf("second import: %+v", sum)
	}
	settle(t, again)
	d := get(t, again, "/scorecard?from=2026-09-01&to=2026-10-01")
	// 40,000 × 0.01 = 400.
	if value, n := d.text(t, "measures.vendor_spend.value"), d.text(t, "measures.vendor_spend.n"); value != "400" || n != "40000" {
		t.Errorf("spend %s of %s charges, want 400 of 40000", value, n)
	}
	stopping := time.Now()
	if err := p2.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p2.ended:
		if code := p2.cmd.ProcessState.ExitCode(); code != 0 {
			t.Errorf("after Ctrl-C it ended with %d", code)
		}
	case <-time.After(15 * time.Second):
		t.Errorf("Ctrl-C did not stop it in %s", time.Since(stopping))
	}
}

// waitFor polls a condition.
func waitFor(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatalf("%s did not come in a minute", what)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}
