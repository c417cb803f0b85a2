package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wavesCommand shows the waves of the survey, opens and closes them.
type wavesCommand struct {
	List  wavesListCommand  `cmd:"" default:"withargs" help:"List the waves of the survey."`
	Open  wavesOpenCommand  `cmd:"" help:"Open a wave, or say when it closes."`
	Close wavesCloseCommand `cmd:"" help:"Close a wave, for good."`
}

// Help says what a wave is.
func (wavesCommand) Help() string {
	return `A wave is one round of the survey: the events of the kind pulse that name it. Its first answer opens it, and it closes 62 days
later, or when you say. Answers are stored under a hash that takes the secret of the wave: when the wave closes the secret is
destroyed, and from then on nobody can tell whose an answer is, nor answer any more.

Examples:
  plumbline waves
  plumbline waves open 2026-q4 --closes 2026-12-15
  plumbline waves close 2026-q4`
}

// wave is what the API says of a wave.
type wave struct {
	Wave     string  `json:"wave"`
	State    string  `json:"state"`
	OpenedAt *string `json:"opened_at"`
	ClosesAt string  `json:"closes_at"`
	ClosedAt *string `json:"closed_at"`
}

func (w *wave) print(s Streams) {
	s.printf("%s  %s, ", s.paint("1", w.Wave), w.State)
	if w.ClosedAt != nil {
		s.printf("since %s\n", *w.ClosedAt)
		return
	}
	s.printf("closes %s\n", w.ClosesAt)
}

// wavesListCommand lists waves.
type wavesListCommand struct {
	JSON bool `name:"json" help:"Print the waves as JSON."`
	admin
}

// Run lists waves, page by page.
func (c *wavesListCommand) Run(ctx context.Context, s Streams) error {
	shown, query := []jsontext.Value{}, url.Values{"limit": {"1000"}}
	for {
		var page struct {
			Waves []jsontext.Value `json:"waves"`
			Next  *string          `json:"next"`
		}
		if _, err := c.get(ctx, s, "/api/v1/waves?"+query.Encode(), &page); err != nil {
			return err
		}
		shown = append(shown, page.Waves...)
		if page.Next == nil {
			break
		}
		query.Set("cursor", *page.Next)
	}
	if c.JSON {
		return printJSON(s, map[string]any{"waves": shown})
	}
	for _, raw := range shown {
		var w wave
		if err := json.Unmarshal(raw, &w); err != nil {
			return fmt.Errorf("the answer is not what a scorecard says: %w", err)
		}
		w.print(s)
	}
	if len(shown) == 0 {
		s.note("there is no wave yet: the first answer opens one, or plumbline waves open\n")
	}
	return nil
}

// wavesOpenCommand opens a wave.
type wavesOpenCommand struct {
	Wave   string `arg:"" placeholder:"WAVE" help:"Key of the wave, as answers name it."`
	Closes string `placeholder:"WHEN" help:"When it closes: in 12h, 30d, at a day, or at a time as RFC 3339; default: 62 days after it was opened."`
	JSON   bool   `name:"json" help:"Print the wave as JSON."`
	admin
}

// Run opens it.
func (c *wavesOpenCommand) Run(ctx context.Context, s Streams) error {
	body := map[string]string{}
	if c.Closes != "" {
		at, err := ending("--closes", c.Closes, time.Now())
		if err != nil {
			return err
		}
		if closes, err := time.Parse(time.RFC3339, at); err != nil || !closes.After(time.Now()) {
			return usage("--closes %s is over: to close the wave for good, use plumbline waves close", c.Closes)
		}
		body["closes_at"] = at
	}
	return c.put(ctx, s, c.Wave, body, c.JSON)
}

// wavesCloseCommand closes a wave.
type wavesCloseCommand struct {
	Wave string `arg:"" placeholder:"WAVE" help:"Key of the wave."`
	Yes  bool   `help:"Do not ask."`
	JSON bool   `name:"json" help:"Print the wave as JSON."`
	admin
}

// Run asks, and closes it.
func (c *wavesCloseCommand) Run(ctx context.Context, s Streams) error {
	if !c.Yes {
		s.note("This destroys the secret of %s, for good: no answers are taken any more, and none can be changed or withdrawn by who gave it.\n"+
			"Type \"close\" to go on: ", c.Wave)
		line, err := s.line()
		if err != nil {
			return err
		}
		if line != "close" {
			s.note("\n")
			return errors.New("nothing was closed: answer with \"close\", or give --yes")
		}
	}
	// A time that has come closes the wave, by the clock of the server.
	return c.put(ctx, s, c.Wave, map[string]string{"closes_at": time.Unix(0, 0).UTC().Format(time.RFC3339)}, c.JSON)
}

// put sends what a wave is to be, and prints what it is.
func (a admin) put(ctx context.Context, s Streams, key string, what map[string]string, asJSON bool) error {
	body, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	var w wave
	raw, err := a.call(ctx, s, http.MethodPut, "/api/v1/waves/"+url.PathEscape(key), body, &w)
	if err != nil {
		return err
	}
	if asJSON {
		s.printf("%s\n", raw)
		return nil
	}
	w.print(s)
	return nil
}
