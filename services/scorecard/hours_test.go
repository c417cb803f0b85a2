package scorecard

import (
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
	"plumbline/pkg/warehouse/warehousetest"
)

// work is one event of assisted or unassisted work.
func work(b *bench, id, at, team, workflow, person string, assisted bool, minutes, rework string, given ...string) event.Stored {
	b.t.Helper()
	h := &event.HoursSaved{Assisted: &assisted, DoingMinutes: warehousetest.Number(minutes)}
	if rework != "" {
		h.ReworkMinutes = warehousetest.Number(rework)
	}
	if len(given) > 0 {
		h.BaselineMinutes = warehousetest.Number(given[0])
	}
	h.Team, h.Workflow, h.Person = team, workflow, person
	when, err := time.Parse("2006-01-02T15:04", at)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.maker.Stored(b.t, workspace, "test", id, when, h)
}

// The organisation of these tests: content (6 people) and web (5) are above the floor, brand (2) is not.
func organisation(b *bench) (people map[string]string) {
	b.t.Helper()
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","name":"Blog post","baseline":{"low":80,"mode":100,"high":120}}`)
	people = map[string]string{}
	var events []event.Stored
	add := func(e event.Stored, person string) {
		people[person] = e.Data.Shared().Person
		events = append(events, e)
	}
	for team, size := range map[string]int{"content": 6, "web": 5, "brand": 2} {
		for i := range size {
			person := fmt.Sprintf("%s%d", team, i)
			// Two weeks: 2026-10-05 and 2026-10-12 are Mondays. 100 − 30 − 7 minutes each.
			for week, at := range []string{"2026-10-06T10:00", "2026-10-13T10:00"} {
				add(work(b, fmt.Sprintf("%s-%d", person, week), at, team, "post", person, true, "30", "7"), person)
			}
		}
	}
	// Work without a workflow has no baseline unless it gives one: 60 − 45 minutes.
	add(work(b, "given", "2026-10-07T10:00", "content", "", "content0", true, "45", "", "60"), "content0")
	add(work(b, "none", "2026-10-07T11:00", "content", "", "content1", true, "45", ""), "content1")
	b.insert(events...)
	return people
}

const october = "?from=2026-10-01&to=2026-11-01"

func TestHoursUnderThePrivacyFloor(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	people := organisation(b)
	card := b.get("/api/v1/scorecard"+october, "Scorecard")
	hours := card.at("measures", "hours_saved_net")
	// 26 events × 63 minutes + 15 = 1653 minutes = 27.55 h
	hours.at("value").near(27.55, 1e-12)
	hours.at("n").is("27")
	hours.at("people").is("13")
	hours.at("grade").is("0")
	// 5 % of the triangle 80/100/120 lie below 80 + √(0.05 × 40 × 20) = 86.3246 and as many above 113.6754; 26 units: 13.6754 × 26 ÷ 60 = 5.926 h.
	hours.at("low").near(27.55-5.926, 1e-3)
	hours.at("high").near(27.55+5.926, 1e-3)
	hours.at("warnings", 0, "code").is("no_baseline")
	hours.at("warnings", 1, "code").is("baseline_error_unknown")
	// rework: 26 × 7 of 26 × 37 + 45 + 45 minutes
	card.at("measures", "rework_rate", "value").near(182.0/1052, 1e-12)
	card.at("measures", "vendor_spend", "status").is("no_data")
	card.at("measures", "vendor_spend", "value").is("null")

	// brand has two people: it joins the smallest team that clears the floor, and its own cell is withheld.
	rows := card.at("contributions")
	sumOf(t, rows, "hours_saved_net", hours.at("value").text())
	cells := map[string]node{}
	for i := range rows.list() {
		cells[rows.at(i, "row").text()+":"+rows.at(i, "name").text()] = rows.at(i, "measures", "hours_saved_net")
	}
	cells["member:brand"].at("status").is("withheld")
	cells["member:web"].at("status").is("withheld")
	cells["member:content"].at("people").is("6")
	cells["other:Other"].at("people").is("7")
	// Two people worked without a workflow: too few for a row, so the amount that is excluded is not told either.
	card.at("excluded", 0, "reason").is("no_baseline")
	card.at("excluded", 0, "amount").is("null")

	b.declare(registry.Teams, "idle", `{"valid_from":"2026-01-01"}`)
	// A team may be asked for by itself only if it is a row of its own.
	for team, status := range map[string]string{"content": "ok", "web": "withheld", "brand": "withheld", "idle": "no_data"} {
		one := b.get("/api/v1/scorecard"+october+"&scope=team:"+team, "Scorecard")
		one.at("measures", "hours_saved_net", "status").is(status)
		if status == "withheld" {
			one.at("measures", "hours_saved_net", "n").is("null")
			one.at("measures", "hours_saved_net", "people").is("null")
			claim := b.get(one.at("measures", "hours_saved_net", "claim").text(), "Claim")
			if len(claim.at("inputs").list())+len(claim.at("counts").list()) > 0 {
				t.Errorf("the claim of %s tells its inputs", team)
			}
		}
	}

	// One's own numbers are all there: two posts and what was given, (63 × 2 + 15) ÷ 60.
	me := b.as(access.RoleIC, people["content0"])
	own := me.get("/api/v1/scorecard"+october+"&scope=me", "Scorecard")
	own.at("measures", "hours_saved_net", "value").near(2.35, 1e-12)
	own.at("measures", "vendor_spend", "reason").is("not_personal")
	evidenceSums(t, me, "hours_saved_net", "me", 3)
	evidenceSums(t, b, "hours_saved_net", "org", 2)
	evidenceSums(t, b, "hours_saved_net", "team:content", 1)
	res, _ := b.do("GET", "/api/v1/scorecard?scope=me", "")
	if res.StatusCode != 400 {
		t.Errorf("the admin token has no numbers of its own: got %d", res.StatusCode)
	}
}

