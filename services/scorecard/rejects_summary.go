package scorecard

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// rejectSummary is the answer of /rejects/summary: what came in, and what of it is not counted.
type rejectSummary struct {
	From     string `json:"from"`
	To       string `json:"to"`
	KeptDays int    `json:"kept_days"`
	Accepted uint64 `json:"accepted"`
	Late     uint64 `json:"late"`
	// LateAfterHours is what late means.
	LateAfterHours  int              `json:"late_after_hours"`
	Rejected        rejectTotals     `json:"rejected"`
	Duplicates      duplicatesAnswer `json:"duplicates"`
	Reasons         []reasonAnswer   `json:"reasons"`
	Sources         []sourceAnswer   `json:"sources"`
	Days            []rejectDay      `json:"days"`
	Excluded        []excludedAmount `json:"excluded"`
	MayList         bool             `json:"may_list"`
	MayReplay       bool             `json:"may_replay"`
	AsOf            string           `json:"as_of"`
	CompleteThrough *string          `json:"complete_through"`
}

type rejectTotals struct {
	Total    uint64 `json:"total"`
	Open     uint64 `json:"open"`
	Replayed uint64 `json:"replayed"`
	Resent   uint64 `json:"resent"`
}

func (t *rejectTotals) add(status string, n uint64) {
	t.Total += n
	switch status {
	case warehouse.RejectOpen:
		t.Open += n
	case warehouse.RejectReplayed:
		t.Replayed += n
	case warehouse.RejectResent:
		t.Resent += n
	}
}

// duplicatesAnswer counts the messages of the log that were recognised as repetitions of a stored event.
type duplicatesAnswer struct {
	// Value is nil where none of the period is known, and Reason then says why.
	Value *uint64 `json:"value"`
	// Since is from when on they are known, which may be after the beginning of the period.
	Since  *string `json:"since"`
	Reason *string `json:"reason"`
}

func duplicatesOf(r warehouse.Repetitions) duplicatesAnswer {
	if r.Since.IsZero() {
		return duplicatesAnswer{Reason: new(fmt.Sprintf(
			"What was sent again in these days is not known: it is noted since this version was installed, and kept for %d days.", warehouse.RejectDays))}
	}
	return duplicatesAnswer{Value: &r.N, Since: new(r.Since.UTC().Format(event.TimeForm))}
}

type reasonAnswer struct {
	Code    string `json:"code"`
	Meaning string `json:"meaning"`
	Stage   string `json:"stage"`
	Total   uint64 `json:"total"`
	Open    uint64 `json:"open"`
}

type sourceAnswer struct {
	Source string `json:"source"`
	// Counts are nil where they are not known: of a source that is not among those with the most, where there are more of them.
	Accepted   *uint64 `json:"accepted"`
	Late       *uint64 `json:"late"`
	Rejected   *uint64 `json:"rejected"`
	Open       *uint64 `json:"open"`
	Duplicates *uint64 `json:"duplicates"`
}

type rejectDay struct {
	Day   string `json:"day"`
	Total uint64 `json:"total"`
	Open  uint64 `json:"open"`
}

type excludedAmount struct {
	Type     string      `json:"type"`
	Currency *string     `json:"currency"`
	Events   uint64      `json:"events"`
	Unknown  uint64      `json:"unknown"`
	Amount   *jsonNumber `json:"amount"`
}

// getRejectSummary answers everyone: counts and sums tell nothing about a person.
func (a *app) getRejectSummary(c *gin.Context, v *view) error {
	f, err := summaryFilter(c.Request.URL.Query(), v)
	if err != nil {
		return err
	}
	counts, err := a.db.RejectCounts(c, f)
	if err != nil {
		return err
	}
	refused, cut, err := a.db.RejectsBySource(c, f)
	if err != nil {
		return err
	}
	accepted, err := a.db.Arrivals(c, f.Workspace, f.From, f.To)
	if err != nil {
		return err
	}
	again, err := a.db.Repetitions(c, f.Workspace, f.From, f.To, v.now)
	if err != nil {
		return err
	}
	amounts, err := a.db.ExcludedAmounts(c, f)
	if err != nil {
		return err
	}
	s := rejectSummary{
		From: f.From.UTC().Format(event.TimeForm), To: f.To.UTC().Format(event.TimeForm), KeptDays: warehouse.RejectDays,
		Accepted: accepted.Accepted, Late: accepted.Late,
		LateAfterHours: int(warehouse.LateAfter / time.Hour),
		Duplicates:     duplicatesOf(again), Sources: bySource(accepted, refused, cut, again), Excluded: []excludedAmount{},
		MayList: v.viewer.Role.May(access.ListRejects), MayReplay: v.viewer.Role.May(access.ReplayRejects),
		AsOf: v.asOf(), CompleteThrough: v.completeThrough(),
	}
	s.count(counts)
	for _, e := range amounts {
		s.Excluded = append(s.Excluded, excludedOf(e))
	}
	c.Header("Cache-Control", "no-store")
	writeJSON(c, http.StatusOK, s)
	return nil
}

