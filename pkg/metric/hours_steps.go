package metric

import (
	"time"

	"github.com/shopspring/decimal"
)

// Step is one step from a gross value to the number: what it adds, or takes away where it is negative. The steps of a number
// sum to it to the last digit.
type Step struct {
	Key   string `json:"key"`
	Title string `json:"title"`
	Value Exact  `json:"value"`
}

// HoursPartsQuery reads what the minutes of the assisted work of a window were spent on.
type HoursPartsQuery struct{ Window }

// HoursPartsRow is what the minutes of a [HoursRow] were spent on.
type HoursPartsRow struct {
	Day        time.Time       `ch:"day"`
	Team       string          `ch:"team"`
	Workflow   string          `ch:"workflow"`
	Trial      string          `ch:"trial"`
	Doing      decimal.Decimal `ch:"doing_minutes"`
	Prompting  decimal.Decimal `ch:"prompting_minutes"`
	Review     decimal.Decimal `ch:"review_minutes"`
	Rework     decimal.Decimal `ch:"rework_minutes"`
	Correction decimal.Decimal `ch:"correction_minutes"`
}

// SQL is the query and its parameters: grouped as [HoursQuery], so that its rows are those of the same cells.
func (q HoursPartsQuery) SQL() (string, map[string]any) {
	where, args := q.where("day")
	return `SELECT day, team, workflow, trial,
  sum(doing_minutes) AS doing_minutes, sum(prompting_minutes) AS prompting_minutes, sum(review_minutes) AS review_minutes,
  sum(rework_minutes) AS rework_minutes, sum(correction_minutes) AS correction_minutes
FROM rollup_hours
WHERE ` + where + `
  AND assisted
GROUP BY day, team, workflow, trial
ORDER BY day, team, workflow, trial`, args
}

// spentOn are what minutes are spent on, in the order in which the work goes.
var spentOn = []struct {
	key, title string
	of         func(r *HoursPartsRow) decimal.Decimal
}{
	{"doing", "Doing it with AI", func(r *HoursPartsRow) decimal.Decimal { return r.Doing }},
	{"prompting", "Prompting", func(r *HoursPartsRow) decimal.Decimal { return r.Prompting }},
	{"review", "Review", func(r *HoursPartsRow) decimal.Decimal { return r.Review }},
	{"rework", "Rework", func(r *HoursPartsRow) decimal.Decimal { return r.Rework }},
	{"correction", "Correction", func(r *HoursPartsRow) decimal.Decimal { return r.Correction }},
}

type hoursPlaceOf struct{ day, team, workflow, trial string }

// HoursSteps goes from the time that the work of a fold would have taken without AI to the net hours: less doing, prompting,
// review, rework and correction. Work of which only some events have a baseline is one step, since what its minutes were spent
// on is summed over all of its events; so is the work from the day open on, where one is named: it is told as a whole. Without parts all of it is one step.
//
// Hours are minutes ÷ 60 and rounded, here once for each step and in the number once for each cell. The first step takes what
// that leaves, less than 1e-12 h, so that the steps sum to the number exactly.
func HoursSteps(in HoursInput, parts []HoursPartsRow, net decimal.Decimal, open string) []Step {
	byPlace := map[hoursPlaceOf]*HoursPartsRow{}
	for i := range parts {
		p := &parts[i]
		byPlace[hoursPlaceOf{dayText(p.Day), p.Team, p.Workflow, p.Trial}] = p
	}
	spent, untold, notOver := make([]decimal.Decimal, len(spentOn)), decimal.Zero, decimal.Zero
	prices := in.prices()
	for i := range in.Rows {
		r := &in.Rows[i]
		pieces, rest := prices.pieces(*r)
		if len(pieces) == 0 {
			continue
		}
		if open != "" && dayText(r.Day) >= open {
			for _, p := range pieces {
				notOver = notOver.Add(inHours(p.minutes))
			}
			continue
		}
		p := byPlace[hoursPlaceOf{dayText(r.Day), r.Team, r.Workflow, r.Trial}]
		if rest.n > 0 || p == nil {
			untold = untold.Add(r.Minutes.Sub(rest.minutes))
			continue
		}
		for i, part := range spentOn {
			spent[i] = spent[i].Add(part.of(p))
		}
	}
	var steps []Step
	rest := net
	add := func(key, title string, hours decimal.Decimal) {
		if !hours.IsZero() {
			steps, rest = append(steps, Step{key, title, Exact{hours}}), rest.Sub(hours)
		}
	}
	for i, part := range spentOn {
		add(part.key, part.title, inHours(spent[i]).Neg())
	}
	if parts == nil {
		add("with_ai", "The time that it took with AI", inHours(untold).Neg())
	} else {
		add("untold", "Time of work that only in part has a baseline", inHours(untold).Neg())
	}
	add("open", "Net, of the month that is not over", notOver)
	return append([]Step{{"without_ai", "The same work without AI", Exact{rest}}}, steps...)
}
