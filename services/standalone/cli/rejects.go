package cli

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// rejectsCommand shows what was not taken.
type rejectsCommand struct {
	List rejectsListCommand `cmd:"" default:"withargs" help:"List rejects, the latest first."`
	Show rejectsShowCommand `cmd:"" help:"Show one reject with its bytes."`
}

// Help shows examples.
func (rejectsCommand) Help() string {
	return `Rejects are kept for 30 days. One is open until its event is counted: replayed by an administrator, or sent again by its source.

Examples:
  plumbline rejects
  plumbline rejects --code unknown_field --source adtool --since 24h
  plumbline rejects --status open --json | jq '.rejects[].message'
  plumbline rejects show rejected-0-17-1764000000000`
}

// rejectFilter chooses rejects.
type rejectFilter struct {
	Code   string `placeholder:"CODE" help:"Only this reason, such as unknown_field."`
	Source string `placeholder:"SOURCE" help:"Only events of this source."`
	Stage  string `placeholder:"STAGE" help:"Only what was refused by the collector, the gate of the inbox or the loader: collector, gate, loader."`
	Type   string `placeholder:"TYPE" help:"Only this CloudEvents type."`
	Status string `placeholder:"STATUS" help:"Only what is open, replayed or resent."`
	Text   string `placeholder:"TEXT" help:"Only with this text in message, pointer, source or id."`
	Since  string `placeholder:"WHEN" help:"Only what was refused since: 90m, 24h, 7d, a day, or a time as RFC 3339."`
	Until  string `placeholder:"WHEN" help:"Only what was refused before: as --since."`
}

// values are the parameters of the API.
func (f rejectFilter) values(now time.Time) (map[string]string, error) {
	out := map[string]string{}
	for name, value := range map[string]string{"code": f.Code, "source": f.Source, "stage": f.Stage, "type": f.Type, "status": f.Status, "q": f.Text} {
		if value != "" {
			out[name] = value
		}
	}
	for name, flag := range map[string][2]string{"from": {"--since", f.Since}, "to": {"--until", f.Until}} {
		if flag[1] == "" {
			continue
		}
		at, err := moment(flag[0], flag[1], now)
		if err != nil {
			return nil, err
		}
		out[name] = at
	}
	return out, nil
}

// moment reads how long ago, a day or a time, and writes what the API reads.
func moment(flag, text string, now time.Time) (string, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 36500 {
			return now.UTC().AddDate(0, 0, -n).Format(time.RFC3339), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.UTC().Add(-d).Format(time.RFC3339), nil
	}
	if _, err := time.Parse(time.DateOnly, text); err == nil {
		return text, nil
	}
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at.UTC().Format(time.RFC3339Nano), nil
	}
	return "", usage("%s: write how long ago (90m, 24h, 7d), a day (2026-11-24) or a time (2026-11-24T09:00:00Z), not %q", flag, text)
}

// rejectsListCommand lists.
type rejectsListCommand struct {
	rejectFilter
	Limit int  `default:"50" help:"Most rejects to list, up to 1000."`
	JSON  bool `name:"json" help:"Print the answer of the server as it is."`
	admin
}

// reject is one reject of the answer, as far as it is printed.
type reject struct {
	ID      string `json:"id"`
	At      string `json:"at"`
	Stage   string `json:"stage"`
	Source  string `json:"source"`
	EventID string `json:"event_id"`
	Type    string `json:"type"`
	Code    string `json:"code"`
	Meaning string `json:"meaning"`
	Pointer string `json:"pointer"`
	Message string `json:"message"`
	Status  string `json:"status"`
}

// Run lists rejects.
func (c *rejectsListCommand) Run(ctx context.Context, s Streams) error {
	if c.Limit < 1 || c.Limit > 1000 {
		return usage("--limit: write a number from 1 to 1000")
	}
	filter, err := c.values(time.Now())
	if err != nil {
		return err
	}
	query := url.Values{"limit": {strconv.Itoa(c.Limit)}}
	for name, value := range filter {
		query.Set(name, value)
	}
	var list struct {
		Rejects []reject `json:"rejects"`
		Next    *string  `json:"next"`
	}
	raw, err := c.get(ctx, s, "/api/v1/rejects?"+query.Encode(), &list)
	if err != nil {
		return err
	}
	if c.JSON {
		_ = raw.Indent()
		s.printf("%s\n", raw)
		return nil
	}
	for _, r := range list.Rejects {
		s.printf("%s  %s  %s\n", s.paint("1", r.ID), r.At, r.Status)
		s.printf("  %s: %s %s of %s\n", r.Stage, known(r.Type, "an event"), known(r.EventID, "without an id"), known(r.Source, "no known source"))
		s.printf("  %s%s: %s\n", r.Code, at(r.Pointer), r.Message)
	}
	switch {
	case len(list.Rejects) == 0:
		s.note("no rejects\n")
	case list.Next != nil:
		s.note("the latest %d; there are more: narrow the filter, or raise --limit\n", len(list.Rejects))
	}
	return nil
}

