package crm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/shopspring/decimal"

	"plumbline/pkg/event"
)

// change is what is made of the properties of one change.
type change struct {
	event.Pipeline
	// at is when it was made.
	at time.Time
	// cleared are the fields that were emptied; an event has one of them.
	cleared []string
}

// says tells whether there is anything in the change to count.
func (c *change) says() bool {
	return c.Status != "" || c.Amount != nil || c.Currency != "" || c.CreatedAt != nil || c.ClosedAt != nil || c.Assisted != nil ||
		c.Withdrawn != nil || len(c.cleared) > 0
}

// set reads a property. The problem has no pointer.
func (t *Translator) set(c *change, field string, v jsontext.Value) *event.Problem {
	text, kind := plain(v)
	text = strings.TrimSpace(text)
	if kind == '{' || kind == '[' || kind == 0 {
		return &event.Problem{Code: event.CodeWrongType, Message: "the value of a property is a text, a number, true or false"}
	}
	if kind == 'n' || text == "" {
		return c.clear(field, t.settings.Currency != "")
	}
	switch field {
	case fieldStage:
		return t.stage(c, text)
	case fieldAmount:
		return t.amount(c, text)
	case fieldCurrency:
		return t.currency(c, text)
	case fieldCreated:
		at, problem := t.instant(text)
		if problem != nil {
			return problem
		}
		c.CreatedAt = &event.Time{Time: at}
	case fieldClosed:
		return t.closed(c, text)
	case fieldAssisted:
		yes, err := strconv.ParseBool(text)
		if err != nil {
			return &event.Problem{Code: event.CodeWrongType, Message: "whether AI had a part is true or false"}
		}
		c.Assisted = &yes
	}
	return nil
}

// clear notes that a property was emptied; fixed says that all deals have one currency.
func (c *change) clear(field string, fixed bool) *event.Problem {
	switch {
	case field == fieldStage || field == fieldCreated:
		return &event.Problem{Code: event.CodeMissingField, Message: "the property is empty: a deal has a stage, and a day when it was opened"}
	case field == fieldCurrency && fixed:
		return nil // nothing depends on it
	}
	c.cleared = append(c.cleared, field)
	return nil
}

func (t *Translator) stage(c *change, theirs string) *event.Problem {
	ours, ok := t.settings.Stages[theirs]
	if !ok {
		return &event.Problem{
			Code:    event.CodeUnknownStage,
			Message: fmt.Sprintf("the stage %s stands in no stage map: add it to stages of the connection, with its status, and replay the call", short(theirs)),
		}
	}
	c.Stage, c.Status = ours.Stage, ours.Status
	if c.Stage == "" {
		c.Stage = theirs
	}
	return nil
}

// amount is money, and money has a currency: that of all deals, or one that the deal's own property says.
func (t *Translator) amount(c *change, text string) *event.Problem {
	if t.settings.Currency == "" && t.settings.Fields.Currency == "" {
		return &event.Problem{
			Code:    event.CodeMissingField,
			Message: "nobody has said of which currency amounts are: give currency in the connection, or fields.currency where each deal has its own, and replay the call",
		}
	}
	d, ok := number(text)
	if !ok {
		return &event.Problem{Code: event.CodeWrongType, Message: "an amount is a number with at most 20 digits before and 18 after the point"}
	}
	c.Amount, c.Currency = &d, t.settings.Currency
	return nil
}

// currency is that of the deal's amount, which stays the same number. Where all deals have one, another contradicts it.
func (t *Translator) currency(c *change, text string) *event.Problem {
	switch {
	case t.settings.Currency == text:
		return nil
	case t.settings.Currency != "":
		return &event.Problem{
			Code:    event.CodeInconsistent,
			Message: "the deal is in " + short(text) + ", and the connection says that all deals are in " + t.settings.Currency + ": give fields.currency in the place of currency",
		}
	}
	c.Currency = text
	return nil
}

