package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"plumbline/pkg/access"
	"plumbline/pkg/client"
	"plumbline/pkg/event"
)

// logCommand logs an outcome: as a person who is signed in, or as a tool in somebody's name.
type logCommand struct {
	Workflow string `placeholder:"KEY" help:"Workflow that it belongs to."`
	Minutes  string `placeholder:"N" help:"Minutes that it took with AI, all in all."`
	Units    string `default:"1" placeholder:"N" help:"Pieces of work."`
	Date     string `placeholder:"DAY" help:"Day, such as 2026-11-27; today by default."`
	Note     string `placeholder:"TEXT" help:"What it was, in at most 128 characters."`
	Link     string `placeholder:"URL" help:"Where the result is."`
	Quality  string `placeholder:"N" help:"1 (poor) to 5 (excellent)."`
	ID       string `name:"id" placeholder:"UUID" help:"Id of the outcome, to send the same once more; a new one by default."`
	Preview  bool   `help:"Say what it would add, and log nothing."`
	Undo     string `placeholder:"ID" help:"Withdraw what was logged under this id."`
	Session  string `placeholder:"COOKIE" help:"Session of a signed-in browser: the value of its cookie plumbline_session (or PLUMBLINE_SESSION)."`
	Person   string `placeholder:"PERSON" help:"Whose work it is, without a session: sent with the write key, as a tool does."`
	Team     string `placeholder:"KEY" help:"With --person: whose team's work it is."`
	JSON     bool   `name:"json" help:"Print the answer as JSON."`
	remote
}

// Help says who logs, and shows examples.
func (logCommand) Help() string {
	return `Logs that a piece of work was done with AI, and says what that adds to your numbers.

Who you are: a key or the admin token is nobody in particular, and nobody can log for another in the app. So give the session of a
browser in which you are signed in: the value of its cookie plumbline_session (__Host-plumbline_session over https), in
PLUMBLINE_SESSION. Then the command does what the page Log an outcome does, and what it logs can be edited and withdrawn there.

With --person it is sent with the write key instead, as any tool sends events in somebody's name (source /plumbline/cli). Whoever
has the write key is trusted with that. What it adds is for the person to see, so there is no --preview then, and it is withdrawn here.

Examples:
  plumbline log --workflow brief --minutes 48
  plumbline log --workflow post --minutes 95 --units 3 --date 2026-11-26 --note "Launch posts" --preview
  plumbline log --undo 0193a6f2-7b1c-7c1e-9b2a-0f4e5d6c7b8a
  plumbline log --workflow brief --minutes 48 --person ann@example.com --team content --json`
}

// cliSource is the source of what is logged in somebody's name.
const cliSource = "/plumbline/cli"

// Run logs, previews or withdraws.
func (c *logCommand) Run(ctx context.Context, s Streams) error {
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	if c.Session == "" {
		c.Session, _ = s.Env("PLUMBLINE_SESSION")
	}
	if err := c.check(); err != nil {
		return err
	}
	switch {
	case c.Person != "":
		return c.asTool(ctx, s)
	case c.Undo != "":
		return c.withdraw(ctx, s)
	}
	return c.asPerson(ctx, s)
}

// check refuses what can not be meant.
func (c *logCommand) check() error {
	switch {
	case c.Person == "" && c.Session == "":
		return usage("say who you are: set PLUMBLINE_SESSION to the cookie plumbline_session of a browser in which you are signed in, or send it in somebody's name with --person")
	case c.Person != "" && c.Preview:
		return usage("--preview: what it adds is for the person to see, who signs in for it; leave out --person")
	case c.Undo != "" && c.Workflow+c.Minutes != "":
		return usage("--undo: it takes an id and nothing else")
	case c.Undo != "":
		return nil
	case c.Workflow == "":
		return usage("--workflow: say which workflow it was")
	case c.Minutes == "":
		return usage("--minutes: say how many minutes it took")
	}
	for name, text := range map[string]string{"--minutes": c.Minutes, "--units": c.Units, "--quality": c.Quality} {
		if _, err := event.ParseNumber(text); err != nil && text != "" {
			return usage("%s: write a number, such as 4", name)
		}
	}
	if _, err := time.Parse(time.DateOnly, c.Date); err != nil && c.Date != "" {
		return usage("--date: write a day as YYYY-MM-DD")
	}
	if c.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("make id: %w", err)
		}
		c.ID = id.String()
	}
	return nil
}

// fields is what is sent. Numbers go as they were typed.
func (c *logCommand) fields() map[string]any {
	out := map[string]any{"id": c.ID, "workflow": c.Workflow, "minutes": jsontext.Value(c.Minutes), "units": jsontext.Value(c.Units)}
	for name, text := range map[string]string{"day": c.Date, "note": c.Note, "url": c.Link} {
		if text != "" {
			out[name] = text
		}
	}
	if c.Quality != "" {
		out["quality"] = jsontext.Value(c.Quality)
	}
	return out
}

