package access_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"plumbline/pkg/access"
)

func TestKeys(t *testing.T) {
	own, text, err := access.NewKey("crm", "default", "crm/*", "web")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(text, "plk_crm_") || len(text) != len("plk_crm_")+64 {
		t.Errorf("the key is %q; want plk_crm_ and 256 bits in hexadecimal digits", text)
	}
	same, sameText, err := access.NewKey("crm", "other")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := access.PlainKey("my own key", "default")
	if err != nil {
		t.Fatal(err)
	}
	// An owner may also choose a text that looks like ours.
	alike, err := access.PlainKey("plk_mine_abc", "default")
	if err != nil {
		t.Fatal(err)
	}
	keys := access.NewKeys(own, same, plain, alike)
	for _, c := range []struct {
		text, workspace string
		found           bool
	}{
		{text, "default", true},
		{sameText, "other", true},
		{"my own key", "default", true},
		{"plk_mine_abc", "default", true},
		{"", "", false},
		{"my own key ", "", false},
		{text[:len(text)-1], "", false},
		{"plk_crm_", "", false},
		{"plk__abc", "", false},
		{strings.Replace(text, "crm", "web", 1), "", false},
		{"plk_unknown_" + text[8:], "", false},
	} {
		key, ok := keys.Find(c.text)
		if ok != c.found || key.Workspace != c.workspace {
			t.Errorf("Find(%q) = %+v, %v; want workspace %q", c.text, key, ok, c.workspace)
		}
	}
	for source, want := range map[string]bool{"crm/": true, "crm/deals": true, "web": true, "web/": false, "cr": false, "": false} {
		if got := own.MayWrite(source); got != want {
			t.Errorf("MayWrite(%q) = %v; want %v", source, got, want)
		}
	}
	if !plain.MayWrite("anything") {
		t.Error("a key without sources may not write all")
	}
}

func TestKeyIsKeptWithoutItsSecret(t *testing.T) {
	key, text, err := access.NewKey("a1", "default")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), text[len("plk_a1_"):]) {
		t.Errorf("the secret is in %s", raw)
	}
	var back access.Key
	if err := json.Unmarshal(raw, &back); err != nil {
		t.Fatal(err)
	}
	if _, ok := access.NewKeys(back).Find(text); !ok {
		t.Error("the key does not work after it was read back")
	}
	if err := json.Unmarshal([]byte(`{"sha256":"ab"}`), &back); err == nil {
		t.Error("a short hash was taken")
	}
	if _, _, err := access.NewKey("No", "default"); err == nil {
		t.Error("a bad id was taken")
	}
	if _, err := access.PlainKey(" x", "default"); err == nil {
		t.Error("a text that begins with a space was taken")
	}
}

func TestToken(t *testing.T) {
	token := access.NewToken("secret")
	if !token.Is("secret") || token.Is("Secret") || token.Is("") {
		t.Error("the token is not compared right")
	}
	if access.NewToken("").Is("") || (access.Token{}).Is("") {
		t.Error("nothing is taken for a token")
	}
}

func TestSignIns(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	s := access.NewSignIns(func() time.Time { return now }, time.Minute)
	viewer := access.Viewer{Workspace: "default", Role: access.RoleAdmin}
	token := s.Issue(viewer)
	if _, ok := s.Redeem(token + "x"); ok {
		t.Error("a wrong token was taken")
	}
	if got, ok := s.Redeem(token); !ok || got != viewer {
		t.Errorf("got %+v, %v", got, ok)
	}
	if _, ok := s.Redeem(token); ok {
		t.Error("a token was taken twice")
	}
	late := s.Issue(viewer)
	now = now.Add(time.Minute)
	if _, ok := s.Redeem(late); ok {
		t.Error("an expired token was taken")
	}
}
