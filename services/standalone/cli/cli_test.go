package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/services/standalone/cli"
)

// run runs the command line without a terminal.
func run(t *testing.T, env map[string]string, stdin string, args ...string) (code int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Main(t.Context(), args, cli.Streams{
		In: strings.NewReader(stdin), Out: &stdout, Err: &stderr,
		Env: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
	})
	return code, stdout.String(), stderr.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestUsage: what is typed wrong ends with 2, what fails with 1, help with 0.
func TestUsage(t *testing.T) {
	t.Setenv("PLUMBLINE_KAFKA", "embedded") // the variable chooses the broker of the tests too
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{nil, 0, "Usage: plumbline <command>"},
		{[]string{"--help"}, 0, "scorecard"},
		{[]string{"import", "--help"}, 0, "hillstrom_email"},
		{[]string{"up", "--help"}, 0, "Ctrl-C stops cleanly"},
		{[]string{"fly"}, 2, "unexpected argument fly"},
		{[]string{"import", "x.csv"}, 2, "missing flags: --mapping"},
		{[]string{"import", "--mapping", "focus_1_0"}, 2, `expected "<file> ..."`},
		{[]string{"explain", "luck"}, 2, `no measure "luck": there are hours_saved_net`},
		{[]string{"explain", "win_rate"}, 0, "won ÷ (won + lost)"},
		{[]string{"version"}, 0, "plumbline "},
		{[]string{"up", "--bogus", "1", "--nonsense=2"}, 2, "unknown: flag --bogus, flag --nonsense"},
		{[]string{"up", "--listen", "here", "--kafka", "there"}, 2, "--listen: \"here\" is no host:port\n--kafka: \"there\" is no host:port"},
		{[]string{"up", "--check", "--no-demo"}, 0, ""},
		{[]string{"up", "--check", "--kafka", "k:9093", "--kafka-tls", "--kafka-key", "k.pem"}, 2, "give both the certificate and its key"},
		{[]string{"up", "--check", "--kafka", "k:9093", "--kafka-password", "p"}, 2, "set PLUMBLINE_KAFKA_PASSWORD"},
		{[]string{"up", "--check", "--smtp-address", "m:587", "--smtp-from", "p@example.com", "--smtp-password", "p"}, 2, "set PLUMBLINE_SMTP_PASSWORD"},
		{[]string{"up", "--check", "--smtp-from", "p@example.com"}, 2, "name the mail server with --smtp-address"},
		{[]string{"up", "--check", "--webhook-allow", "10.0.0.1/8"}, 2, "--webhook-allow"},
		{[]string{"up", "--check", "--no-demo", "--webhook-allow", "10.0.0.0/8,fd00::/8", "--webhook-allow-http", "--smtp-address", "localhost:25", "--smtp-tls", "none", "--smtp-from", "p@example.com"}, 0, ""},
		{[]string{"digest", "--data", "nowhere"}, 2, "no server is known"},
		{[]string{"digest", "--format", "pdf"}, 2, `--format must be one of "html","text"`},
		{[]string{"up", "--check", "--clickhouse-tls"}, 2, "name it with --clickhouse"},
		{[]string{"bench", "ingest", "--kafka-tls"}, 1, "name it with --kafka"},
		{[]string{"migrate", "--clickhouse", "clickhouse://u@127.0.0.1:1/d", "--clickhouse-ca", "ca.pem"}, 1, "set --clickhouse-tls"},
		{[]string{"demo", "--until", "soon"}, 2, "--until: write a time as RFC 3339"},
		{[]string{"demo", "--size", "0"}, 2, "--size must lie above 0"},
		{[]string{"bench", "scorecard", "--events", "5"}, 2, "at least 20000 events"},
		{[]string{"keys", "--data", "nowhere"}, 1, "no such file"},
		{[]string{"keys", "list", "--data", "nowhere"}, 2, "no server is known"},
		{[]string{"keys", "new", "--name", "x"}, 2, "missing flags: --scope"},
		{[]string{"keys", "new", "--name", "x", "--scope", "fly"}, 2, `--scope must be one of "write","read","admin"`},
		{[]string{"keys", "new", "--name", "x", "--scope", "write", "--expires", "soon"}, 2, "--expires: write after how long"},
		{[]string{"waves", "open"}, 2, `expected "<wave>"`},
		{[]string{"waves", "open", "q4", "--closes", "soon"}, 2, "--closes: write after how long"},
		{[]string{"waves", "open", "q4", "--closes", "2020-01-01"}, 2, "plumbline waves close"},
		{[]string{"waves", "close", "q4", "--url", "http://127.0.0.1:1", "--token", "t"}, 1, "nothing was closed"},
		{[]string{"waves", "--url", "http://127.0.0.1:1", "--token", "t"}, 1, "is it running?"},
		{[]string{"keys", "rotate"}, 2, `expected "<id>"`},
		{[]string{"keys", "rotate", "x", "--overlap=-1h"}, 2, "--overlap: it can not be negative"},
		{[]string{"keys", "revoke", "x", "--url", "http://127.0.0.1:1", "--token", "t"}, 1, "is it running?"},
		{[]string{"log", "--workflow", "w", "--minutes", "5"}, 2, "say who you are: set PLUMBLINE_SESSION"},
		{[]string{"log", "--person", "a", "--minutes", "5"}, 2, "--workflow: say which"},
		{[]string{"log", "--person", "a", "--workflow", "w"}, 2, "--minutes: say how many"},
		{[]string{"log", "--person", "a", "--workflow", "w", "--minutes", "few"}, 2, "--minutes: write a number"},
		{[]string{"log", "--person", "a", "--workflow", "w", "--minutes", "5", "--date", "today"}, 2, "--date: write a day"},
		{[]string{"log", "--person", "a", "--workflow", "w", "--minutes", "5", "--preview"}, 2, "--preview: what it adds is for the person to see"},
		{[]string{"log", "--session", "s", "--undo", "x", "--minutes", "5"}, 2, "--undo: it takes an id and nothing else"},
		{[]string{"log", "--session", "s", "--undo", "x", "--data", "nowhere"}, 2, "no server is known"},
		{[]string{"audit", "--data", "nowhere"}, 2, "no server is known"},
		{[]string{"audit", "--from", "soon"}, 2, "--from: write how long ago"},
		{[]string{"audit", "--limit", "0"}, 2, "--limit: write a number"},
		{[]string{"audit", "--format", "xml"}, 2, `--format must be one of "text","json","csv","ndjson"`},
		{[]string{"audit", "--out", "x"}, 2, "--out: choose a format"},
		{[]string{"scorecard", "--data", "nowhere"}, 2, "no server is known: give --url, set PLUMBLINE_URL"},
	} {
		code, out, errs := run(t, nil, "", c.args...)
		if code != c.code || !strings.Contains(out+errs, c.says) {
			t.Errorf("plumbline %s ended with %d and said\n%s%s\nwant %d and %q", strings.Join(c.args, " "), code, out, errs, c.code, c.says)
		}
		if strings.Contains(out+errs, "\x1b[") {
			t.Errorf("plumbline %s: colours without a terminal", strings.Join(c.args, " "))
		}
	}
}

