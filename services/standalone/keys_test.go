package standalone_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An API key from the command line: made, used, listed, rotated, revoked, and refused in less than 5 seconds.
func TestKeysFromTheCommandLine(t *testing.T) {
	s := serve(t, nil)
	send := func(key, id string) (int, string) {
		t.Helper()
		return request(t, http.MethodPost, s.URL+"/v1/events", key, "application/cloudevents+json", fmt.Sprintf(
			`{"specversion":"1.0","id":%q,"source":"/crm/a","type":"plumbline.hours_saved.v1","time":"2026-11-01T09:30:00Z","data":{"workflow":"post","doing_minutes":30}}`, id))
	}
	eventually := func(what string, so func() bool) {
		t.Helper()
		deadline, tick := time.After(20*time.Second), time.NewTicker(5*time.Millisecond)
		defer tick.Stop()
		for !so() {
			select {
			case <-tick.C:
			case <-deadline:
				t.Fatalf("not after 20 s: %s", what)
			}
		}
	}
	run := func(want int, args ...string) (out, errs string) {
		t.Helper()
		code, out, errs := plumbline(t, s, append([]string{"keys"}, args...)...)
		if code != want {
			t.Fatalf("plumbline keys %s ended with %d: %s%s", strings.Join(args, " "), code, out, errs)
		}
		return out, errs
	}
	out, errs := run(0, "new", "--name", "CRM sync", "--id", "crm", "--scope", "write", "--source", "/crm/*", "--kind", "hours_saved", "--expires", "90d")
	first := strings.TrimSpace(out)
	if !strings.HasPrefix(first, "plk_crm_") || strings.ContainsAny(first, " \n") || !strings.Contains(errs, "nobody can read it again") {
		t.Errorf("said %q and %q", out, errs)
	}
	eventually("the key is taken", func() bool { status, _ := send(first, "1"); return status == http.StatusAccepted })
	if out, _ := run(0, "list"); !strings.Contains(out, `plk_crm_…  active  "CRM sync"`) || !strings.Contains(out, "may write, of sources /crm/*, of kinds hours_saved") || strings.Contains(out, first) {
		t.Errorf("listed as\n%s", out)
	}
	eventually("its use is listed", func() bool { out, _ := run(0, "list"); return !strings.Contains(out, "last used never") })
	out, _ = run(0, "rotate", "crm", "--overlap", "0")
	second := strings.TrimSpace(out)
	eventually("the old secret is refused, the new one taken", func() bool {
		old, body := send(first, "2")
		fresh, _ := send(second, "3")
		return old == http.StatusForbidden && strings.Contains(body, "key_expired") && fresh == http.StatusAccepted
	})
	started := time.Now()
	run(0, "revoke", "crm")
	eventually("the key is refused", func() bool {
		status, body := send(second, "4")
		return status == http.StatusForbidden && strings.Contains(body, "key_revoked")
	})
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("refused after %s", took)
	} else {
		t.Logf("refused %s after the command began", took)
	}
	run(0, "revoke", "crm")
	if out, errs := run(0, "list"); out != "" || !strings.Contains(errs, "1 expired or revoked") {
		t.Errorf("listed as %q and %q", out, errs)
	}
	for want, args := range map[string][]string{
		"no key with this id":   {"rotate", "nobody"},
		"key is revoked":        {"rotate", "crm"},
		"say as whom":           {"new", "--name", "x", "--scope", "read"},
		"there is a key with":   {"new", "--name", "x", "--scope", "write", "--id", "crm"},
		"no such kind of event": {"new", "--name", "x", "--scope", "write", "--kind", "hours_lost"},
	} {
		if _, errs := run(1, args...); !strings.Contains(strings.ToLower(errs), want) {
			t.Errorf("keys %v said %s", args, errs)
		}
	}
	// A key with the scope admin is as good as the token.
	var made struct {
		Text string `json:"text"`
	}
	out, _ = run(0, "new", "--name", "ops", "--scope", "admin", "--json")
	if err := json.Unmarshal([]byte(out), &made); err != nil {
		t.Fatal(err)
	}
	s.AdminToken = made.Text
	out, _ = run(0, "list", "--all", "--json")
	var list struct {
		Keys []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		} `json:"keys"`
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list.Keys) != 2 {
		t.Errorf("%v in %s", err, out)
	}
}
