package standalone_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/services/standalone"
)

// TestLogFromTheCommandLine logs with the session of a person and in somebody's name, through the real loader: each says what it
// adds, counts, and is withdrawn.
func TestLogFromTheCommandLine(t *testing.T) {
	var data string
	s := serve(t, func(c *standalone.Config) { data = c.Data })
	put(t, s, "workflows/brief", `{"valid_from":"2026-01-01T00:00:00Z","name":"Brief","baseline":{"low":60,"mode":78,"high":90}}`)
	keys, err := standalone.ReadKeys(data)
	if err != nil {
		t.Fatal(err)
	}
	ann := event.NewSealer(keys.Secret).Person("default", "ann@example.org")
	sessions := access.NewSessions(keys.Secret, time.Now, access.Lifetimes{})
	session, err := sessions.Value(sessions.Start(access.Viewer{Workspace: "default", Person: ann, Role: access.RoleIC}, access.ByLink))
	if err != nil {
		t.Fatal(err)
	}
	hours := func(want string) {
		t.Helper()
		settle(t, s)
		// Ann is the only one at work, whom an administrator does not see: she does.
		code, out, errs := plumbline(t, s, "log", "--session", session, "--workflow", "brief", "--minutes", "78", "--preview", "--json")
		if code != 0 || !strings.Contains(out, `"after"`) {
			t.Fatalf("preview ended with %d: %s%s", code, out, errs)
		}
		if got := regexp.MustCompile(`"before":\s*\{\s*"month":\s*"[^"]*",\s*"hours":\s*([^,\s]+)`).FindStringSubmatch(out); got == nil || got[1] != want {
			t.Errorf("the own hours are %v, want %s: %s", got, want, out)
		}
	}
	hours("null")
	// 78 − 48 = 30 minutes.
	code, out, errs := plumbline(t, s, "log", "--session", session, "--workflow", "brief", "--minutes", "48", "--note", "Launch")
	if code != 0 || !strings.Contains(out, "Adds 0.5 h to yours and to the organisation.") {
		t.Fatalf("log ended with %d: %s%s", code, out, errs)
	}
	id := regexp.MustCompile(`logged (\S+)`).FindStringSubmatch(out)[1]
	hours("0.5")
	// The same once more is the same; in Ann's name it is another one, which she sees.
	if code, out, errs = plumbline(t, s, "log", "--session", session, "--workflow", "brief", "--minutes", "48", "--note", "Launch", "--id", id); code != 0 {
		t.Errorf("logged again, it ended with %d: %s%s", code, out, errs)
	}
	code, out, errs = plumbline(t, s, "log", "--person", "Ann@example.org", "--workflow", "brief", "--minutes", "18")
	if code != 0 {
		t.Fatalf("in her name it ended with %d: %s%s", code, out, errs)
	}
	named := regexp.MustCompile(`logged (\S+)`).FindStringSubmatch(out)[1]
	hours("1.5")
	if code, out, errs = plumbline(t, s, "log", "--session", session, "--undo", id); code != 0 || !strings.Contains(out, "withdrawn "+id) {
		t.Errorf("undo ended with %d: %s%s", code, out, errs)
	}
	for range 2 { // twice is once
		if code, out, errs = plumbline(t, s, "log", "--person", "ann@example.org", "--undo", named); code != 0 {
			t.Errorf("undo in her name ended with %d: %s%s", code, out, errs)
		}
	}
	hours("null")
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"--session", "none", "--minutes", "5"}, "the session is not known or has ended"},
		{[]string{"--session", session, "--minutes=-5"}, "minutes must be at least 0"},
		{[]string{"--person", "ann@example.org", "--minutes=-5"}, "doing_minutes must be at least 0"},
	} {
		code, out, errs := plumbline(t, s, append([]string{"log", "--workflow", "brief"}, c.args...)...)
		if code != 1 || !strings.Contains(errs, c.says) {
			t.Errorf("%v ended with %d: %s%s", c.args, code, out, errs)
		}
	}
}