// known is a text that may come from outside, quoted where it would not stand on its own, or what is said in its place.
func known(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r == 0x7f || r == 0xfffd || r >= 0x80 && r < 0xa0 }) {
		return strconv.Quote(text)
	}
	return text
}

func at(pointer string) string {
	if pointer == "" {
		return ""
	}
	return " at " + known(pointer, "")
}

// rejectsShowCommand shows one.
type rejectsShowCommand struct {
	ID   string `arg:"" help:"Id of the reject, as plumbline rejects lists it."`
	JSON bool   `name:"json" help:"Print the answer of the server as it is."`
	admin
}

// Help shows examples.
func (rejectsShowCommand) Help() string {
	return `Examples:
  plumbline rejects show rejected-0-17-1764000000000
  plumbline rejects show rejected-0-17-1764000000000 --json | jq -r .raw.text`
}

// shownReject is one reject with its bytes, as far as it is printed.
type shownReject struct {
	reject
	ContentType string `json:"content_type"`
	Receipt     string `json:"receipt"`
	Raw         *struct {
		Bytes  int    `json:"bytes"`
		Text   string `json:"text"`
		Base64 string `json:"base64"`
	} `json:"raw"`
	Structured string `json:"structured"`
	Replayable bool   `json:"replayable"`
	Why        string `json:"why"`
	Replays    []struct {
		At      string `json:"at"`
		By      string `json:"by"`
		State   string `json:"state"`
		Code    string `json:"code"`
		Pointer string `json:"pointer"`
		Message string `json:"message"`
		Receipt string `json:"receipt"`
	} `json:"replays"`
	Outcome *struct {
		State string `json:"state"`
	} `json:"outcome"`
}

// Run shows one reject.
func (c *rejectsShowCommand) Run(ctx context.Context, s Streams) error {
	var r shownReject
	raw, err := c.get(ctx, s, "/api/v1/rejects/"+url.PathEscape(c.ID), &r)
	if err != nil {
		return err
	}
	if c.JSON {
		_ = raw.Indent()
		s.printf("%s\n", raw)
		return nil
	}
	s.printf("reject   %s (%s)\nrefused  %s by the %s", r.ID, r.Status, r.At, r.Stage)
	if r.Receipt != "" {
		s.printf(", at %s of the log", r.Receipt)
	}
	s.printf("\nevent    %s %s of %s\nreason   %s%s: %s\n         %s\n",
		known(r.Type, "of no type that could be read,"), known(r.EventID, "without an id"), known(r.Source, "no known source"), r.Code, at(r.Pointer), r.Message, r.Meaning)
	r.printBytes(s)
	if !r.Replayable {
		s.printf("It can not be replayed. %s\n", r.Why)
	}
	for _, p := range r.Replays {
		s.printf("replay   %s by %s: %s %s%s %s\n", p.At, p.By, p.State, p.Receipt, p.Code+at(p.Pointer), p.Message)
	}
	if r.Outcome != nil {
		s.printf("outcome  %s\n", r.Outcome.State)
	}
	return nil
}

// printBytes prints the bytes and, where they are not the event itself, the event in them.
func (r *shownReject) printBytes(s Streams) {
	switch {
	case r.Raw == nil:
		return // why they are not shown is why it can not be replayed
	case r.Raw.Base64 != "":
		s.printf("bytes    %d of %s, as base64:\n%s\n", r.Raw.Bytes, r.ContentType, r.Raw.Base64)
	default:
		s.printf("bytes    %d of %s:\n%s\n", r.Raw.Bytes, r.ContentType, harmless(r.Raw.Text))
	}
	if r.Structured != "" && r.Structured != r.Raw.Text {
		s.printf("the event in them, which a fix works on:\n%s\n", pretty(r.Structured))
	}
}

// pretty indents JSON, and leaves alone what is none.
func pretty(text string) string {
	v := jsontext.Value(text)
	if err := v.Indent(jsontext.AllowDuplicateNames(true)); err != nil {
		return harmless(text)
	}
	return harmless(string(v))
}

// harmless keeps control characters of foreign bytes away from the terminal.
func harmless(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, text)
}
