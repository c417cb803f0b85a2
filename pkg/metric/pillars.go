package metric

// The keys of the measures of the pillars: measurement, ownership, governance and enablement.
const (
	CoverageHours      = "coverage_" + KindHours
	CoverageVendor     = "coverage_" + KindVendor
	CoverageConversion = "coverage_" + KindConversion
	CoveragePipeline   = "coverage_" + KindPipeline
	Maturity           = "maturity"
	Ownership          = "ownership"
	ReviewCycleHours   = "review_cycle_hours"
	FirstPassYield     = "first_pass_yield"
	BarrierHours       = "barrier_hours"
	TrainedShare       = "trained_share"
	CalibrationGap     = "calibration_gap"
)

// pillars are the measures of what a mature organisation does.
func pillars() []Definition {
	return append(measurement(), practice()...)
}

// measurement are the measures of what is measured at all.
func measurement() []Definition {
	coverage := func(key, title, what string) Definition {
		return Definition{
			Key: key, Title: title, Unit: UnitShare, Direction: "up", Adds: AddsRatio, Version: DefinitionVersion,
			Pillar:  "measurement",
			Formula: "teams with " + what + " in the 90 days before the end of the period ÷ teams, registered or seen",
			About:   "How many teams measure this kind at all, against the share that does in the industry.",
		}
	}
	return []Definition{
		coverage(CoverageHours, "Coverage: hours", "an event of work, assisted or not,"),
		coverage(CoverageVendor, "Coverage: vendor spend", "a charge whose day of cash lies"),
		coverage(CoverageConversion, "Coverage: conversions", "an event of an experiment"),
		coverage(CoveragePipeline, "Coverage: pipeline", "a change of a deal"),
		{
			Key: Maturity, Title: "Maturity", Unit: UnitLevel, Direction: "up", Adds: AddsFold, Version: DefinitionVersion,
			Pillar: "measurement",
			Formula: "1 Beginner; 2 Developing: 2 kinds at the industry's coverage, 50 % of workflows owned; 3 Established: 3 kinds, 65 % owned, " +
				"50 % of net hours on evidence of grade ≥ 1; 4 Advanced: 4 kinds, 73 % owned, 50 % of AI spend linked to an outcome of grade ≥ 2",
			About: "The highest level all of whose conditions, and those below, are met. The next step is the first that is not.",
		},
		{
			Key: Ownership, Title: "Ownership", Unit: UnitShare, Direction: "up", Adds: AddsRatio, Version: DefinitionVersion,
			Pillar:  "ownership",
			Formula: "workflows with a named owner who confirmed it in the 90 days before the end of the period ÷ workflows, registered or seen",
			About:   "How much of the work with AI somebody answers for; the shares of its hours and of its spend stand beside it.",
		},
	}
}

// practice are the measures of governance and enablement.
func practice() []Definition {
	return []Definition{
		{
			Key: ReviewCycleHours, Title: "Review cycle", Unit: UnitHours, Direction: "down", Adds: AddsFold, Version: DefinitionVersion,
			Pillar: "governance", Personal: true,
			Formula: "median of (final decision − first submission) over the reviews (asset and kind of reviewer) finally decided in the period; " +
				"interval between order statistics; the ninth decile, the share within target and the number that is open beside it",
			About: "How long work with AI waits for its review. A request for changes is not final.",
		},
		{
			Key: FirstPassYield, Title: "First-pass yield", Unit: UnitShare, Direction: "up", Adds: AddsRatio, Version: DefinitionVersion,
			Pillar: "governance", Personal: true,
			Formula: "reviews whose first round was approved ÷ reviews whose first round was decided in the period; Wilson interval",
			About:   "How much passes review without another round.",
		},
		{
			Key: BarrierHours, Title: "Hours lost to barriers", Unit: UnitHours, Direction: "down", Adds: AddsSum, Version: DefinitionVersion,
			Pillar: "enablement", Personal: true,
			Formula: "Σ minutes lost ÷ 60, of each person and barrier the last report of the period, once",
			About:   "What gets in the way of work with AI, in time, as people say.",
		},
		{
			Key: TrainedShare, Title: "Trained people", Unit: UnitShare, Direction: "up", Adds: AddsRatio, Version: DefinitionVersion,
			Pillar: "enablement", Personal: true,
			Formula: "people with hours of training or a finished course in the year before the end of the period ÷ people, registered or seen; " +
				"everybody counts in one team",
			About: "How many of the people who could work with AI have learned to; the hours a person stand beside it.",
		},
		{
			Key: CalibrationGap, Title: "Calibration gap", Unit: UnitPercentagePoints, Direction: "none", Adds: AddsFold, Version: DefinitionVersion,
			Pillar: "perception",
			Formula: "forecast saving − measured saving of the time trials up to the end of the period, weighted by tasks; without a trial, reported − measured " +
				"saving of the work that claims a baseline, weighted by reports",
			About: "How much more AI is expected to save than it does. 0 is right, above 0 is too hopeful.",
		},
	}
}
