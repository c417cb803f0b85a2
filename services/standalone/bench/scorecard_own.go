package bench

import (
	"fmt"
	"time"

	"plumbline/services/standalone/demo"
)

// What an organisation has of its own, however many events its tools send.
const (
	ownDeals    = 20_000
	ownReviews  = 5_000
	ownBarriers = 900
	ownTasks    = 96 // of the time trial
	ownChanges  = 4  // of a deal, the last of which decides it
	// fullOwn is the size from which on the organisation has all of its deals and reviews; a smaller one has fewer.
	fullOwn = 400_000
)

// share is so many of n as an organisation of the least size has.
func share(n, size int) int { return max(n*min(size, fullOwn)/fullOwn, 100) }

// part is a series and how many numbers it takes.
type part struct {
	series
	n int
}

// own are the rows that do not grow.
func (h *history) own(size int) []part {
	deals, reviews := share(ownDeals, size), share(ownReviews, size)
	changes := h.dealSeries(deals)
	amended := deals / 100
	// Of the first half of the deals, which have all of their changes: some last changes are corrected, others voided.
	corrected := amending{of: changes, first: 3, stride: 4 * 40}
	voided := amending{of: changes, first: 4 + 3, stride: 4 * 40}
	return []part{
		{changes, deals * ownChanges},
		{h.corrections(corrected, amended, nil, correctedDeal), amended},
		{h.voids(voided, amended), amended},
		{h.invoiceSeries(), len(h.org.vendors) * 12},
		{h.taskSeries(), ownTasks},
		{h.reviewSeries(reviews), reviews},
		{h.barrierSeries(), ownBarriers},
		{h.trainingSeries(), len(h.org.people)},
		{h.pulseSeries(), 2 * len(h.org.people)},
	}
}

// dealSeries are deals of which three are won where seven are lost: four changes, ten days apart. Of the last ones some
// still lie ahead, and are left out.
func (h *history) dealSeries(deals int) series {
	const changed = "intDiv(number, 4)"
	created := fmt.Sprintf("addMilliseconds(%s, toInt64(intDiv(%s * %d, %d) * 86400000 + cityHash64(%s, %d) %% 86400000))",
		moment(h.start), changed, h.days, deals, changed, h.seed)
	ofDeal := func(salt, n int) string {
		return fmt.Sprintf("(cityHash64(%s, %d) %% %d)", changed, h.seed*1000+uint64(salt), n)
	}
	return series{
		table: "pipeline", name: "crm", at: "addDays(" + created + ", 10 * (number % 4))",
		draws: []field{
			{"created", created},
			{"step", "number % 4"},
			{"w", "1 + " + ofDeal(20, len(h.org.workflows))},
			{"with_ai", ofDeal(21, 2) + " = 1"},
			{"won", ofDeal(22, 10) + " < 3"},
			{"cents", ofDeal(23, 900_000) + " + 100000"},
		},
		fields: []field{
			{"workflow", "workflows[w]"},
			{"team", "workflow_team[w]"},
			{"evidence", "'system'"},
			{"deal", "concat('deal-', toString(" + changed + "))"},
			{"stage", "multiIf(step < 3, 'Proposal', won, 'Won', 'Lost')"},
			{"status", "multiIf(step < 3, 'open', won, 'won', 'lost')"},
			{"amount", money("cents")},
			{"currency", "if(" + changed + " % 4 = 0, '" + foreignMoney + "', '" + demo.Currency + "')"},
			{"created_at", "created"},
			{"closed_at", "if(step = 3, time, NULL)"},
			{"assisted", "with_ai"},
			{"margin", minutesOf("0.3")},
			{"sequence", "step"},
			{"touches", `if(with_ai, concat('[{"at":"', formatDateTime(created, '%Y-%m-%dT%H:%i:%S.000Z'), '","role":"first","workflow":"', workflows[w], '"}]'), '[]')`},
		},
	}
}

