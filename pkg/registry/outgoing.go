package registry

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"plumbline/pkg/event"
)

// What goes out by itself: where messages are sent, of what, and when.

// Webhook is an address outside that messages are sent to. Its signing secret stands nowhere: it follows from the secret of the
// installation, the workspace, the key of the entry and the version of the secret.
type Webhook struct {
	URL         string `json:"url" validate:"required,http_url,max=2048"`
	Description string `json:"description,omitzero" validate:"omitempty,note,max=2000"`
	// Active is true unless it is said to be false: then nothing is sent.
	Active *bool `json:"active,omitzero"`
	// SecretVersion counts the secrets: the next number is another secret. The one before is signed with too, for a day.
	SecretVersion uint32 `json:"secret_version,omitzero" validate:"lte=1000000"`
}

// IsActive tells whether messages are sent to it.
func (w *Webhook) IsActive() bool { return w.Active == nil || *w.Active }

func (w *Webhook) check(key string) []event.Problem { return checkOutgoingKey(key) }

// What an alert looks at.
const (
	// UnderTarget and OverTarget compare a measure with its target, Below and Above with the threshold of the alert.
	UnderTarget = "under_target"
	OverTarget  = "over_target"
	Below       = "below"
	Above       = "above"
	// SampleRatio is an experiment whose arms are not of the planned sizes.
	SampleRatio = "sample_ratio"
	// SourceSilent is a source of which nothing has arrived for some hours.
	SourceSilent = "source_silent"
	// ReviewOverTarget is that more than a share of the reviews took longer than the target of their workflow.
	ReviewOverTarget = "review_over_target"
)

// Alert says what somebody is to be told of, and by which webhook.
type Alert struct {
	Name string `json:"name,omitzero" validate:"omitempty,text,max=256"`
	When string `json:"when" validate:"required,oneof=under_target over_target below above sample_ratio source_silent review_over_target"`
	// Measure is what is compared, Scope of whom: "org" (the default), "team:KEY" or "workflow:KEY".
	Measure string `json:"measure,omitzero" validate:"omitempty,key"`
	Scope   string `json:"scope,omitzero" validate:"omitempty,text,max=300"`
	// Months is how many months the period has, the present one included; default 3, as the scorecard's.
	Months uint32 `json:"months,omitzero" validate:"lte=36"`
	// Threshold is what below and above compare with, and the share of slow reviews that is tolerated (default 0.5).
	Threshold *event.Number `json:"threshold,omitzero"`
	// Currency is that of a threshold of money; default that of the workspace.
	Currency   string `json:"currency,omitzero" validate:"omitempty,currency"`
	Experiment string `json:"experiment,omitzero" validate:"omitempty,key"`
	Source     string `json:"source,omitzero" validate:"omitempty,text,max=1024"`
	// Hours is for how long nothing has arrived.
	Hours *event.Number `json:"hours,omitzero" validate:"omitempty,gt=0"`
	// Webhook is the key of where it is sent.
	Webhook string `json:"webhook" validate:"required,key"`
	// CooldownHours is how long after it was sent that it fires it is not sent again; default 24.
	CooldownHours *event.Number `json:"cooldown_hours,omitzero" validate:"omitempty,gte=0"`
	Active        *bool         `json:"active,omitzero"`
}

const (
	defaultCooldown = 24 * time.Hour
	// mostHours is a year.
	mostHours = 8760
	// DefaultMonths is how many months an alert looks at that names none: as many as the scorecard.
	DefaultMonths = 3
)

// IsActive tells whether it is looked at.
func (a *Alert) IsActive() bool { return a.Active == nil || *a.Active }

// Cooldown is how long the alert is silent after it was sent.
func (a *Alert) Cooldown() time.Duration {
	if a.CooldownHours == nil {
		return defaultCooldown
	}
	return hoursOf(a.CooldownHours)
}

// Silence is for how long nothing must have arrived.
func (a *Alert) Silence() time.Duration {
	if a.Hours == nil {
		return 0
	}
	return hoursOf(a.Hours)
}

func hoursOf(n *event.Number) time.Duration { return time.Duration(n.Float() * float64(time.Hour)) }

// fields are those that belong to some of what an alert looks at only, and whether they are given.
func (a *Alert) fields() map[string]bool {
	return map[string]bool{
		"measure": a.Measure != "", "scope": a.Scope != "", "months": a.Months != 0, "threshold": a.Threshold != nil, "currency": a.Currency != "",
		"experiment": a.Experiment != "", "source": a.Source != "", "hours": a.Hours != nil,
	}
}

// belong are the fields that go with each thing that an alert looks at: those that must be there, and those that may.
func belong(when string) (required, optional []string) {
	switch when {
	case UnderTarget, OverTarget:
		return []string{"measure"}, []string{"scope", "months", "currency"}
	case Below, Above:
		return []string{"measure", "threshold"}, []string{"scope", "months", "currency"}
	case SampleRatio:
		return []string{"experiment"}, nil
	case SourceSilent:
		return []string{"source", "hours"}, nil
	case ReviewOverTarget:
		return nil, []string{"scope", "months", "threshold"}
	}
	return nil, nil
}

