package metric

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/stat"
)

// FloorAnswers is the least number of answers to a survey that is shown, of each side where two are compared.
const FloorAnswers = 10

// PulseRow is one answer; rows come in the order of time, so that of two answers of one person to one wave the last counts.
type PulseRow struct {
	Wave         string    `ch:"wave"`
	Role         string    `ch:"role"`
	Person       string    `ch:"person"`
	ROIProvable  string    `ch:"roi_provable"`
	TimeWentTo   string    `ch:"time_went_to"`
	Satisfaction *uint8    `ch:"satisfaction"`
	Confidence   *uint8    `ch:"confidence"`
	Time         time.Time `ch:"at"`
	Day          time.Time `ch:"day"`
	Team         string    `ch:"team"`
	Workflow     string    `ch:"workflow"`
}

// Wave is the answers to the latest wave of a period.
type Wave struct {
	Key     string
	Answers []PulseRow
}

// LatestWave picks the wave that was answered last, one answer for each person.
func LatestWave(rows []PulseRow) Wave {
	if len(rows) == 0 {
		return Wave{}
	}
	w := Wave{Key: rows[len(rows)-1].Wave}
	last := map[string]PulseRow{}
	for i, r := range rows {
		if r.Wave == w.Key {
			last[cmp.Or(r.Person, fmt.Sprintf("answer %09d", i))] = r
		}
	}
	for _, key := range slices.Sorted(maps.Keys(last)) {
		w.Answers = append(w.Answers, last[key])
	}
	return w
}

// yes counts who answers that the return can be proven, of those of a role who answered that question.
func (w Wave) yes(role string) (yes, n uint64) {
	for _, a := range w.Answers {
		if a.Role != role || a.ROIProvable == "" {
			continue
		}
		n++
		if a.ROIProvable == "yes" {
			yes++
		}
	}
	return yes, n
}

// FoldPerceptionGap is the share of leaders who say that the return can be proven less that of individual contributors,
// in one wave, in percentage points, with Newcombe's interval.
func FoldPerceptionGap(w Wave) Fold {
	m := start(PerceptionGap, UnitPercentagePoints)
	leadersYes, leaders := w.yes("leader")
	icsYes, ics := w.yes("ic")
	if leaders+ics == 0 {
		return Fold{Measure: m}
	}
	if leaders < FloorAnswers || ics < FloorAnswers {
		m.withhold("few_answers", "fewer than ten leaders or ten individual contributors have answered")
		return Fold{Measure: m}
	}
	e := stat.ProportionDifference(
		stat.Proportion{Successes: int64(leadersYes), Trials: int64(leaders)},
		stat.Proportion{Successes: int64(icsYes), Trials: int64(ics)}, LevelStatistics)
	n := leaders + ics
	m.Status, m.N, m.People, m.Grade = OK, &n, &n, new(0)
	m.Value = ExactOf(quotient(count(leadersYes), count(leaders)).Sub(quotient(count(icsYes), count(ics))).Shift(2))
	m.interval(100*e.Low, 100*e.High, LevelStatistics)
	m.Parts = []Part{
		sharePart("leaders", "Leaders who say yes", leadersYes, leaders),
		sharePart("ics", "Individual contributors who say yes", icsYes, ics),
	}
	return Fold{Measure: m, Counts: []Count{{"leaders", &leaders}, {"individual contributors", &ics}}}
}

// SurveyFigures are the shares of CMOs and of individual contributors who answered yes in the published survey.
func SurveyFigures() (leaders, ics Exact, source string) {
	return Exact{decimal.New(62, -2)}, Exact{decimal.New(12, -2)}, "survey of 1,400 marketers, 2026"
}

func sharePart(key, title string, yes, n uint64) Part {
	p := Part{Key: key, Title: title, Value: ExactOf(quotient(count(yes), count(n))), Unit: UnitShare, N: &n}
	e := stat.Wilson(stat.Proportion{Successes: int64(yes), Trials: int64(n)}, LevelStatistics)
	p.Low, p.High, p.Level = finite(e.Low), finite(e.High), new(LevelStatistics)
	return p
}

