package metric

// ladder are the measures of the rungs.
func ladder() []Definition {
	benefits := map[Rung]string{
		RungCash:     "vendor savings − cash costs of AI",
		RungCapacity: "vendor savings + realised capacity value − cash costs of AI − hours of training",
		RungGrowth:   "vendor savings + realised capacity value + conversion value + pipeline value (grade ≥ 2) − cash costs of AI − hours of training",
	}
	names := map[Rung]string{RungCash: "cash", RungCapacity: "cash and capacity", RungGrowth: "cash, capacity and growth"}
	var out []Definition
	for _, r := range Rungs() {
		out = append(out,
			Definition{
				Key: NetValue(r), Title: "Net value, " + names[r], Unit: UnitMoney, Direction: "up", Adds: AddsSum, Version: DefinitionVersion, Pillar: PillarReturn,
				Formula: benefits[r] + "; each overlap group and month once; range by seeded Monte Carlo with shared errors drawn once",
				About:   "What AI returned after its costs, up to this rung. Money that two kinds of events claim counts once.",
			},
			Definition{
				Key: ROIOf(r), Title: "Return on investment, " + names[r], Unit: UnitShare, Direction: "up", Adds: AddsFold, Version: DefinitionVersion, Pillar: PillarReturn,
				Formula: "(PV benefits − PV costs) ÷ PV costs, PV at the first day of the period; benefits and costs of: " + benefits[r],
				About:   "Net present value for each unit of money of present costs; 1.3 is 130 %.",
			},
			Definition{
				Key: NPVOf(r), Title: "Net present value, " + names[r], Unit: UnitMoney, Direction: "up", Adds: AddsFold, Version: DefinitionVersion, Pillar: PillarReturn,
				Formula: "Σ flow ÷ (1 + rate)^(days ÷ 365) from the first day of the period, 10 % a year unless declared; flows of: " + benefits[r],
				About:   "The net value as it is worth on the first day of the period. Personal benefits are dated at the close of their month.",
			},
			Definition{
				Key: PaybackOf(r), Title: "Payback, " + names[r], Unit: UnitDays, Direction: "down", Adds: AddsFold, Version: DefinitionVersion, Pillar: PillarReturn,
				Formula: "days from the first cost to the first point where the cumulative net is ≥ 0, interpolated between flows; flows of: " + benefits[r],
				About:   "How long it takes until the benefits have paid for the costs, in the period.",
			})
	}
	return out
}

// PillarReturn is the pillar of the ladder.
const PillarReturn = "return"
