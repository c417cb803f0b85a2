package access_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"plumbline/pkg/access"
)

func noon() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }

// draft is what an administrator asks for.
func draft(id string) access.Record {
	return access.Record{Workspace: "default", ID: id, Name: "for " + id, Scopes: []access.Scope{access.ScopeWrite}, CreatedBy: "admin"}
}

// sent is the record as a reader of the topic has it.
func sent(t testing.TB, r access.Record) access.Entry {
	t.Helper()
	key, value, err := r.Message()
	if err != nil {
		t.Fatal(err)
	}
	e, err := access.Decode(key, value)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*e.Record, r) {
		t.Fatalf("%+v travels as %+v", r, *e.Record)
	}
	return e
}

func TestLifeOfASecret(t *testing.T) {
	r, first := draft("crm").Issue(noon())
	r.ExpiresAt = noon().Add(72 * time.Hour)
	rotated, second, err := r.Rotate(noon().Add(time.Hour), 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	at := func(h int) time.Time { return noon().Add(time.Duration(h) * time.Hour) }
	ring := access.NewRing()
	for _, c := range []struct {
		apply        *access.Record
		hour         int
		first, after error
	}{
		{&r, 0, nil, access.ErrKeyUnknown},
		{&rotated, 1, nil, nil},
		{nil, 24, nil, nil},
		{nil, 25, access.ErrKeyExpired, nil}, // the overlap ends 24 h after hour 1
		{nil, 71, access.ErrKeyExpired, nil},
		{nil, 72, access.ErrKeyExpired, access.ErrKeyExpired},
		{new(rotated.Revoke(at(2))), 2, access.ErrKeyRevoked, access.ErrKeyRevoked},
		{&rotated, 2, access.ErrKeyRevoked, access.ErrKeyRevoked}, // an older record does not come back
	} {
		if c.apply != nil {
			ring.Apply(sent(t, *c.apply))
		}
		_, err1 := ring.Find(first, at(c.hour))
		_, err2 := ring.Find(second, at(c.hour))
		if !errors.Is(err1, c.first) || !errors.Is(err2, c.after) {
			t.Errorf("at hour %d: %v, %v; want %v, %v", c.hour, err1, err2, c.first, c.after)
		}
	}
}

// Without an overlap the old secret has ended, also for a process whose clock is a little behind; several rotations keep
// what they have promised, until there are too many.
func TestRotations(t *testing.T) {
	r, text := draft("crm").Issue(noon())
	texts := []string{text}
	for i := range 7 {
		next, text, err := r.Rotate(noon(), time.Duration(8-i)*time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		r, texts = next, append(texts, text)
	}
	ring := access.NewRing()
	ring.Apply(sent(t, r))
	for i, text := range texts {
		if _, err := ring.Find(text, noon().Add(time.Hour)); err != nil {
			t.Errorf("secret %d of 8 after an hour: %v", i, err)
		}
	}
	if _, _, err := r.Rotate(noon(), time.Hour); !errors.Is(err, access.ErrKeyRotations) {
		t.Errorf("a ninth secret: %v", err)
	}
	r, last, err := r.Rotate(noon(), 0)
	if err != nil {
		t.Fatal(err)
	}
	ring.Apply(sent(t, r))
	for i, text := range texts {
		if _, err := ring.Find(text, noon().Add(-30*time.Second)); err == nil {
			t.Errorf("secret %d still works", i)
		}
	}
	if _, err := ring.Find(last, noon()); err != nil {
		t.Error(err)
	}
}

func TestScopesSayWhatAKeyMay(t *testing.T) {
	for _, c := range []struct {
		scopes []access.Scope
		role   access.Role
		writes bool
		viewer access.Role
	}{
		{[]access.Scope{access.ScopeWrite}, "", true, ""},
		{[]access.Scope{access.ScopeRead}, access.RoleIC, false, access.RoleIC},
		{[]access.Scope{access.ScopeWrite, access.ScopeRead}, access.RoleAnalyst, true, access.RoleAnalyst},
		{[]access.Scope{access.ScopeAdmin}, "", false, access.RoleAdmin},
		{[]access.Scope{access.ScopeRead, access.ScopeAdmin}, access.RoleLeader, false, access.RoleAdmin},
	} {
		d := draft("k")
		d.Scopes, d.Role = c.scopes, c.role
		r, _ := d.Issue(noon())
		sent(t, r)
		_, writes := r.WriteKey()
		viewer, reads := r.Viewer()
		if writes != c.writes || viewer.Role != c.viewer || reads != (c.viewer != "") || viewer.Person != "" {
			t.Errorf("%v as %q: writes %v, reads as %+v", c.scopes, c.role, writes, viewer)
		}
	}
	d := draft("k")
	d.Sources, d.Kinds = []string{"/crm/*"}, []string{"pipeline"}
	key, _ := d.WriteKey()
	if !key.MayWrite("/crm/a") || key.MayWrite("/web") || !key.MayWriteKind("pipeline") || key.MayWriteKind("void") {
		t.Errorf("%+v", key)
	}
}

// Keys of one id in two workspaces are two keys.
func TestRingKeepsWorkspacesApart(t *testing.T) {
	one, text := draft("crm").Issue(noon())
	d := draft("crm")
	d.Workspace = "other"
	two, otherText := d.Issue(noon())
	ring := access.NewRing()
	ring.Apply(sent(t, one))
	ring.Apply(sent(t, two.Revoke(noon())))
	if r, err := ring.Find(text, noon()); err != nil || r.Workspace != "default" {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := ring.Find(otherText, noon()); !errors.Is(err, access.ErrKeyRevoked) {
		t.Errorf("the other: %v", err)
	}
	if l := ring.List("other"); len(l) != 1 || l[0].ID != "crm" {
		t.Errorf("the list has %+v", l)
	}
}

// The latest use of all instances is what is told; one that is taken back leaves the others.
func TestUses(t *testing.T) {
	ring := access.NewRing()
	use := func(instance string, at time.Time) access.Entry {
		u := access.Use{Workspace: "default", ID: "crm", Instance: instance, At: at}
		key, value, err := u.Message()
		if err != nil {
			t.Fatal(err)
		}
		e, err := access.Decode(key, value)
		if err != nil || *e.Use != u {
			t.Fatalf("%+v travels as %+v, %v", u, e.Use, err)
		}
		return e
	}
	ring.Apply(use("early", noon())) // before the key itself is known
	if len(ring.List("default")) != 0 {
		t.Error("a use makes a key")
	}
	r, _ := draft("crm").Issue(noon())
	ring.Apply(sent(t, r))
	last := func() time.Time { return ring.List("default")[0].LastUse }
	for _, c := range []struct {
		instance string
		at, want time.Time
	}{
		{"a", noon().Add(5 * time.Minute), noon().Add(5 * time.Minute)},
		{"b", noon().Add(3 * time.Minute), noon().Add(5 * time.Minute)},
		{"a", noon().Add(4 * time.Minute), noon().Add(5 * time.Minute)},
		{"early", time.Time{}, noon().Add(5 * time.Minute)},
		{"a", time.Time{}, noon().Add(3 * time.Minute)},
	} {
		if ring.Apply(use(c.instance, c.at)); !last().Equal(c.want) {
			t.Errorf("after %s at %s: %s; want %s", c.instance, c.at, last(), c.want)
		}
	}
	if spent := ring.Spent(r.NameOf(), "b", noon().Add(time.Hour)); len(spent) != 0 {
		t.Errorf("its own use is spent: %+v", spent)
	}
	if spent := ring.Spent(r.NameOf(), "c", noon().Add(time.Hour)); len(spent) != 1 || spent[0].Instance != "b" || !spent[0].At.IsZero() {
		t.Errorf("spent: %+v", spent)
	}
}

// In whatever way the log repeats records and mixes old ones in, a reader that takes them in its order ends with the first
// record of the highest version, or with a key that is revoked; and so does one that reads what a compaction has left.
func TestTheFirstRecordOfTheHighestVersionWins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r, _ := draft("k").Issue(noon())
		written := []access.Record{r}
		for range rapid.IntRange(0, 12).Draw(t, "writes") {
			// A writer that has read any version so far.
			base := written[rapid.IntRange(0, len(written)-1).Draw(t, "base")]
			next, _, err := base.Rotate(noon(), 0)
			if err != nil {
				t.Fatal(err)
			}
			if rapid.Bool().Draw(t, "revoke") {
				next = base.Revoke(noon())
			}
			written = append(written, next)
		}
		log := append(slices.Clone(written), written[:rapid.IntRange(0, len(written)).Draw(t, "repeated")]...)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rng.Shuffle(len(log), func(i, j int) { log[i], log[j] = log[j], log[i] })
		ring := access.NewRing()
		var want access.Record
		counted := map[string]bool{}
		revoked := false
		for i := range log {
			counts := ring.Apply(access.Entry{Record: &log[i]})
			revokes := !log[i].RevokedAt.IsZero()
			if counts != (!revoked && (revokes || log[i].Version > want.Version)) {
				t.Fatalf("version %d after %d counts: %v", log[i].Version, want.Version, counts)
			}
			if counts {
				counted[log[i].Write] = true
				revoked = revoked || revokes
			}
			if counts && log[i].Version > want.Version {
				want = log[i]
			}
		}
		got, _ := ring.Get(r.NameOf())
		if got.Write != want.Write || got.RevokedAt.IsZero() == revoked {
			t.Fatalf("the ring has %+v, want %+v, revoked: %v", got, want, revoked)
		}
		// The last copy of each record stays, without those that did not count, which their writers have taken back.
		compacted := access.NewRing()
		for i := range log {
			last := !slices.ContainsFunc(log[i+1:], func(later access.Record) bool { return later.Write == log[i].Write })
			if last && counted[log[i].Write] {
				compacted.Apply(access.Entry{Record: &log[i]})
			}
		}
		after, _ := compacted.Get(r.NameOf())
		if after.RevokedAt.IsZero() == revoked || !revoked && after.Write != got.Write {
			t.Fatalf("after a compaction the ring has %+v, before it %+v", after, got)
		}
	})
}