func (a *Alert) check(key string) []event.Problem {
	out := append(checkOutgoingKey(key), checkScope(a.Scope)...)
	required, optional := belong(a.When)
	given := a.fields()
	for _, name := range required {
		if !given[name] {
			out = append(out, event.Problem{Code: event.CodeMissingField, Pointer: "/" + name, Message: "an alert with when " + a.When + " needs it"})
		}
	}
	for _, name := range []string{"measure", "scope", "months", "threshold", "currency", "experiment", "source", "hours"} {
		if given[name] && a.When != "" && !slices.Contains(required, name) && !slices.Contains(optional, name) {
			out = append(out, event.Problem{Code: event.CodeInconsistent, Pointer: "/" + name, Message: "it means nothing to an alert with when " + a.When + ": leave it out"})
		}
	}
	for pointer, hours := range map[string]*event.Number{"/hours": a.Hours, "/cooldown_hours": a.CooldownHours} {
		if hours != nil && hours.Float() > mostHours {
			out = append(out, event.Problem{Code: event.CodeOutOfRange, Pointer: pointer, Message: fmt.Sprintf("at most %d hours, which is a year", mostHours)})
		}
	}
	if a.When == ReviewOverTarget && a.Threshold != nil && (*a.Threshold < 0 || a.Threshold.Float() >= 1) {
		out = append(out, event.Problem{Code: event.CodeOutOfRange, Pointer: "/threshold", Message: "it is a share of the reviews: at least 0, less than 1"})
	}
	return out
}

// Digest is a summary that is sent by mail once a week.
type Digest struct {
	// Scope is "org" (the default), "team:KEY" or "workflow:KEY".
	Scope   string `json:"scope,omitzero" validate:"omitempty,text,max=300"`
	Weekday string `json:"weekday" validate:"required,oneof=monday tuesday wednesday thursday friday saturday sunday"`
	// Hour is that of the day, in UTC.
	Hour *uint8 `json:"hour" validate:"required,lte=23"`
	// Recipients are addresses of mail. They stand here as they are: a mail needs them. In the place of one who was erased stands a pseudonym.
	Recipients []string `json:"recipients" validate:"required,min=1,max=50,unique,dive,email|erased,max=254"`
	Active     *bool    `json:"active,omitzero"`
}

// IsActive tells whether it is sent.
func (d *Digest) IsActive() bool { return d.Active == nil || *d.Active }

func (d *Digest) check(key string) []event.Problem {
	return append(checkOutgoingKey(key), checkScope(d.Scope)...)
}

// week is how far two due times of a digest are apart: UTC has no days of other lengths.
const week = 7 * 24 * time.Hour

// Due is the latest due time that is not after t.
func (d *Digest) Due(t time.Time) time.Time {
	t = t.UTC()
	day := time.Sunday
	for d.Weekday != strings.ToLower(day.String()) && day < time.Saturday {
		day++
	}
	due := time.Date(t.Year(), t.Month(), t.Day()-int(t.Weekday())+int(day), int(*d.Hour), 0, 0, 0, time.UTC)
	if due.After(t) {
		due = due.Add(-week)
	}
	return due
}

// outgoingKey is what keys look like that stand in an address of the API before something else.
var outgoingKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

func checkOutgoingKey(key string) []event.Problem {
	if outgoingKey.MatchString(key) {
		return nil
	}
	return []event.Problem{{
		Code: event.CodeBadValue, Pointer: "", Message: "the key of a webhook, alert or digest has 1 to 100 letters, digits, dots, hyphens and underscores, a letter or digit first",
	}}
}

func checkScope(scope string) []event.Problem {
	kind, key, keyed := strings.Cut(scope, ":")
	if scope == "" || scope == "org" || (keyed && key != "" && (kind == "team" || kind == "workflow")) {
		return nil
	}
	return []event.Problem{{Code: event.CodeBadValue, Pointer: "/scope", Message: "use org, team:KEY or workflow:KEY"}}
}

// RotationOverlap is how long after a rotation the secret before is signed with, too.
const RotationOverlap = 24 * time.Hour

// SecretVersions are the versions of a webhook's secret that messages are signed with at t: the present one, and after a rotation for
// a day the one before.
func (s *Snapshot) SecretVersions(key string, t time.Time) []uint32 {
	now, _, ok := Find[Webhook](s, Webhooks, key, t)
	if !ok {
		return nil
	}
	return s.secretVersions(Webhooks, key, t, now.SecretVersion, func(e Entry) (uint32, bool) {
		w, ok := e.(*Webhook)
		if !ok {
			return 0, false
		}
		return w.SecretVersion, true
	})
}

// secretVersions are the present version of an entry's secret and, for a day after a rotation, the one before. of reads the version
// of an entry; false where it has no secret.
func (s *Snapshot) secretVersions(kind Kind, key string, t time.Time, now uint32, of func(Entry) (uint32, bool)) []uint32 {
	out, since := []uint32{now}, time.Time{}
	for _, r := range s.History(kind, key) {
		if r.ValidFrom.After(t) || r.Deleted {
			continue // not yet, or none
		}
		entry, problems := Decode(r.Kind, r.Key, r.Value)
		if len(problems) > 0 {
			continue
		}
		version, ok := of(entry)
		switch {
		case !ok:
			continue
		case version == now:
			since = later(r.ValidFrom, r.RecordedAt)
			continue
		case !since.IsZero() && t.Before(since.Add(RotationOverlap)):
			out = append(out, version)
		}
		return out
	}
	return out
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// rotatesBack tells whether a new version of a webhook goes back to an earlier secret, which somebody may have learnt meanwhile.
func (s *Snapshot) rotatesBack(r Record, w *Webhook) []event.Problem {
	most := uint32(0)
	s.Ever(r.Kind, r.Key, func(e Entry) bool {
		if other, ok := e.(*Webhook); ok {
			most = max(most, other.SecretVersion)
		}
		return false
	})
	if w.SecretVersion >= most {
		return nil
	}
	return []event.Problem{{
		Code: event.CodeInconsistent, Pointer: "/secret_version",
		Message: fmt.Sprintf("the secret has version %d: give that to keep it, or %d for a new one; earlier ones are not used again", most, most+1),
	}}
}