func TestCapacityValue(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	people := organisation(b)
	card := b.get("/api/v1/scorecard"+october, "Scorecard")
	card.at("measures", "capacity_value", "status").is("withheld")
	card.at("measures", "capacity_value", "reason").is("no_rate")
	b.declare(registry.Teams, "content", `{"valid_from":"2026-01-01","default_rate_class":"writer"}`)
	b.declare(registry.Rates, "writer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"36.00","currency":"USD"}`)
	b.declare(registry.Rates, "editor", `{"valid_from":"2026-01-01","loaded_hourly_rate":"60.00","currency":"USD"}`)
	b.declare(registry.People, people["content0"], `{"valid_from":"2026-01-01","rate_class":"editor"}`)
	card = b.get("/api/v1/scorecard"+october, "Scorecard")
	value := card.at("measures", "capacity_value")
	// The five writers of content saved 10 × 63 minutes, the editor 2 × 63 + 15. One editor is too few to be told, so the six have one rate,
	// (5 × 36 + 60) ÷ 6 = 40; half of it is put to use: 771 ÷ 60 × 40 × 0.5
	value.at("value").is("257")
	value.at("warnings", 0, "code").is("no_rate")
	value.at("unit").is("USD")
	value.at("n").is("13")
	// Declared and given baselines are of grade 0: 30 % off.
	value.at("risk_adjusted").near(257*0.7, 1e-12)
	// web and brand have no rate; neither is a row of its own, so their time is not told.
	card.at("excluded", 1, "reason").is("no_rate")
	card.at("excluded", 1, "amount").is("null")
	sumOf(t, card.at("contributions"), "capacity_value", value.at("value").text())
	evidenceSums(t, b, "capacity_value", "org", 1) // the month of content: nobody else has a rate
	evidenceSums(t, b.as(access.RoleIC, people["content0"]), "capacity_value", "me", 3)
	claim := b.get(value.at("claim").text(), "Claim")
	claim.at("inputs", 0, "name").is("loaded rate of content: editor, writer, the mean by people")
	claim.at("inputs", 0, "value").is("40")
	claim.at("inputs", 1, "name").is("realisation")
	// The triangle 0.3/0.5/0.7 has a deviation of 0.08165, of 514 USD: 41.97, and the error of the baseline comes on top.
	if low := value.at("low").number(); low > 257-1.6*41.9 {
		t.Errorf("the range does not carry the error of the realisation: low is %v", low)
	}
}

// evidenceSums holds the contributions of the rows to the number of the scorecard.
func evidenceSums(t *testing.T, b *bench, measure, scope string, rows int) {
	t.Helper()
	query := october + "&scope=" + url.QueryEscape(scope)
	want := b.get("/api/v1/scorecard"+query, "Scorecard").at("measures", measure, "value").text()
	e := b.get("/api/v1/evidence"+query+"&measure="+measure, "Evidence")
	e.at("total", "value").is(want)
	if n := len(e.at("rows").list()); n != rows {
		t.Errorf("%s of %s: %d rows, want %d", measure, scope, n, rows)
	}
	total := decimal.Zero
	for i := range e.at("rows").list() {
		if c := e.at("rows", i, "contribution"); c.value != nil {
			total = total.Add(decimal.RequireFromString(c.text()))
		}
	}
	if total.String() != want {
		t.Errorf("%s of %s: evidence sums to %s, the number is %s", measure, scope, total, want)
	}
}

func TestFewPeopleAreNotShown(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.insert(
		work(b, "1", "2026-10-06T10:00", "brand", "post", "ann", true, "30", "", "60"),
		work(b, "2", "2026-10-06T10:00", "brand", "post", "bob", true, "30", "", "60"),
	)
	card := b.get("/api/v1/scorecard"+october+"&compare=previous", "Scorecard")
	hours := card.at("measures", "hours_saved_net")
	hours.at("status").is("withheld")
	hours.at("reason").is("privacy_floor")
	for _, name := range []string{"value", "low", "high", "n", "people", "grade"} {
		hours.at(name).is("null")
	}
	e := b.get("/api/v1/evidence"+october+"&measure=hours_saved_net", "Evidence")
	if len(e.at("rows").list()) != 0 {
		t.Error("evidence lists rows of few people")
	}
}

func TestMeasuredBaseline(t *testing.T) {
	b := newBench(t, day("2027-04-02"))
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","baseline":{"low":80,"mode":100,"high":120}}`)
	var events []event.Stored
	for i := range 8 {
		// Unassisted: 80, 90, … 150 minutes: a mean of 115, measured on one day.
		events = append(events, work(b, fmt.Sprintf("u%d", i), "2026-09-15T10:00", "content", "post", fmt.Sprintf("p%d", i), false, fmt.Sprint(80+10*i), ""))
		// Assisted on the same day, when nothing is measured yet, and after it.
		events = append(events, work(b, fmt.Sprintf("a%d", i), "2026-09-15T12:00", "content", "post", fmt.Sprintf("p%d", i), true, "40", ""))
		events = append(events, work(b, fmt.Sprintf("b%d", i), "2026-10-15T12:00", "content", "post", fmt.Sprintf("p%d", i), true, "40", ""))
		// 180 days later the measurement is too old.
		events = append(events, work(b, fmt.Sprintf("c%d", i), "2027-03-15T12:00", "content", "post", fmt.Sprintf("p%d", i), true, "40", ""))
	}
	b.insert(events...)
	for period, want := range map[string]float64{
		"from=2026-09-01&to=2026-10-01": 8 * (100 - 40) / 60.0, // declared
		"from=2026-10-01&to=2026-11-01": 8 * (115 - 40) / 60.0, // measured
		"from=2027-03-01&to=2027-04-01": 8 * (100 - 40) / 60.0, // declared again
	} {
		b.get("/api/v1/scorecard?"+period, "Scorecard").at("measures", "hours_saved_net", "value").near(want, 1e-12)
	}
	// SE of the mean: deviations ±5, ±15, ±25, ±35: Σ² = 4200; s² = 600; SE = sqrt(600/8) = 8.660; 8 units: 69.28 min;
	// t(0.95, 7) = 1.8946: ±131.26 min = 2.1877 h around 10 h.
	hours := b.get("/api/v1/scorecard?from=2026-10-01&to=2026-11-01", "Scorecard").at("measures", "hours_saved_net")
	hours.at("low").near(10-2.1877, 1e-3)
	hours.at("high").near(10+2.1877, 1e-3)
	hours.at("grade").is("1")
	claim := b.get(hours.at("claim").text(), "Claim")
	claim.at("inputs", 0, "value").is("115")
	claim.at("inputs", 0, "n").is("8")
	claim.at("inputs", 1, "value").is("115") // the median of 80, 90, … 150, beside it
	claim.at("value", "value").is(hours.at("value").text())
}

// A day belongs to the workspace's zone: 23:30 UTC on 30 September is 1 October in Berlin.
func TestLocalDays(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.declare(registry.Calendar, "default", `{"valid_from":"2020-01-01","zone":"Europe/Berlin","currency":"EUR"}`)
	spend := &event.VendorSpend{Vendor: "v", Category: "agency", BilledCost: *warehousetest.Amount("10.5"), Currency: "EUR"}
	b.insert(b.maker.Stored(t, workspace, "s", "1", time.Date(2026, 9, 30, 23, 30, 0, 0, time.UTC), spend))
	card := b.get("/api/v1/scorecard"+october, "Scorecard")
	card.at("measures", "vendor_spend", "value").is("10.5")
	card.at("currency").is("EUR")
	card.at("period", "zone").is("Europe/Berlin")
	b.get("/api/v1/evidence"+october+"&measure=vendor_spend", "Evidence").at("rows", 0, "cash_day").is("2026-10-01")
}

func TestAICost(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	b.declare(registry.Teams, "content", `{"valid_from":"2026-01-01","default_rate_class":"writer"}`)
	b.declare(registry.Rates, "writer", `{"valid_from":"2026-01-01","loaded_hourly_rate":"36.00","currency":"USD"}`)
	var events []event.Stored
	spend := func(id, category, amount string) {
		s := &event.VendorSpend{Vendor: "v", Category: category, BilledCost: *warehousetest.Amount(amount), Currency: "USD"}
		s.Team = "content"
		events = append(events, b.maker.Stored(t, workspace, "s", id, day("2026-10-05"), s))
	}
	spend("1", "ai_tool", "100.10")
	spend("2", "implementation", "50")
	spend("3", "agency", "1000")
	for i, team := range []string{"content", "content", "content", "content", "content", "web", "web"} {
		h := &event.Training{Course: "prompts", Hours: warehousetest.Number("1.5")}
		h.Team, h.Person = team, fmt.Sprint("p", i)
		events = append(events, b.maker.Stored(t, workspace, "t", fmt.Sprint(i), day("2026-10-06"), h))
	}
	b.insert(events...)
	card := b.get("/api/v1/scorecard"+october, "Scorecard")
	cost := card.at("measures", "ai_cost")
	// 100.10 + 50 + 7 × 1.5 h × 36: the two of web have no rate, and leaving them out would tell their hours.
	cost.at("value").is("528.1")
	cost.at("n").is("9")
	cost.at("warnings", 0, "code").is("hours_error_unknown")
	cost.at("warnings", 1, "code").is("pooled_rates")
	cost.at("warnings", 2, "code").is("no_rate")
	sumOf(t, card.at("contributions"), "ai_cost", "528.1")
	sumOf(t, card.at("contributions_by_workflow"), "ai_cost", "528.1")
	evidenceSums(t, b, "ai_cost", "org", 3)
	// web alone is two people: neither its training nor the amount that is left out is told.
	card = b.get("/api/v1/scorecard"+october+"&scope=team:web", "Scorecard")
	card.at("measures", "ai_cost", "value").is("null")
	card.at("excluded", 0, "reason").is("privacy_floor")
}

func TestPerception(t *testing.T) {
	b := newBench(t, day("2026-11-02"))
	var events []event.Stored
	answer := func(id, wave, at, role, provable string, satisfaction uint8) {
		p := &event.Pulse{Wave: wave, Role: role, ROIProvable: provable, Satisfaction: &satisfaction}
		p.Person = "person" + id
		when, err := time.Parse(time.DateOnly, at)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, b.maker.Stored(t, workspace, "pulse", id+wave, when, p))
	}
	for i := range 20 {
		provable := map[bool]string{true: "yes", false: "no"}
		answer(fmt.Sprintf("l%d", i), "q3", "2026-07-01", "leader", "no", 1)
		answer(fmt.Sprintf("l%d", i), "q4", "2026-10-01", "leader", provable[i < 12], 4) // 12 of 20
		answer(fmt.Sprintf("i%d", i), "q4", "2026-10-02", "ic", provable[i < 3], 2)      // 3 of 20
	}
	b.insert(events...)
	card := b.get("/api/v1/scorecard"+october, "Scorecard")
	gap := card.at("measures", "perception_gap")
	gap.at("value").is("45") // 60 % − 15 %
	gap.at("benchmark", "value").is("50")
	gap.at("n").is("40")
	card.at("measures", "satisfaction", "value").is("3")
	e := b.get("/api/v1/evidence"+october+"&measure=perception_gap", "Evidence")
	e.at("rows", 1, "role").is("ic")
	e.at("rows", 1, "n").is("3")
	// The wave before had leaders only.
	card = b.get("/api/v1/scorecard?from=2026-07-01&to=2026-08-01", "Scorecard")
	card.at("measures", "perception_gap", "reason").is("few_answers")
	b.as(access.RoleIC, "p1").get("/api/v1/scorecard?scope=me", "Scorecard").at("measures", "satisfaction", "reason").is("not_personal")
}