// number reads a decimal, with an exponent perhaps, exactly.
func number(text string) (event.Decimal, bool) {
	const most = 48
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	if n, err := strconv.Atoi(power); len(text) > most || power != "" && (err != nil || n < -most || n > most) || strings.Trim(mantissa, "+-.0123456789") != "" {
		return event.Decimal{}, false
	}
	d, err := decimal.NewFromString(text)
	if err != nil {
		return event.Decimal{}, false
	}
	out, err := event.ParseDecimal(d.String())
	return out, err == nil
}

// clockSlack is how much later than a change its close may be by another clock of the same CRM.
const clockSlack = time.Minute

// closed reads the day or the time of closing. One that lies ahead of the change is a plan and no fact: nothing was decided then. A day
// without a time of day is over at its end, so that no deal is decided before it was opened on the same day.
func (t *Translator) closed(c *change, text string) *event.Problem {
	at, problem := t.instant(text)
	if problem != nil {
		return problem
	}
	if isDay(text) {
		y, m, d := at.In(t.zone).Date()
		at = time.Date(y, m, d+1, 0, 0, 0, 0, t.zone).Add(-time.Millisecond)
		if y2, m2, d2 := c.at.In(t.zone).Date(); y == y2 && m == m2 && d == d2 {
			at = c.at
		}
	}
	if at.After(c.at.Add(clockSlack)) {
		return nil
	}
	c.ClosedAt = &event.Time{Time: at.UTC()}
	return nil
}

// isDay tells whether a date has no time of day.
func isDay(text string) bool { return len(text) == len(time.DateOnly) && text[4] == '-' }

// instant reads a time as CRM systems write it: milliseconds since 1970, RFC 3339, or a day.
func (t *Translator) instant(text string) (time.Time, *event.Problem) {
	if isDay(text) {
		if day, err := time.ParseInLocation(time.DateOnly, text, t.zone); err == nil && inReach(day) {
			return day, nil
		}
	}
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		if at := time.UnixMilli(ms).UTC(); inReach(at) {
			return at, nil
		}
	}
	// Salesforce writes the offset of a time without a colon.
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999Z0700"} {
		if at, err := time.Parse(form, text); err == nil && inReach(at) {
			return at.UTC().Truncate(time.Millisecond), nil
		}
	}
	return time.Time{}, &event.Problem{
		Code:    event.CodeWrongType,
		Message: "write a time as milliseconds since 1970, as RFC 3339 or as a day such as 2026-11-20, of the years 1901 to 2200",
	}
}

func inReach(at time.Time) bool { return at.Year() > 1901 && at.Year() < 2200 }

// events are the change as events: one, and one more for each further field that was emptied.
func (c *change) events(id string) (ids []string, out []*event.Pipeline) {
	slices.Sort(c.cleared)
	first := c.Pipeline
	// The close of an open deal is no more than a plan, and a deal that was entered when it was over was not decided before it was there.
	if first.Status == "open" || first.ClosedAt != nil && first.CreatedAt != nil && first.ClosedAt.Before(first.CreatedAt.Time) {
		first.ClosedAt = nil
	}
	if len(c.cleared) > 0 {
		first.Cleared = c.cleared[0]
	}
	ids, out = append(ids, id), append(out, &first)
	for _, field := range c.cleared[min(1, len(c.cleared)):] {
		ids = append(ids, id+":"+field)
		out = append(out, &event.Pipeline{Deal: c.Deal, Sequence: c.Sequence, Cleared: field})
	}
	return ids, out
}

// plain is the text of a value, and its kind; a member that is not there is null.
func plain(v jsontext.Value) (string, jsontext.Kind) {
	if len(v) == 0 {
		return "", 'n'
	}
	if v.Kind() != '"' {
		return strings.TrimSpace(string(v)), v.Kind()
	}
	s, err := jsontext.AppendUnquote(nil, v)
	if err != nil {
		return "", 0
	}
	return string(s), '"'
}

// short is a text that is quoted in a message.
func short(s string) string {
	const most = 64
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}
