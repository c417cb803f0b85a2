package metric_test

import (
	"testing"

	"plumbline/pkg/metric"
)

// Of six deals one was deleted and two have no status: three count, one of each, and the others are named with their number.
func TestDealsThatDoNotCount(t *testing.T) {
	var rows []metric.DealRow
	for _, status := range []string{"won", "withdrawn", "", "lost", "", "open"} {
		rows = append(rows, metric.DealRow{Deal: "d-" + status, Status: status})
	}
	counted, excluded := metric.SetAside(rows)
	total := metric.TotalDeals(counted, nil)
	if total.Created != 3 || total.Won != 1 || total.Lost != 1 || total.Open() != 1 {
		t.Errorf("%+v", total)
	}
	if len(excluded) != 2 || excluded[0].Reason != "withdrawn" || *excluded[0].N != 1 || excluded[1].Reason != "no_status" || *excluded[1].N != 2 {
		t.Errorf("%+v", excluded)
	}
	if counted, excluded = metric.SetAside(counted); len(counted) != 3 || excluded != nil {
		t.Errorf("again: %v, %v", counted, excluded)
	}
}
