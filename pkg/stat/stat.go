// Package stat is the arithmetic under every number of the scorecard: pure
// functions from counts, sums and rows to estimates that carry their own doubt.
//
// An answer is a value, never an error: [Estimate] holds centre, low, high,
// level, standard error, degrees of freedom, sample size and warnings. Too few
// samples is data: the centre may stand while the interval is NaN and a
// [Warning] says why. NaN means "not known", infinity means "unbounded"; neither
// is ever replaced by 0. Errors are kept for calls that have no meaning at all,
// such as splitting money over no weights.
//
// What is there, in the order in which a scorecard needs it:
//
//   - interval.go: [Estimate], warnings, [Mean] with its t interval;
//   - proportion.go: [Wilson] for one share, [ProportionDifference] (Newcombe) for two;
//   - lift.go: [ProportionLift], [MeanLift], [MeanDifference], [ChanceToWin];
//   - sequential.go: [Sequential] intervals that may be looked at every day;
//   - multiple.go: [Holm] over several variants, [SampleRatio] against a planned split;
//   - survival.go: [KaplanMeier], medians with open cases censored;
//   - regression.go and trial.go: [Regress], and the log-linear [TimeTrial] on top;
//   - baseline.go: [Ratio] of sums, such as minutes per unit;
//   - propagate.go: [Combine], [Product], [ThreePoint] estimates;
//   - simulate.go: [Simulate], a seeded Monte Carlo;
//   - money.go and payback.go: [NPV], [Appraise], [AppraiseYears], [Payback];
//   - apportion.go and credit.go: [Apportion] and the attribution models, exact decimals;
//   - velocity.go: [Velocity] of a pipeline.
//
// CALIBRATION.md says how often the intervals hold the truth, measured by
// simulation.
//
// What it is not: it reads nothing, knows no event, metric or threshold of the
// product, formats nothing, and has no clock and no global random source. Money
// that is added up or split is decimal; what is estimated is float64.
package stat