// invoiceSeries is one invoice a month of each vendor, dated the third of the next month.
func (h *history) invoiceSeries() series {
	first := time.Date(h.start.Year(), h.start.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	month := "addMonths(" + moment(first) + ", intDiv(number, length(vendors)))"
	return series{
		table: "vendor_spend", name: "invoices", at: "addHours(addMonths(" + month + ", 1), 58)",
		draws: []field{{"v", "1 + number % length(vendors)"}, {"begins", month}, {"pages", "100 + " + h.draw(10, 50)}},
		fields: []field{
			{"workflow", "vendor_workflow[v]"},
			{"team", "vendor_team[v]"},
			{"evidence", "'system'"},
			{"vendor", "vendors[v]"},
			{"category", "vendor_category[v]"},
			{"billed_cost", money("if(vendor_unit[v] = '', vendor_cents[v], vendor_cents[v] * pages)")},
			{"currency", quoted(demo.Currency)},
			{"quantity", "if(vendor_unit[v] = '', NULL, toDecimal128(pages, 18))"},
			{"unit", "vendor_unit[v]"},
			{"invoice_date", "toDate32(time)"},
			{"charge_period_start", "begins"},
			{"charge_period_end", "addMonths(begins, 1)"},
			{"charge_category", "'Purchase'"},
			{"final", "true"},
		},
	}
}

// taskSeries are the tasks of a randomised time trial: a fifth slower with AI than without, forecast a quarter faster.
func (h *history) taskSeries() series {
	var trial ownWorkflow
	for _, w := range h.org.workflows {
		if w.trial {
			trial = w
		}
	}
	return series{
		table: "hours_saved", name: "tasks", at: h.spread(0, ownTasks),
		draws: []field{{"size", "100 + " + h.draw(11, 100)}, {"p", h.pick(12, "people")}, {"with_ai", "number % 2 = 0"}},
		fields: []field{
			{"workflow", quoted(trial.key)},
			{"team", quoted(trial.team)},
			{"person", "people[p]"},
			{"evidence", "'measured'"},
			{"task", "concat('task-', toString(number))"},
			{"trial", quoted(benchTrial)},
			{"units", minutesOf("1")},
			{"assisted", "with_ai"},
			{"doing_minutes", minutesOf("size * if(with_ai, 1.2, 1.) * (0.9 + " + h.draw(13, 20) + " / 100)")},
			{"estimate_unassisted_minutes", minutesOf("size")},
			{"estimate_assisted_minutes", minutesOf("size * 0.75")},
		},
	}
}

func (h *history) reviewSeries(n int) series {
	return series{
		table: "review", name: "rounds", at: h.spread(0, n),
		draws: []field{{"place", h.pick(14, "place_person")}, {"took", "4 + " + h.draw(15, 90)}},
		fields: []field{
			{"workflow", "place_workflow[place]"},
			{"team", "place_team[place]"},
			{"evidence", "'system'"},
			{"asset", "concat('asset-', toString(number))"},
			{"reviewer", "if(number % 5 = 0, 'legal', 'brand')"},
			{"submitted_at", "subtractHours(time, took)"},
			{"decided_at", "if(number % 20 = 0, NULL, time)"},
			{"decision", "multiIf(number % 20 = 0, '', number % 3 = 0, 'changes_requested', 'approved')"},
			{"round", "toUInt16(1)"},
			{"touch_minutes", minutesOf("took / 4")},
		},
	}
}

func (h *history) barrierSeries() series {
	return series{
		table: "barrier", name: "reports", at: h.spread(0, ownBarriers),
		draws: []field{{"place", h.pick(16, "place_person")}, {"b", h.draw(17, 5)}},
		fields: []field{
			{"workflow", "place_workflow[place]"},
			{"team", "place_team[place]"},
			{"person", "place_person[place]"},
			{"barrier", "concat('barrier-', toString(b))"},
			{"category", "['review_delay', 'policy', 'quality', 'access', 'prompting'][1 + b]"},
			{"minutes_lost", minutesOf("20 + " + h.draw(18, 60))},
			{"action", "'report'"},
		},
	}
}

func (h *history) trainingSeries() series {
	n := len(h.org.people)
	return series{
		table: "training", name: "courses", at: h.spread(0, n),
		fields: []field{
			{"team", "people_team[1 + number]"},
			{"person", "people[1 + number]"},
			{"evidence", "'system'"},
			{"course", "'prompting'"},
			{"hours", minutesOf("2 + number % 5")},
			{"completed", "number % 7 != 0"},
		},
	}
}

// pulseSeries are two waves of the survey, the later one twelve days before the end.
func (h *history) pulseSeries() series {
	n := len(h.org.people)
	return series{
		table: "pulse", name: "answers",
		at:    fmt.Sprintf("addMilliseconds(%s, toInt64(if(number < %d, 0, 88) * 86400000 + number))", moment(h.end.AddDate(0, 0, -100)), n),
		draws: []field{{"p", fmt.Sprintf("1 + number %% %d", n)}, {"says", h.draw(19, 100)}},
		fields: []field{
			{"team", "people_team[p]"},
			{"person", "people[p]"},
			{"wave", fmt.Sprintf("if(number < %d, 'wave-1', 'wave-2')", n)},
			{"role", "if(people_lead[p], 'leader', 'ic')"},
			{"roi_provable", "multiIf(says < if(people_lead[p], 62, 12), 'yes', says % 2 = 0, 'partly', 'no')"},
			{"satisfaction", "toUInt8(2 + says % 3)"},
			{"confidence", "toUInt8(1 + says % 5)"},
			{"time_went_to", "['more_output', 'more_output', 'quality', 'growth_work', 'admin', 'nothing'][1 + says % 6]"},
		},
	}
}
