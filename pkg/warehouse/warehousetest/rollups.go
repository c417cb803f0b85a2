package warehousetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"plumbline/pkg/warehouse"
)

// rollupKeys are the columns of the rollups that are keys and sums, in the order of the brute force.
func rollupKeys() map[string]string {
	return map[string]string{
		"rollup_hours": "team,workflow,person,evidence,assisted,trial,n,units,doing_minutes,prompting_minutes,review_minutes," +
			"rework_minutes,correction_minutes,minutes,given_n,given_units,given_baseline,given_minutes,units_sq,minutes_sq,minutes_units",
		"rollup_trials": "trial,lower(hex(identity)),team,workflow,person,assisted,units,doing_minutes,prompting_minutes,review_minutes," +
			"rework_minutes,correction_minutes,estimate_unassisted_minutes,estimate_assisted_minutes",
		"rollup_spend":       "team,workflow,vendor,category,currency,charge_category,n,billed,effective,effective_n,final_n",
		"rollup_accrual":     "team,workflow,vendor,category,currency,charge_category,unit,measured,n,month_n,final_n,billed,quantity",
		"rollup_links":       "team,workflow,experiment,variant,metric,deal,n,conversions",
		"rollup_conversions": "team,workflow,experiment,variant,metric,currency,n,exposures,conversions,value,value_squares,deal_n",
		"rollup_deals": "deal,team,workflow,stage,status,amount,currency,created_at,decided_at,decided_day,assisted,margin," +
			"experiment,touches,changes,last_change,lower(hex(identity))",
	}
}

// summed cuts the columns of a rollup into those that rows are grouped by and those that are added up: the count n and all
// that follow it. The rows of one key may stand in several segments of a day.
func summed(columns []string) (keys, sums []string) {
	at := slices.Index(columns, "n")
	if at < 0 {
		return columns, nil
	}
	return columns[:at], columns[at:]
}

// ReadRollups reads all current rows of all rollups as texts, those of one key added up.
func ReadRollups(ctx context.Context, t Fataler, db *warehouse.DB, workspace string) []string {
	t.Helper()
	snapshot, err := db.Snapshot(ctx, workspace)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	tables := rollupKeys()
	maps.Copy(tables, pillarKeys())
	for table, columns := range tables {
		texts := []string{"'" + table + "'", "toString(day)"}
		keys, sums := summed(strings.Split(columns, ","))
		for _, c := range keys {
			texts = append(texts, "ifNull(toString("+c+"), 'NULL')")
		}
		for _, c := range sums {
			texts = append(texts, "toString(sum("+c+"))")
		}
		var rows []struct {
			Text string `ch:"text"`
		}
		sql := "SELECT arrayStringConcat([" + strings.Join(texts, ", ") + "], '|') AS text FROM " + table +
			" WHERE workspace = {workspace:String} AND " + warehouse.Current
		if len(sums) > 0 {
			sql += " GROUP BY " + strings.Join(append([]string{"day"}, keys...), ", ")
		}
		args := map[string]any{"workspace": workspace, "generation": snapshot.Generation}
		if err := db.Query(ctx, sql, args, &rows); err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			out = append(out, r.Text)
		}
	}
	slices.Sort(out)
	return out
}

// Difference names rows that only one side has.
func Difference(got, want []string) string {
	var out []string
	for _, g := range got {
		if !slices.Contains(want, g) {
			out = append(out, "got  "+g)
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			out = append(out, "want "+w)
		}
	}
	return fmt.Sprintf("%d rows, want %d\n%s", len(got), len(want), strings.Join(out, "\n"))
}
