package registry_test

import (
	"slices"
	"testing"
	"time"

	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

func TestOutgoingEntries(t *testing.T) {
	t.Parallel()
	const recipients = `"weekday":"monday","hour":6,"recipients":["ann@example.com"]`
	for name, c := range map[string]struct {
		kind    registry.Kind
		key     string
		raw     string
		code    event.Code
		pointer string
	}{
		"webhook":               {registry.Webhooks, "ops", `{"url":"https://hooks.example.com/x","description":"the channel of operations","active":false,"secret_version":2}`, "", ""},
		"webhook of no address": {registry.Webhooks, "ops", `{"url":"javascript:alert(1)"}`, event.CodeBadValue, "/url"},
		"webhook with a path":   {registry.Webhooks, "ops/eu", `{"url":"https://hooks.example.com/x"}`, event.CodeBadValue, ""},
		"webhook with a secret": {registry.Webhooks, "ops", `{"url":"https://hooks.example.com/x","secret":"whsec_x"}`, event.CodeUnknownField, "/secret"},
		"under target":          {registry.Alerts, "a", `{"when":"under_target","measure":"hours_saved_net","scope":"team:content","months":6,"webhook":"ops","cooldown_hours":0}`, "", ""},
		"above":                 {registry.Alerts, "a", `{"when":"above","measure":"ai_cost","threshold":5000,"currency":"EUR","webhook":"ops"}`, "", ""},
		"sample ratio":          {registry.Alerts, "a", `{"when":"sample_ratio","experiment":"subject-lines","webhook":"ops"}`, "", ""},
		"source silent":         {registry.Alerts, "a", `{"when":"source_silent","source":"/crm/eu","hours":6.5,"webhook":"ops"}`, "", ""},
		"reviews":               {registry.Alerts, "a", `{"when":"review_over_target","threshold":0.2,"scope":"workflow:blog/post","webhook":"ops"}`, "", ""},
		"no webhook":            {registry.Alerts, "a", `{"when":"sample_ratio","experiment":"x"}`, event.CodeMissingField, "/webhook"},
		"nothing to compare":    {registry.Alerts, "a", `{"when":"below","measure":"ai_cost","webhook":"ops"}`, event.CodeMissingField, "/threshold"},
		"no measure":            {registry.Alerts, "a", `{"when":"over_target","webhook":"ops"}`, event.CodeMissingField, "/measure"},
		"no hours":              {registry.Alerts, "a", `{"when":"source_silent","source":"x","webhook":"ops"}`, event.CodeMissingField, "/hours"},
		"hours of nothing":      {registry.Alerts, "a", `{"when":"source_silent","source":"x","hours":0,"webhook":"ops"}`, event.CodeOutOfRange, "/hours"},
		"hours of two years":    {registry.Alerts, "a", `{"when":"source_silent","source":"x","hours":17520,"webhook":"ops"}`, event.CodeOutOfRange, "/hours"},
		"too long a cool-down":  {registry.Alerts, "a", `{"when":"sample_ratio","experiment":"x","cooldown_hours":8760.5,"webhook":"ops"}`, event.CodeOutOfRange, "/cooldown_hours"},
		"what is not looked at": {registry.Alerts, "a", `{"when":"sample_ratio","experiment":"x","measure":"ai_cost","webhook":"ops"}`, event.CodeInconsistent, "/measure"},
		"one's own":             {registry.Alerts, "a", `{"when":"under_target","measure":"x","scope":"me","webhook":"ops"}`, event.CodeBadValue, "/scope"},
		"more than all reviews": {registry.Alerts, "a", `{"when":"review_over_target","threshold":1,"webhook":"ops"}`, event.CodeOutOfRange, "/threshold"},
		"another when":          {registry.Alerts, "a", `{"when":"sometimes","webhook":"ops"}`, event.CodeBadValue, "/when"},
		"digest":                {registry.Digests, "weekly", `{"scope":"org",` + recipients + `}`, "", ""},
		"digest at no hour":     {registry.Digests, "weekly", `{"weekday":"monday","recipients":["a@example.com"]}`, event.CodeMissingField, "/hour"},
		"digest at hour 24":     {registry.Digests, "weekly", `{"weekday":"monday","hour":24,"recipients":["a@example.com"]}`, event.CodeOutOfRange, "/hour"},
		"digest for nobody":     {registry.Digests, "weekly", `{"weekday":"monday","hour":6,"recipients":[]}`, event.CodeBadValue, "/recipients"},
		"digest to no address":  {registry.Digests, "weekly", `{"weekday":"monday","hour":6,"recipients":["ann"]}`, event.CodeBadValue, "/recipients/0"},
		"digest with a header":  {registry.Digests, "weekly", `{"weekday":"monday","hour":6,"recipients":["a@example.com\r\nBcc: b@example.com"]}`, event.CodeBadValue, "/recipients/0"},
		"digest of one person":  {registry.Digests, "weekly", `{"scope":"me",` + recipients + `}`, event.CodeBadValue, "/scope"},
	} {
		_, problems := registry.Decode(c.kind, c.key, []byte(c.raw))
		switch {
		case c.code == "" && len(problems) > 0:
			t.Errorf("%s: %v", name, problems)
		case c.code == "":
		case len(problems) == 0:
			t.Errorf("%s: accepted", name)
		case problems[0].Code != c.code || problems[0].Pointer != c.pointer || problems[0].Message == "":
			t.Errorf("%s: got %v, want %s at %q", name, problems[0], c.code, c.pointer)
		}
	}
}

func TestDigestDue(t *testing.T) {
	t.Parallel()
	hour := uint8(6)
	monday := registry.Digest{Weekday: "monday", Hour: &hour}
	sunday := registry.Digest{Weekday: "sunday", Hour: &hour}
	// 2 November 2026 is a Monday.
	for at, want := range map[string][2]string{
		"2026-11-02T05:59:59Z": {"2026-10-26T06:00:00Z", "2026-11-01T06:00:00Z"},
		"2026-11-02T06:00:00Z": {"2026-11-02T06:00:00Z", "2026-11-01T06:00:00Z"},
		"2026-11-08T06:00:00Z": {"2026-11-02T06:00:00Z", "2026-11-08T06:00:00Z"},
		"2026-11-08T05:00:00Z": {"2026-11-02T06:00:00Z", "2026-11-01T06:00:00Z"},
		"2027-01-01T00:00:00Z": {"2026-12-28T06:00:00Z", "2026-12-27T06:00:00Z"},
	} {
		now := instant(t, at)
		if got := monday.Due(now); !got.Equal(instant(t, want[0])) {
			t.Errorf("on Mondays, at %s: %s, want %s", at, got, want[0])
		}
		if got := sunday.Due(now); !got.Equal(instant(t, want[1])) {
			t.Errorf("on Sundays, at %s: %s, want %s", at, got, want[1])
		}
	}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// After a rotation the secret before is signed with for a day; no write goes back to an earlier secret.
func TestSecretVersions(t *testing.T) {
	t.Parallel()
	write := func(id, validFrom, recorded, body string, deleted bool) registry.Record {
		return registry.Record{
			Workspace: "w", Kind: registry.Webhooks, Key: "ops", EntryID: id, ValidFrom: instant(t, validFrom), RecordedAt: instant(t, recorded),
			Value: []byte(body), Deleted: deleted,
		}
	}
	const first, second, third = `{"url":"https://a.example/"}`, `{"secret_version":1,"url":"https://a.example/"}`, `{"secret_version":2,"url":"https://b.example/"}`
	s := registry.NewSnapshot([]registry.Record{
		write("1", "2026-01-01T00:00:00Z", "2026-11-01T00:00:00Z", first, false),
		write("2", "2026-01-01T00:00:00Z", "2026-11-02T00:00:00Z", first, false),
		write("3", "2026-01-02T00:00:00Z", "2026-11-03T12:00:00Z", second, false), // rotated on the 3rd at noon
		write("4", "2026-01-02T00:00:00Z", "2026-11-03T18:00:00Z", second, false), // another description: no rotation
		write("5", "2026-11-10T00:00:00Z", "2026-11-05T00:00:00Z", third, false),  // rotates when it begins to hold
	})
	for at, want := range map[string][]uint32{
		"2026-11-03T18:30:00Z": {1, 0}, "2026-11-04T11:59:59Z": {1, 0}, "2026-11-04T12:00:00Z": {1}, "2026-11-09T23:59:59Z": {1},
		"2026-11-10T00:00:00Z": {2, 1}, "2026-11-10T23:59:59Z": {2, 1}, "2026-11-11T00:00:00Z": {2}, "2025-12-31T00:00:00Z": nil,
	} {
		if got := s.SecretVersions("ops", instant(t, at)); !slices.Equal(got, want) {
			t.Errorf("at %s: %v, want %v", at, got, want)
		}
	}
	for body, refused := range map[string]bool{first: true, second: true, third: false, `{"secret_version":3,"url":"https://b.example/"}`: false} {
		problems := s.Contradictions(write("6", "2026-12-01T00:00:00Z", "2026-12-01T00:00:00Z", body, false))
		if (len(problems) > 0) != refused {
			t.Errorf("%s: %v", body, problems)
		}
	}
}
