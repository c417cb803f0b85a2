package metric

import "github.com/shopspring/decimal"

// Catalogue lists the measures that this version computes. A new measure adds a line here and a file beside this one.
func Catalogue() []Definition {
	out := work()
	out = append(out, growth()...)
	out = append(out, people()...)
	out = append(out, pillars()...)
	return append(out, ladder()...)
}

// work are the measures of efficiency and cost.
func work() []Definition {
	return []Definition{
		{
			Key: HoursSavedNet, Title: "Net hours saved", Unit: UnitHours, Direction: "up", Adds: AddsSum, Version: DefinitionVersion,
			Pillar: "efficiency", Personal: true,
			Formula: "Σ (units × baseline − (doing + prompting + review + rework + correction)) ÷ 60 over assisted work; " +
				"baseline: randomised trial, else measured, else declared, else given by the event",
			About: "Time that work with AI took less than the same work without it, after review and rework. Negative where it took more.",
		},
		{
			Key: CapacityValue, Title: "Capacity value", Unit: UnitMoney, Direction: "up", Adds: AddsSum, Version: DefinitionVersion,
			Pillar: "efficiency", Personal: true,
			Formula: "Σ net hours × loaded rate (rate class, day) × factor; factor of a workflow and month: realisation where it saved time, 1 where it lost",
			About:   "What the freed time is worth as far as it is put to use. It is not cash.",
		},
		{
			Key: ReworkRate, Title: "Rework rate", Unit: UnitShare, Direction: "down", Adds: AddsRatio, Version: DefinitionVersion,
			Pillar: "governance", Personal: true,
			Formula: "Σ rework minutes ÷ Σ all minutes of assisted work",
			About:   "How much of the time with AI goes into doing it again.",
		},
		{
			Key: VendorSpend, Title: "Vendor spend", Unit: UnitMoney, Direction: "down", Adds: AddsSum, Version: DefinitionVersion,
			Pillar:  "cost",
			Formula: "Σ billed cost on its day of cash (invoice date, else the day of the charge) × exchange rate of that day",
			About:   "What vendors billed, credits subtracted.",
		},
		{
			Key: VendorSavings, Title: "Vendor savings", Unit: UnitMoney, Direction: "up", Adds: AddsSum, Version: DefinitionVersion,
			Pillar: "efficiency",
			Formula: "Σ days of (price paid before − accrued billing) × exchange rate of the day; a monthly price ÷ days of its month, a unit price × volume; " +
				"displaceable vendors, months with an invoice or a final mark; × attribution where a month is a gain",
			About: "What is paid less to vendors whose work AI takes over, against prices really paid. Negative where a vendor got dearer.",
		},
		{
			Key: AICost, Title: "AI cost", Unit: UnitMoney, Direction: "down", Adds: AddsSum, Version: DefinitionVersion,
			Pillar:  "cost",
			Formula: "Σ billed cost of ai_tool, implementation and training + Σ training hours × loaded rate",
			About:   "What AI costs: tools, introducing them, and learning. Review is netted in the hours and not priced again.",
		},
	}
}

// growth are the measures of experiments and deals.
func growth() []Definition {
	return []Definition{
		{
			Key: ConversionValue, Title: "Conversion value", Unit: UnitMoney, Direction: "up", Adds: AddsSum, Version: DefinitionVersion,
			Pillar:  "growth",
			Formula: "Σ treated exposures of the period × absolute lift (estimated once per experiment, to as-of) × margin per conversion",
			About:   "What experiments say that conversions gained by AI are worth.",
		},
		{
			Key: PipelineValue, Title: "Pipeline value", Unit: UnitMoney, Direction: "up", Adds: AddsSum, Version: DefinitionVersion,
			Pillar: "growth",
			Formula: "assisted decided deals × (win rate assisted − unassisted) × mean won amount × margin, estimated once per workspace and period, within each " +
				"study of grade ≥ 2; deals that an experiment's conversions name: Σ won amount × margin × (1 − control rate ÷ treated rate), at close",
			About: "What deals won because of AI leave. Without a design of grade 2 it is observational: shown, and not added to the ladder.",
		},
		{
			Key: PipelineInfluenced, Title: "Influenced pipeline", Unit: UnitMoney, Direction: "up", Adds: AddsSum, Version: DefinitionVersion,
			Pillar:  "growth",
			Formula: "Σ won amounts of deals with touches, shared equally among their touches (linear model); five other models stand beside it",
			About:   "Won deals in which workflows had a part. Influenced is no return: it is in no rung of the ladder.",
		},
		{
			Key: WinRate, Title: "Win rate", Unit: UnitShare, Direction: "up", Adds: AddsRatio, Version: DefinitionVersion,
			Pillar:  "growth",
			Formula: "won ÷ (won + lost), deals decided in the period; Wilson interval",
			About:   "Share of the decided deals that were won.",
		},
		{
			Key: CycleDays, Title: "Sales cycle", Unit: UnitDays, Direction: "down", Adds: AddsFold, Version: DefinitionVersion,
			Pillar:  "growth",
			Formula: "mean of (decided − created) over the deals won in the period; t interval; the median time to decision (Kaplan–Meier) beside it",
			About:   "Days from the creation of a deal to its win.",
		},
		{
			Key: PipelineVelocity, Title: "Pipeline velocity", Unit: UnitIndex, Direction: "up", Adds: AddsFold, Version: DefinitionVersion,
			Pillar:  "growth",
			Formula: "decided × mean won amount × win rate ÷ mean cycle days, all from one window; delta-method interval",
			About:   "An index: comparable between windows of equal length only, and not money a day.",
		},
	}
}

// people are the measures of the survey.
func people() []Definition {
	return []Definition{
		{
			Key: PerceptionGap, Title: "Perception gap", Unit: UnitPercentagePoints, Direction: "down", Adds: AddsFold, Version: DefinitionVersion,
			Pillar:  "perception",
			Formula: "share of leaders who answer yes − share of individual contributors who do, in the latest wave of the period; Newcombe interval",
			About:   "Whether those who do the work believe in the return as those do who report it.",
		},
		{
			Key: Satisfaction, Title: "Satisfaction", Unit: UnitPoints, Direction: "up", Adds: AddsFold, Version: DefinitionVersion,
			Pillar:  "enablement",
			Formula: "mean of the answers from 1 to 5 in the latest wave of the period; t interval",
			About:   "How content people are with their work with AI, 1 to 5.",
		},
	}
}

// Lookup finds a measure in the catalogue.
func Lookup(key string) (Definition, bool) {
	for _, d := range Catalogue() {
		if d.Key == key {
			return d, true
		}
	}
	return Definition{}, false
}

// KnownBenchmark is the published figure of a measure, where there is one; the registry may name another.
func KnownBenchmark(key string) *Benchmark {
	if figure, ok := industryCoverage()[key]; ok {
		return &figure
	}
	if key == Ownership {
		return &Benchmark{
			Value: Exact{decimal.New(65, -2)}, Label: "65 % of organisations have a role that runs AI workflows, 73 % of the advanced ones formally",
			Source: new("survey of 1,400 marketers, 2026"),
		}
	}
	if key != PerceptionGap {
		return nil
	}
	return &Benchmark{
		Value: Exact{decimal.NewFromInt(50)}, Label: "62 % of CMOs − 12 % of individual contributors",
		Source: new("survey of 1,400 marketers, 2026"),
	}
}
