package metric

// The states of deals that count on no side.
const (
	// statusWithdrawn is a deal that was deleted where it came from.
	statusWithdrawn = "withdrawn"
	// statusUnknown is one of which changes are known, and none that says its status.
	statusUnknown = ""
)

// SetAside takes out the deals that are neither open, won nor lost, and says how many they are: those that were deleted where they
// came from, and those of which only single properties are known. Neither may be taken for an open deal.
func SetAside(rows []DealRow) (counted []DealRow, excluded []Excluded) {
	var withdrawn, unknown uint64
	counted = make([]DealRow, 0, len(rows))
	for _, r := range rows {
		switch r.Status {
		case statusWithdrawn:
			withdrawn++
		case statusUnknown:
			unknown++
		default:
			counted = append(counted, r)
		}
	}
	if withdrawn > 0 {
		excluded = append(excluded, Excluded{
			Measure: WinRate, Reason: "withdrawn", N: &withdrawn, Unit: UnitDeals,
			Message: "deals that were deleted where they came from are neither open, won nor lost",
		})
	}
	if unknown > 0 {
		excluded = append(excluded, Excluded{
			Measure: WinRate, Reason: "no_status", N: &unknown, Unit: UnitDeals,
			Message: "only single properties of these deals are known, and not their stage: import them as they are now",
		})
	}
	return counted, excluded
}