// FoldSatisfaction is the mean of the answers from 1 to 5 in one wave, with its t interval.
func FoldSatisfaction(w Wave) Fold {
	m := start(Satisfaction, UnitPoints)
	sum, content, n := int64(0), uint64(0), uint64(0)
	var values []float64
	for _, a := range w.Answers {
		if a.Satisfaction == nil {
			continue
		}
		n++
		sum += int64(*a.Satisfaction)
		values = append(values, float64(*a.Satisfaction))
		if *a.Satisfaction >= 4 {
			content++
		}
	}
	switch {
	case n == 0:
		return Fold{Measure: m}
	case n < FloorAnswers:
		m.withhold("few_answers", "fewer than ten people have answered")
		return Fold{Measure: m}
	}
	e := stat.Mean(stat.SampleOf(values), LevelStatistics)
	m.Status, m.N, m.People, m.Grade = OK, &n, &n, new(0)
	m.Value = ExactOf(quotient(decimal.NewFromInt(sum), count(n)))
	m.interval(e.Low, e.High, LevelStatistics)
	m.Parts = []Part{sharePart("satisfied", "Answered 4 or 5", content, n)}
	return Fold{Measure: m, Counts: []Count{{"answers", &n}}}
}

// realisedAnswers are the answers to "where did the time go" that count as put to use.
func realisedAnswers() []string { return []string{"more_output", "quality", "growth_work"} }

// leastRealised is how many answers make a measured share.
const leastRealised = 30

// MeasuredRealisation is the share of those who put the freed time to use, in the latest wave that ended before an
// instant with at least thirty answers; ok is false where there is none. Its range is Wilson's.
func MeasuredRealisation(rows []PulseRow, before time.Time) (a Assumed, ok bool) {
	early := slices.DeleteFunc(slices.Clone(rows), func(r PulseRow) bool { return r.TimeWentTo == "" || !r.Time.Before(before) })
	for len(early) > 0 {
		w := LatestWave(early)
		n, used := uint64(len(w.Answers)), uint64(0)
		for _, answer := range w.Answers {
			if slices.Contains(realisedAnswers(), answer.TimeWentTo) {
				used++
			}
		}
		if n >= leastRealised {
			e := stat.Wilson(stat.Proportion{Successes: int64(used), Trials: int64(n)}, LevelMoney)
			return Assumed{
				Low: decimal.NewFromFloat(e.Low).RoundBank(6), Mode: quotient(count(used), count(n)), High: decimal.NewFromFloat(e.High).RoundBank(6),
				Source: fmt.Sprintf("measured: pulse, %d answers", n), Version: "wave " + w.Key, Deviation: e.SE,
			}, true
		}
		early = slices.DeleteFunc(early, func(r PulseRow) bool { return r.Wave == w.Key })
	}
	return Assumed{}, false
}

// PulseCount is how often a role gave an answer.
type PulseCount struct {
	Role, Answer string
	N            uint64
}

// Counts lists the answers to a question by role: what the measure is folded over.
func (w Wave) Counts(measure string) []PulseCount {
	sums := map[[2]string]uint64{}
	for _, a := range w.Answers {
		answer := a.ROIProvable
		if measure == Satisfaction {
			answer = ""
			if a.Satisfaction != nil {
				answer = fmt.Sprint(*a.Satisfaction)
			}
		}
		if answer == "" {
			continue
		}
		role := a.Role
		if measure == Satisfaction {
			role = "" // the sides are not compared: they need not each have ten answers
		}
		sums[[2]string{role, answer}]++
	}
	var out []PulseCount
	for key, n := range sums {
		out = append(out, PulseCount{key[0], key[1], n})
	}
	slices.SortFunc(out, func(a, b PulseCount) int { return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Answer, b.Answer)) })
	return out
}