// summaryFilter reads the period; the default are the days that rejects are kept.
func summaryFilter(values url.Values, v *view) (warehouse.RejectFilter, error) {
	p := &parser{values: values}
	p.only([]string{"from", "to"})
	f := warehouse.RejectFilter{
		Workspace: v.viewer.Workspace, Unattributed: v.viewer.Role.May(access.ReadRawRejects), From: p.moment("from", v), To: p.moment("to", v),
	}
	if f.To.IsZero() {
		f.To = v.startOf(addDays(v.today, 1))
	}
	if f.From.IsZero() {
		f.From = f.To.AddDate(0, 0, -warehouse.RejectDays)
	}
	if !f.From.Before(f.To) {
		p.fail("to", "the period is half-open: to must be after from")
	}
	if len(p.problems) > 0 {
		return f, &badRequest{p.problems}
	}
	return f, nil
}

// count adds up totals, reasons and days.
func (s *rejectSummary) count(counts []warehouse.RejectCount) {
	type reason struct{ stage, code string }
	reasons, days := map[reason]*rejectTotals{}, map[string]*rejectTotals{}
	for _, n := range counts {
		s.Rejected.add(n.Status, n.N)
		r, day := reason{n.Stage, n.Code}, n.Day.Format(time.DateOnly)
		if reasons[r] == nil {
			reasons[r] = &rejectTotals{}
		}
		if days[day] == nil {
			days[day] = &rejectTotals{}
		}
		reasons[r].add(n.Status, n.N)
		days[day].add(n.Status, n.N)
	}
	s.Reasons, s.Days = []reasonAnswer{}, []rejectDay{}
	for r, t := range reasons {
		s.Reasons = append(s.Reasons, reasonAnswer{r.code, event.Code(r.code).Meaning(), r.stage, t.Total, t.Open})
	}
	slices.SortFunc(s.Reasons, func(a, b reasonAnswer) int {
		return cmp.Or(cmp.Compare(b.Open, a.Open), cmp.Compare(b.Total, a.Total), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Stage, b.Stage))
	})
	for day, t := range days {
		s.Days = append(s.Days, rejectDay{day, t.Total, t.Open})
	}
	slices.SortFunc(s.Days, func(a, b rejectDay) int { return cmp.Compare(a.Day, b.Day) })
}

// bySource joins what was taken with what was refused and what was sent again, the sources with the most that is not
// counted first.
func bySource(accepted warehouse.Arrivals, refused []warehouse.SourceCount, refusedCut bool, again warehouse.Repetitions) []sourceAnswer {
	found := map[string]*sourceAnswer{}
	of := func(source string) *sourceAnswer {
		if found[source] == nil {
			found[source] = &sourceAnswer{Source: source}
		}
		return found[source]
	}
	for _, n := range accepted.Sources {
		s := of(n.Source)
		s.Accepted, s.Late = &n.Accepted, &n.Late
	}
	for _, n := range refused {
		s := of(n.Source)
		s.Rejected, s.Open = &n.Rejected, &n.Open
	}
	for _, n := range again.Sources {
		of(n.Source).Duplicates = &n.Duplicates
	}
	out := make([]sourceAnswer, 0, len(found))
	for _, s := range found {
		none(!accepted.Cut, &s.Accepted, &s.Late)
		none(!refusedCut, &s.Rejected, &s.Open)
		none(!again.Cut && !again.Since.IsZero(), &s.Duplicates)
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b sourceAnswer) int {
		return cmp.Or(most(a.Open, b.Open), most(a.Rejected, b.Rejected), most(a.Accepted, b.Accepted), cmp.Compare(a.Source, b.Source))
	})
	return out
}

// none makes counts that are not there 0, where all are known.
func none(known bool, counts ...**uint64) {
	for _, n := range counts {
		if *n == nil && known {
			*n = new(uint64)
		}
	}
}

// most puts the larger count first, and one that is not known last.
func most(a, b *uint64) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(*b, *a)
}

// excludedOf is an amount; one that could be read of no event at all is not known, and not 0.
func excludedOf(e warehouse.ExcludedAmount) excludedAmount {
	out := excludedAmount{Type: e.Type, Currency: optionalText(e.Currency), Events: e.Events, Unknown: e.Unknown}
	if e.Unknown < e.Events {
		out.Amount = new(jsonNumber(e.Amount.String()))
	}
	return out
}