// What is compared is of as many days, about, and says of which.
func TestPreviousOfWholeMonths(t *testing.T) {
	value, asked := metric.ExactOf(decimal.NewFromInt(7)), params{from: dayOf("2026-09-01"), to: dayOf("2026-11-28")}
	of := func(from, to string) metric.Measure {
		return metric.Measure{Status: metric.OK, Value: value, Covers: &metric.Covers{From: from, To: to}}
	}
	p := period{From: "2026-06-01", To: "2026-08-28"}
	same := previous(of("2026-09-01", "2026-11-01"), of("2026-06-01", "2026-08-01"), asked, p)
	if same.Value == nil || same.From != "2026-06-01" || same.To != "2026-08-01" {
		t.Errorf("61 days and 61: %+v", same)
	}
	other := previous(metric.Measure{Status: metric.OK, Value: value}, of("2026-06-01", "2026-08-01"), asked, p)
	if other.Value != nil || *other.Reason != cellsReason {
		t.Errorf("88 days and 61: %+v", other)
	}
	if exempt := previous(metric.Measure{}, metric.Measure{Status: metric.OK, Value: value}, asked, p); exempt.Value == nil || exempt.To != p.To {
		t.Errorf("all days of both: %+v", exempt)
	}
}

// Others' work is shown in whole months that are over, whatever the period; the total of fifty people up to now; one's own, and
// what names nobody, as it is.
func TestOthersWorkIsShownInMonths(t *testing.T) {
	b := newBench(t, day("2026-11-10"))
	b.declare(registry.Workflows, "post", `{"valid_from":"2026-01-01","baseline":{"low":90,"mode":90,"high":90}}`)
	b.declare(registry.Workflows, "robot", `{"valid_from":"2026-01-01","baseline":{"low":90,"mode":90,"high":90}}`)
	var events []event.Stored
	add := func(id, at, team, person string) {
		events = append(events, work(b, id+at, at, team, "post", person, true, "30", "")) // an hour saved
	}
	for i := range 50 {
		person, team := fmt.Sprint("p", i), map[bool]string{true: "content", false: "web"}[i < 20]
		add(person, "2026-09-20T10:00", team, person)
		add(person, "2026-10-20T10:00", team, person)
		if i < 10 {
			add(person, "2026-11-05T10:00", team, person)
		}
	}
	events = append(events, work(b, "r", "2026-11-05T11:00", "content", "robot", "", true, "30", ""))
	b.insert(events...)
	hours := func(viewer *bench, query string) node {
		return viewer.get("/api/v1/scorecard"+query, "Scorecard").at("measures", "hours_saved_net")
	}
	covers := func(m node, value, from, to string) {
		t.Helper()
		m.at("value").is(value)
		m.at("covers", "from").is(from)
		m.at("covers", "to").is(to)
	}
	const begun = "?from=2026-09-15&to=2026-11-11"
	org := hours(b, begun) // the 50 of October, the 10 and the robot of November
	covers(org, "61", "2026-10-01", "2026-11-11")
	org.at("series", 0, "value").is("50")
	org.at("series", 1, "value").is("11")
	card := b.get("/api/v1/scorecard"+begun, "Scorecard")
	covers(card.at("measures", "net_value_capacity"), "null", "2026-10-01", "2026-11-01")
	sumOf(t, card.at("contributions"), "hours_saved_net", "61")
	for i := range card.at("contributions").list() {
		row := card.at("contributions", i)
		if want := map[string]string{"content": "20", "web": "30", "Other, and everybody since 1 November": "11"}[row.at("name").text()]; row.at("measures", "hours_saved_net", "value").text() != want {
			t.Errorf("%s has %s hours, want %s", row.at("name").text(), row.at("measures", "hours_saved_net", "value").text(), want)
		}
	}
	evidence := b.get("/api/v1/evidence"+begun+"&measure=hours_saved_net", "Evidence")
	evidence.at("rows", 0, "team").is("all teams, month not over")
	evidence.at("rows", 0, "people").is("null")
	evidence.at("total", "rows").is("3")
	// A team waits for the end of the month, and so does the organisation where the month is not in the period up to now.
	covers(hours(b, begun+"&scope=team:content"), "20", "2026-10-01", "2026-11-01")
	covers(hours(b, "?from=2026-09-15&to=2026-11-10"), "50", "2026-10-01", "2026-11-01")
	hours(b, "?from=2026-11-01&to=2026-11-11&scope=team:content").at("reason").is("privacy_cells")
	hours(b, "?from=2026-11-02&to=2026-11-11").at("reason").is("privacy_cells")
	hours(b, "?from=2026-09-01&to=2026-11-01").at("covers").is("null")
	// Work that names nobody is nobody's, and one's own is known.
	robot := hours(b, "?from=2026-11-05&to=2026-11-06&scope=workflow:robot")
	robot.at("value").is("1")
	robot.at("covers").is("null")
	hours(b.as(access.RoleIC, events[0].Data.Shared().Person), "?from=2026-11-05&to=2026-11-06&scope=me").at("value").is("1")
	// One person of the fifty looks: 49 others are not shown before the month is over.
	covers(hours(b.as(access.RoleIC, events[0].Data.Shared().Person), begun), "50", "2026-10-01", "2026-11-01")
}