// Each of these is one change to a good record that makes it none.
func TestRecordsThatAreNone(t *testing.T) {
	good, _ := draft("crm").Issue(noon())
	cases := map[string]func(*access.Record){
		"workspace":  func(r *access.Record) { r.Workspace = "" },
		"id":         func(r *access.Record) { r.ID = "CRM" },
		"version":    func(r *access.Record) { r.Version = 0 },
		"write":      func(r *access.Record) { r.Write = " " },
		"name":       func(r *access.Record) { r.Name = strings.Repeat("x", 101) },
		"created_by": func(r *access.Record) { r.CreatedBy = "\x00" },
		"created_at": func(r *access.Record) { r.CreatedAt = time.Time{} },
		"expires_at": func(r *access.Record) { r.ExpiresAt = noon().Add(time.Microsecond) },
		"revoked_at": func(r *access.Record) { r.RevokedAt = time.Unix(0, 0) },
		"scopes":     func(r *access.Record) { r.Scopes = nil },
		"role":       func(r *access.Record) { r.Role = access.RoleIC },
		"kinds":      func(r *access.Record) { r.Kinds = []string{""} },
		"sources":    func(r *access.Record) { r.Sources = []string{"a*b"} },
		"secrets":    func(r *access.Record) { r.Secrets = []access.Secret{{Hash: r.Secrets[0].Hash, NotAfter: noon()}} },
	}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		r := good
		cases[name](&r)
		if _, _, err := r.Message(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Messages that are none of ours, by what is wrong with them.
func TestDecodeIsStrict(t *testing.T) {
	r, _ := draft("crm").Issue(noon())
	key, value, err := r.Message()
	if err != nil {
		t.Fatal(err)
	}
	other, _ := draft("crm").Issue(noon())
	otherKey, _, _ := other.Message()
	useKey, useValue, _ := access.Use{Workspace: "default", ID: "crm", Instance: "i", At: noon()}.Message()
	sessionKey, sessionValue, _ := ends()[0].Message()
	personKey, personValue, _ := ends()[1].Message()
	for name, m := range map[string][2][]byte{
		"no key":              {nil, value},
		"cut key":             {key[:len(key)-1], value},
		"another key":         {otherKey, value},
		"unknown member":      {key, []byte(strings.Replace(string(value), `{`, `{"more":1,`, 1))},
		"member twice":        {key, []byte(strings.Replace(string(value), `{`, `{"id":"crm",`, 1))},
		"unknown scope":       {key, []byte(strings.Replace(string(value), `"write"]`, `"fly"]`, 1))},
		"short hash":          {key, []byte(strings.Replace(string(value), `"sha256":"`, `"sha256":"0`, 1))},
		"a use as a key":      {key, useValue},
		"a key as a use":      {useKey, value},
		"a use of no time":    {useKey, []byte(`{}`)},
		"a use of an event":   {[]byte(strings.Replace(string(useKey), "use", "uso", 1)), useValue},
		"another end":         {sessionKey, []byte(strings.Replace(string(sessionValue), "12:00", "13:00", 1))},
		"an end of no time":   {sessionKey, []byte(`{}`)},
		"a person of no time": {personKey, sessionValue},
		"a session up to":     {sessionKey, personValue},
		"an end of nobody":    {[]byte(strings.Replace(string(sessionKey), "\x04an-1", "\x00", 1)), sessionValue},
	} {
		if e, err := access.Decode(m[0], m[1]); !errors.Is(err, access.ErrMessage) {
			t.Errorf("%s: %+v, %v", name, e, err)
		}
	}
}

// ends are one of a session and one of a person's sessions.
func ends() [2]access.SessionEnd {
	return [2]access.SessionEnd{
		{Workspace: "w", Session: "an-1", Until: noon()}, {Workspace: "w", Person: "ann", UpTo: noon().Add(-time.Hour), Until: noon()},
	}
}

// An end of sessions is written for one session or one person, with its times.
func TestEndsThatAreNone(t *testing.T) {
	for name, e := range map[string]access.SessionEnd{
		"workspace": {Session: "a", Until: noon()},
		"person":    {Workspace: "w", Session: "a", Person: "p", UpTo: noon(), Until: noon()},
		"session":   {Workspace: "w", Until: noon()},
		"up_to":     {Workspace: "w", Person: "p", Until: noon()},
		"until":     {Workspace: "w", Person: "p", UpTo: noon(), Until: noon().Add(-time.Hour)},
	} {
		if _, _, err := e.Message(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, e := range ends() {
		key, value, err := e.Message()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := access.Decode(key, value); err != nil || got.End == nil || *got.End != e {
			t.Errorf("read again: %+v, %v; was %+v", got.End, err, e)
		}
		if got, err := access.Decode(key, nil); err != nil || got != (access.Entry{}) {
			t.Errorf("taken back: %+v, %v", got, err)
		}
	}
}

// Whatever is on the topic is refused, or is an entry that is written as it was read, and a ring takes it.
func FuzzDecode(f *testing.F) {
	r, _ := draft("crm").Issue(noon())
	rotated, _, _ := r.Rotate(noon(), time.Hour)
	for _, r := range []access.Record{r, rotated, rotated.Revoke(noon())} {
		key, value, _ := r.Message()
		f.Add(key, value)
	}
	for _, u := range []access.Use{{Workspace: "w", ID: "a", Instance: "i", At: noon()}, {Workspace: "w", ID: "a", Instance: "i"}} {
		key, value, _ := u.Message()
		f.Add(key, value)
	}
	for _, e := range ends() {
		key, value, _ := e.Message()
		f.Add(key, value)
	}
	f.Add([]byte("\xff\xff\xff\xffkey"), []byte(`{}`))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		e, err := access.Decode(key, value)
		if err != nil {
			if !errors.Is(err, access.ErrMessage) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		access.NewRing().Apply(e)
		var key2, value2 []byte
		switch {
		case e.Record != nil:
			key2, value2, err = e.Record.Message()
		case e.Use != nil:
			key2, value2, err = e.Use.Message()
		case e.End != nil:
			key2, value2, err = e.End.Message()
		default:
			return // something was taken back
		}
		if err != nil || string(key2) != string(key) {
			t.Fatalf("read and written: key %q, %v; was %q", key2, err, key)
		}
		again, err := access.Decode(key2, value2)
		if err != nil || fmt.Sprint(again.Record) != fmt.Sprint(e.Record) || !reflect.DeepEqual(again, e) {
			t.Fatalf("read again: %+v, %v; was %+v", again, err, e)
		}
	})
}
