package scorecard

import (
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	netmail "net/mail"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
	"plumbline/pkg/trust"
	"plumbline/pkg/warehouse/warehousetest"
	"plumbline/services/scorecard/digest"
	"plumbline/services/scorecard/mail"
	"plumbline/services/scorecard/mail/mailtest"
)

// A digest has the numbers of the scorecard, each with its range and grade and what has changed, and says plainly what is withheld.
func TestDigest(t *testing.T) {
	b := newEngines(t, day("2026-11-02"))
	b.cfg.URL = "http://plumbline.example.com"
	organisation(b)
	spend := func(id, at, amount string) event.Stored {
		return happened(b, id, at, "content", "post", "", &event.VendorSpend{Vendor: "Acme <b>", Category: "agency", BilledCost: *warehousetest.Amount(amount), Currency: "USD"})
	}
	b.insert(spend("s1", "2026-10-05T10:00", "1234.5"), spend("s2", "2026-09-05T10:00", "1000"))
	b.serve()
	leader := b.as(access.RoleLeader, "")
	read := func(query, kind string) string {
		t.Helper()
		res, raw := leader.do("GET", "/api/v1/digest"+query, "")
		if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), kind) {
			t.Fatalf("%s: %d %s %s", query, res.StatusCode, res.Header.Get("Content-Type"), raw)
		}
		if kind == "text/html" && res.Header.Get("Content-Security-Policy") != digestPolicy {
			t.Errorf("%s: the policy is %s", query, res.Header.Get("Content-Security-Policy"))
		}
		return string(raw)
	}
	card := leader.get("/api/v1/scorecard"+october, "Scorecard").at("measures")
	hours := digest.Figure(decimal.RequireFromString(card.at("hours_saved_net", "value").text()), "h")
	for _, text := range []string{read(october, "text/html"), read(october+"&format=text", "text/plain")} {
		// 1,234.50 is 234.50 more than in September.
		for _, want := range []string{hours, "90% range 21.6 h to 33.5 h", "evidence grade 0 of 5", "1,234.50 USD", "234.50 USD since the period before (1,000.00 USD)", "not measured", "1 October 2026 to 31 October 2026", "31 August 2026 to 30 September 2026", "http://plumbline.example.com/?from=2026-10-01"} {
			if !strings.Contains(strings.ReplaceAll(text, "&#43;", "+"), want) {
				t.Errorf("it lacks %q:\n%s", want, text)
			}
		}
	}
	// Two people stand behind brand: no number of theirs, and why.
	few := read(october+"&scope=team:brand&format=text", "text/plain")
	brand := leader.get("/api/v1/scorecard"+october+"&scope=team:brand", "Scorecard").at("measures", "hours_saved_net")
	brand.at("status").is("withheld")
	if !strings.Contains(few, "withheld: fewer than five people stand behind it") || strings.Contains(few, " h\n") {
		t.Errorf("%s", few)
	}
	for query, status := range map[string]int{"?format=pdf": 400, "?scope=team:nobody": 400, "?format=html&format=text": 400, "?measure=x": 400} {
		if res, _ := leader.do("GET", "/api/v1/digest"+query, ""); res.StatusCode != status {
			t.Errorf("%s: %d, want %d", query, res.StatusCode, status)
		}
	}
}

// A digest is mailed at its time, once to each recipient, by a server that is away at first and comes back.
func TestDigestByMail(t *testing.T) {
	b := newEngines(t, day("2026-11-02"))
	var clock atomic.Int64
	clock.Store(time.Date(2026, 11, 2, 5, 59, 0, 0, time.UTC).UnixMilli()) // a Monday
	b.cfg.Now = func() time.Time { return time.UnixMilli(clock.Load()).UTC() }
	server := mailtest.New(t, false)
	b.cfg.AlertsEvery = 100 * time.Millisecond
	b.cfg.Mail = mail.Config{
		Address: server.Address, CA: server.CA, From: "plumbline@example.com", User: mailtest.User, Password: trust.Password{Text: mailtest.Password},
	}
	organisation(b)
	b.declare(registry.Digests, "weekly", `{"valid_from":"2026-01-01","weekday":"monday","hour":6,"recipients":["ann@example.com","bob@example.com"]}`)
	server.Stop()
	b.serve()
	last := func() (node, bool) {
		res, raw := b.do("GET", "/api/v1/alerts", "")
		if res.StatusCode != http.StatusOK {
			return node{}, false
		}
		return b.hold("alerts", "AlertList", raw).at("digests", 0), true
	}
	b.eventually("the digest to be looked at", func() bool { d, ok := last(); return ok && d.at("due_at").text() == "2026-10-26T06:00:00.000Z" })
	clock.Add(time.Minute.Milliseconds())
	b.eventually("an attempt", func() bool {
		d, _ := last()
		pending := d.at("pending").list()
		return len(pending) == 1 && d.at("pending", 0, "attempts").text() != "0"
	})
	d, _ := last()
	if why := d.at("pending", 0, "error").text(); !strings.Contains(why, "was not reached") || strings.Contains(why, "ann@") || strings.Contains(why, mailtest.Password) {
		t.Errorf("the failure says %q", why)
	}
	server.Start()
	clock.Add(time.Minute.Milliseconds())
	b.eventually("the mails", func() bool {
		d, _ := last()
		return d.at("last").text() != "null" && d.at("last", "state").text() == "delivered"
	})
	mails, envelopes := server.Mails()
	if len(mails) != 2 || envelopes[0] == envelopes[1] {
		t.Fatalf("%v", envelopes)
	}
	letter, err := netmail.ReadMessage(strings.NewReader(mails[0]))
	if err != nil {
		t.Fatal(err)
	}
	_, params, err := mime.ParseMediaType(letter.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	parts := multipart.NewReader(letter.Body, params["boundary"])
	for range 2 {
		part, err := parts.NextRawPart()
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil || !strings.Contains(string(body), "27.6 h") || !strings.Contains(string(body), "Net hours saved") {
			t.Errorf("%v: %s", err, body)
		}
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(letter.Header.Get("Subject"))
	if err != nil || !strings.HasPrefix(subject, "Plumbline: The organisation, 1 September 2026 to ") {
		t.Errorf("%q %v", subject, err)
	}
}