// TestHelp: every command has help with examples.
func TestHelp(t *testing.T) {
	for _, name := range []string{"up", "demo", "import", "log", "event", "tail", "scorecard", "explain", "export", "rejects", "replay", "audit", "keys", "waves", "migrate", "version"} {
		code, out, _ := run(t, nil, "", name, "--help")
		if code != 0 || !strings.Contains(out, "Example") || !strings.Contains(out, "plumbline "+name) {
			t.Errorf("help of %s:\n%s", name, out)
		}
	}
	for _, name := range []string{"show", "list", "new", "rotate", "revoke"} {
		code, out, _ := run(t, nil, "", "keys", name, "--help")
		if code != 0 || !strings.Contains(out, "Example") || !strings.Contains(out, "plumbline keys") {
			t.Errorf("help of keys %s:\n%s", name, out)
		}
	}
}

// TestBadImports is the list of bad input that an import may meet: a line number and a sentence, code 1.
func TestBadImports(t *testing.T) {
	const header = "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n"
	good := header + "1,a,p,c,Won,1/2/2017,3/1/2017,10\n"
	for _, c := range []struct{ name, file, text, says string }{
		{"missing column", "a.csv", "opportunity_id,product\n1,p\n", `a.csv: line 1: the file has no column "close_date", "close_value", "deal_stage", "engage_date", which the mapping reads; it has "opportunity_id", "product"`},
		{"broken quote", "b.csv", good + "2,a,\"p,c,Won,1/2/2017,3/1/2017,10\n3,a,p,c,Won,1/2/2017,3/1/2017,10\n", "b.csv: line 3: a quote is opened in the record that starts here and not closed properly"},
		{"UTF-16", "c.csv", "\xff\xfeo\x00", "c.csv: line 1: the file is UTF-16: save it as UTF-8"},
		{"not there", "", "", "open file: open nowhere.csv: no such file or directory"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := "nowhere.csv"
			if c.file != "" {
				path = write(t, c.file, c.text)
			}
			// No server is given: it must fail before it would need one.
			code, out, errs := run(t, nil, "", "import", "--mapping", "crm_sales_pipeline", path)
			if code != 1 || !strings.Contains(errs, c.says) || out != "" {
				t.Errorf("ended with %d and said\n%s%s\nwant %q", code, out, errs, c.says)
			}
		})
	}
	t.Run("UTF-8 BOM", func(t *testing.T) {
		code, out, errs := run(t, nil, "", "import", "--dry-run", "--mapping", "crm_sales_pipeline", write(t, "d.csv", "\ufeff"+good))
		if code != 0 || !strings.Contains(out, "dry run, nothing was sent: 1 rows, 1 events, 1 would be taken, 0 rejected") {
			t.Errorf("ended with %d and said\n%s%s", code, out, errs)
		}
	})
	t.Run("unknown mapping", func(t *testing.T) {
		code, _, errs := run(t, nil, "", "import", "--mapping", "salesfarce", write(t, "e.csv", good))
		if code != 1 || !strings.Contains(errs, `no mapping "salesfarce": the library has`) {
			t.Errorf("ended with %d and said %s", code, errs)
		}
	})
}

