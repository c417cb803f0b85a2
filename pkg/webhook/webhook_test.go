package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

func secretOf(t testing.TB, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The worked example of the specification's own libraries.
func TestSignatureOfTheSpecification(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		secret, id, body, signature string
		at                          int64
	}{
		{
			"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", `{"email":"test@example.com","username":"test_user"}`,
			"v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=", 1649367553,
		},
	} {
		h := http.Header{}
		Sign(h, c.id, time.Unix(c.at, 0), []byte(c.body), secretOf(t, c.secret))
		if got := h.Get(HeaderSignature); got != c.signature {
			t.Errorf("%s: %s, want %s", c.id, got, c.signature)
		}
		if got := secretOf(t, c.secret).Text(); got != c.secret {
			t.Errorf("the secret reads %s, was %s", got, c.secret)
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	now, body := time.Unix(1_790_000_000, 0), []byte(`{"type":"alert.firing"}`)
	first := secretOf(t, "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw")
	second := secretOf(t, "whsec_MTExMTExMTExMTExMTExMTExMTExMTEx")
	other := secretOf(t, "whsec_MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIy")
	for name, c := range map[string]struct {
		change  func(http.Header)
		body    string
		at      time.Time
		secrets []Secret
		want    error
	}{
		"as sent":                      {secrets: []Secret{first}},
		"the secret before":            {secrets: []Secret{second}},
		"both, in a rotation":          {secrets: []Secret{other, second}},
		"another secret":               {secrets: []Secret{other}, want: ErrSignature},
		"no secret":                    {want: ErrSignature},
		"another body":                 {secrets: []Secret{first}, body: `{"type":"alert.resolved"}`, want: ErrSignature},
		"another id":                   {secrets: []Secret{first}, change: func(h http.Header) { h.Set(HeaderID, "msg_2") }, want: ErrSignature},
		"another time":                 {secrets: []Secret{first}, change: func(h http.Header) { h.Set(HeaderTimestamp, "1790000001") }, want: ErrSignature},
		"within five minutes":          {secrets: []Secret{first}, at: now.Add(5 * time.Minute)},
		"replayed":                     {secrets: []Secret{first}, at: now.Add(5*time.Minute + time.Second), want: ErrTime},
		"from the future":              {secrets: []Secret{first}, at: now.Add(-5*time.Minute - time.Second), want: ErrTime},
		"no id":                        {secrets: []Secret{first}, change: func(h http.Header) { h.Del(HeaderID) }, want: ErrHeaders},
		"two times":                    {secrets: []Secret{first}, change: func(h http.Header) { h.Add(HeaderTimestamp, "1") }, want: ErrHeaders},
		"a time of another form":       {secrets: []Secret{first}, change: func(h http.Header) { h.Set(HeaderTimestamp, "+1790000000") }, want: ErrHeaders},
		"a signature of no version":    {secrets: []Secret{first}, change: func(h http.Header) { h.Set(HeaderSignature, "AAAA") }, want: ErrHeaders},
		"a signature of version 1a":    {secrets: []Secret{first}, change: func(h http.Header) { h.Set(HeaderSignature, "v1a,AAAA "+h.Get(HeaderSignature)) }},
		"more signatures than anybody": {secrets: []Secret{first}, change: func(h http.Header) { h.Set(HeaderSignature, strings.Repeat(h.Get(HeaderSignature)+" ", 9)) }, want: ErrHeaders},
	} {
		h := http.Header{}
		Sign(h, "msg_1", now, body, first, second)
		if c.change != nil {
			c.change(h)
		}
		sent, at := body, now
		if c.body != "" {
			sent = []byte(c.body)
		}
		if !c.at.IsZero() {
			at = c.at
		}
		if err := Verify(h, sent, at, c.secrets...); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "whsec_", "MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw", "whsec_short", "whsec_c2hvcnQ=", "whsec_" + strings.Repeat("QUFB", 22)} {
		if _, err := ParseSecret(text); err == nil || (len(text) > 12 && strings.Contains(err.Error(), text[8:])) {
			t.Errorf("%q: %v", text, err)
		}
	}
	const text = "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw"
	s := secretOf(t, text)
	raw, err := json.Marshal(map[string]any{"secret": s})
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("secret", "secret", s, "list", []Secret{s})
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v", s, s), string(raw), log.String()} {
		if strings.Contains(shown, "MDAw") || strings.Contains(shown, "48 48") || strings.Contains(shown, "0x30") {
			t.Errorf("the secret is told: %s", shown)
		}
	}
}

// Whatever the header holds, what is read of it are signatures of the right length, and none of them is believed unless it is one.
func FuzzSignatureHeader(f *testing.F) {
	secret := secretOf(f, "whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAw")
	h := http.Header{}
	Sign(h, "msg_1", time.Unix(1_790_000_000, 0), []byte("{}"), secret)
	for _, seed := range []string{
		"", " ", "v1", "v1,", "v1,AAAA", "v1a,AAAA", "v2,x v1,y", h.Get(HeaderSignature), "v1,\x00", strings.Repeat("v1,AA ", 40),
		h.Get(HeaderSignature) + " " + h.Get(HeaderSignature), "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD1=",
	} {
		f.Add(seed, "1790000000")
	}
	right := h.Get(HeaderSignature)
	f.Fuzz(func(t *testing.T, header, timestamp string) {
		for _, s := range parseSignatures(header) {
			if len(s) != 32 {
				t.Fatalf("%q gives a signature of %d bytes", header, len(s))
			}
		}
		h := http.Header{HeaderID: nil}
		h.Set(HeaderID, "msg_1")
		h.Set(HeaderTimestamp, timestamp)
		h.Set(HeaderSignature, header)
		err := Verify(h, []byte("{}"), time.Unix(1_790_000_000, 0), secret)
		seconds, bad := strconv.ParseInt(timestamp, 10, 64)
		if err == nil && (bad != nil || seconds != 1_790_000_000 || !strings.Contains(header, right)) {
			t.Fatalf("%q at %q is believed", header, timestamp)
		}
	})
}