// asPerson does what the page does.
func (c *logCommand) asPerson(ctx context.Context, s Streams) error {
	body, err := json.Marshal(c.fields())
	if err != nil {
		return fmt.Errorf("encode outcome: %w", err)
	}
	raw, err := c.ask(ctx, s, http.MethodPost, "/api/v1/outcomes/preview", body)
	if err != nil {
		return err
	}
	var p struct {
		Text string  `json:"text"`
		Note *string `json:"note"`
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("the answer is not what a scorecard says: %w", err)
	}
	if !c.Preview {
		if raw, err = c.ask(ctx, s, http.MethodPost, "/api/v1/outcomes", body); err != nil {
			return fmt.Errorf("%w\nTo send the same once more, add --id %s", err, c.ID)
		}
	}
	switch {
	case c.JSON:
		return s.json(jsontext.Value(raw))
	case c.Preview:
		s.printf("%s\n", p.Text)
	default:
		s.printf("logged %s\n%s\n", c.ID, p.Text)
	}
	if p.Note != nil {
		s.printf("%s\n", *p.Note)
	}
	return nil
}

// withdraw takes out what was logged.
func (c *logCommand) withdraw(ctx context.Context, s Streams) error {
	raw, err := c.ask(ctx, s, http.MethodDelete, "/api/v1/outcomes/"+url.PathEscape(c.Undo), nil)
	if err != nil {
		return err
	}
	if c.JSON {
		return s.json(jsontext.Value(raw))
	}
	s.printf("withdrawn %s: it counts nowhere\n", c.Undo)
	return nil
}

// ask sends a request with the session, as a page of the site does.
func (c *logCommand) ask(ctx context.Context, s Streams, method, path string, body []byte) ([]byte, error) {
	base, err := c.address(s)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(base, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask %s: %w", base, err)
	}
	req.AddCookie(&http.Cookie{Name: access.SessionCookie(req.URL.Scheme == "https"), Value: c.Session})
	req.Header.Set("Origin", req.URL.Scheme+"://"+req.URL.Host)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the server (is it running?): %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	switch {
	case res.StatusCode == http.StatusUnauthorized:
		return nil, errors.New("the session is not known or has ended: sign in with the browser, and take the value of its cookie anew")
	case res.StatusCode > 299:
		return nil, refusedBy(res, raw)
	}
	return raw, nil
}

// asTool sends an event in somebody's name, with the write key.
func (c *logCommand) asTool(ctx context.Context, s Streams) error {
	base, err := c.address(s)
	if err != nil {
		return err
	}
	key, err := c.writeKey(s)
	if err != nil {
		return err
	}
	sender, err := client.New(client.Config{URL: base, Key: key})
	if err != nil {
		return usage("%v", err)
	}
	e, err := c.event()
	if err != nil {
		return err
	}
	answers, err := sender.Send(ctx, []client.Event{e})
	if err != nil {
		return err
	}
	a := answers[0]
	if c.JSON {
		raw, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("encode answer: %w", err)
		}
		if err := s.json(jsontext.Value(raw)); err != nil {
			return err
		}
	}
	switch {
	case a.State != event.Accepted && a.State != event.Duplicate:
		return fmt.Errorf("it was not taken: %s (%s)\nTo send the same once more, add --id %s", a.Message, a.Code, c.ID)
	case c.JSON:
	case c.Undo != "":
		s.printf("withdrawn %s: it counts nowhere\n", c.Undo)
	default:
		s.printf("logged %s in the name of %s\nplumbline event --source %s --id %s says when it counts\n", c.ID, c.Person, cliSource, c.ID)
	}
	return nil
}

// event is the event of what is logged, or of its withdrawal.
func (c *logCommand) event() (client.Event, error) {
	if c.Undo != "" {
		// Withdrawn twice it is the same event: it always has the same id and the same time.
		return client.Event{
			ID: "undo-" + c.Undo, Source: cliSource, Time: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Type: event.KindVoid.Type(),
			Data: &event.Void{Common: event.Common{Person: c.Person}, Source: cliSource, ID: c.Undo, Reason: "undone with plumbline log"},
		}, nil
	}
	at := time.Now()
	if id, err := uuid.Parse(c.ID); err == nil && id.Version() == 7 { // the same, whenever it is sent again
		at = time.Unix(id.Time().UnixTime())
	}
	if c.Date != "" {
		day, err := time.Parse(time.DateOnly, c.Date)
		if err != nil {
			return client.Event{}, usage("--date: write a day as YYYY-MM-DD")
		}
		at = day.Add(12 * time.Hour)
	}
	data := map[string]any{
		"workflow": c.Workflow, "person": c.Person, "doing_minutes": jsontext.Value(c.Minutes), "units": jsontext.Value(c.Units),
	}
	for name, text := range map[string]string{"team": c.Team, "task": c.Note, "url": c.Link} {
		if text != "" {
			data[name] = text
		}
	}
	if c.Quality != "" {
		data["quality"] = jsontext.Value(c.Quality)
	}
	return client.Event{ID: c.ID, Source: cliSource, Time: at, Type: event.KindHoursSaved.Type(), Data: data}, nil
}