// TestDryRun shows the first problems by line and column, and the first events.
func TestDryRun(t *testing.T) {
	text := "opportunity_id,sales_agent,product,account,deal_stage,engage_date,close_date,close_value\n" +
		"1,a,p,c,Won,1/2/2017,3/1/2017,10\n" +
		"2,a,p,c,Prospecting,,,\n" +
		"3,a,p,c,Won,1/2/2017,3/1/2017,ten\n" +
		"4,a,p,c,Maybe,1/2/2017,soon,\n" +
		"5,a,p,c,Won,4/2/2017,3/1/2017,10\n"
	code, out, errs := run(t, nil, text, "import", "--dry-run", "--mapping", "crm_sales_pipeline", "-")
	want := `standard input:3, /time: give the time when it happened, as RFC 3339 (missing_time)
standard input:4, column close_value: "ten" is no number (bad_value)
standard input:5, column close_date: "soon" is no time written like 1/2/2006 or 2006-01-02 (bad_value)
standard input:5, column deal_stage: "Maybe" is not in the map of status (bad_value)
standard input:6, /data/closed_at: closed_at must not come before created_at (inconsistent)
`
	if code != 0 || errs != want {
		t.Errorf("ended with %d, problems\n%s\nwant\n%s", code, errs, want)
	}
	if !strings.Contains(out, `"deal": "1"`) || !strings.Contains(out, "5 rows, 5 events, 1 would be taken, 4 rejected") {
		t.Errorf("said\n%s", out)
	}
	if code, _, _ := run(t, nil, text, "import", "--dry-run", "--strict", "--mapping", "crm_sales_pipeline", "-"); code != 1 {
		t.Errorf("--strict ended with %d", code)
	}
}

// TestDemoPrint: the events of the demo are lines that the mapping cloudevents takes.
func TestDemoPrint(t *testing.T) {
	code, lines, _ := run(t, nil, "", "demo", "--print", "--days", "10", "--until", "2026-11-01")
	if code != 0 || strings.Count(lines, "\n") < 50 {
		t.Fatalf("ended with %d, %d lines", code, strings.Count(lines, "\n"))
	}
	code, out, errs := run(t, nil, lines, "import", "--dry-run", "--strict", "--mapping", "cloudevents", "-")
	if code != 0 || !strings.Contains(out, "0 rejected") {
		t.Errorf("ended with %d and said\n%s%s", code, out, errs)
	}
}

// TestKeys: keys are hidden unless asked for; the environment's are named.
func TestKeys(t *testing.T) {
	path := write(t, "keys.json", `{"write_key":"wwwwwwww","admin_token":"aaaaaaaa","secret":"AAAA"}`)
	code, out, _ := run(t, map[string]string{"PLUMBLINE_WRITE_KEY": "other"}, "", "keys", "--data", filepath.Dir(path))
	if code != 0 || strings.Contains(out, "wwwwwwww") || !strings.Contains(out, "wwww… (replaced by PLUMBLINE_WRITE_KEY)") {
		t.Errorf("ended with %d and said\n%s", code, out)
	}
	if _, out, _ = run(t, nil, "", "keys", "--show", "--data", filepath.Dir(path)); !strings.Contains(out, "wwwwwwww") {
		t.Errorf("said\n%s", out)
	}
	if _, out, _ = run(t, nil, "", "keys", "--new"); len(strings.TrimSpace(out)) < 43 {
		t.Errorf("a new key is %q", out)
	}
}

// TestPickedMapping: what a bill is read as follows from its columns and is said, and what no rule names is counted as left out.
func TestPickedMapping(t *testing.T) {
	bill := write(t, "bill.csv", "ServiceProviderName,ServiceName,ServiceCategory,BillingCurrency,BilledCost,EffectiveCost,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ChargeClass\n"+
		"AWS,Bedrock,AI and Machine Learning,USD,1.10,1,2026-09-01,2026-09-02,Usage,\n"+
		"AWS,EC2,Compute,USD,2,2,2026-09-01,2026-09-02,Usage,\n")
	ours := write(t, "ours.yaml", "extends: focus\nrules: [{when: [{column: ServiceName, like: Bed*}], fields: {team: {value: brand}}}]\n")
	code, out, errs := run(t, nil, "", "import", "--dry-run", "--mapping", ours, bill)
	if code != 0 || !strings.Contains(errs, "bill.csv: read as focus_1_3") || !strings.Contains(out, "2 rows, 1 events, 1 would be taken, 0 rejected") ||
		!strings.Contains(out, "skipped no_rule: 1") || !strings.Contains(out, `"billed_cost": "1.1"`) || !strings.Contains(out, `"team": "brand"`) {
		t.Errorf("ended with %d and said\n%s%s", code, out, errs)
	}
}
