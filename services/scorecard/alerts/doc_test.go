package alerts

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/webhook"
)

// The receivers of ALERTS.md take what is signed for them, and nothing else.
func TestReceiversOfTheDocument(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "ALERTS.md"))
	if err != nil {
		t.Fatal(err)
	}
	first, err := WebhookSecret(installation, workspace, "ops", 0)
	if err != nil {
		t.Fatal(err)
	}
	second, err := WebhookSecret(installation, workspace, "ops", 1)
	if err != nil {
		t.Fatal(err)
	}
	const at, body = 1_790_000_000, `{"type":"alert.firing","text":"±"}`
	h := http.Header{}
	webhook.Sign(h, "msg_1", time.Unix(at, 0), []byte(body), second, first)
	for language, main := range map[string]string{
		"python": `
import sys
secret, sent, signature, body, now = sys.argv[1:]
print(verify(secret, {"webhook-id": "msg_1", "webhook-timestamp": sent, "webhook-signature": signature}, body.encode(), int(now)))`,
		"js": `
const [secret, sent, signature, body, now] = process.argv.slice(2)
console.log(verify(secret, { 'webhook-id': 'msg_1', 'webhook-timestamp': sent, 'webhook-signature': signature }, Buffer.from(body), Number(now)))`,
	} {
		_, code, ok := strings.Cut(string(raw), "```"+language+"\n")
		if !ok {
			t.Fatalf("ALERTS.md has no receiver in %s", language)
		}
		code, _, _ = strings.Cut(code, "```")
		program, name := "python3", "receiver.py"
		if language == "js" {
			program, name = "node", "receiver.mjs"
		}
		if _, err := exec.LookPath(program); err != nil {
			t.Logf("skipped: %s is not there", program)
			continue
		}
		file := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(file, []byte(code+main+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		signature := h.Get(webhook.HeaderSignature)
		for _, c := range []struct {
			secret    webhook.Secret
			signature string
			body      string
			now       int64
			want      bool
		}{
			{first, signature, body, at, true},
			{second, signature, body, at + 300, true},
			{first, signature, body + " ", at, false},
			{first, signature, body, at + 301, false},
			{first, signature, body, at - 301, false},
			{first, strings.Fields(signature)[0], body, at, false},
			{first, "v1,short", body, at, false},
		} {
			cmd := exec.CommandContext(t.Context(), program, file, c.secret.Text(), fmt.Sprint(at), c.signature, c.body, fmt.Sprint(c.now)) //nolint:gosec // a program of the test
			out, err := cmd.CombinedOutput()
			if got := string(bytes.ToLower(bytes.TrimSpace(out))); err != nil || got != fmt.Sprint(c.want) {
				t.Errorf("%s at %d with %q: %v %s, want %v", language, c.now, c.body, err, out, c.want)
			}
		}
	}
}
