package warehouse_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
	"plumbline/pkg/warehouse/warehousetest"
)

// payloads are, for each kind, one with every field and one with as few as may be. The texts try what JSON escapes.
func payloads() map[event.Kind][2]event.Data {
	const odd = "\"quoted\" \\ back, {\"units\":7} é 漢 \u2028"
	common := event.Common{Workflow: "w", Team: "t", Person: "p", Tool: "x", Evidence: "measured", URL: "https://example.org/?a=1&b=2"}
	at := event.Time{Time: day(2026, 3, 1)}
	later := event.Time{Time: day(1969, 12, 31)}
	return map[event.Kind][2]event.Data{
		event.KindHoursSaved: {
			&event.HoursSaved{
				Common: common, Units: warehousetest.Number("0.000001"), Assisted: new(false), Task: "k", Asset: "a", DoingMinutes: warehousetest.Number("999999999999.999999"),
				PromptingMinutes: warehousetest.Number("0"), ReviewMinutes: warehousetest.Number("0.1"), ReworkMinutes: warehousetest.Number("123456789012.123456"), CorrectionMinutes: warehousetest.Number("5"),
				BaselineMinutes: warehousetest.Number("1.5"), EstimateUnassistedMinutes: warehousetest.Number("7"), EstimateAssistedMinutes: warehousetest.Number("0.3"), Trial: "r", Quality: new(uint8(5)),
			},
			&event.HoursSaved{ReviewMinutes: warehousetest.Number("1")},
		},
		event.KindVendorSpend: {
			&event.VendorSpend{
				Common: common, Vendor: odd, Category: "agency", BilledCost: *warehousetest.Amount("-99999999999999999999.999999999999999999"), EffectiveCost: warehousetest.Amount("0.000000000000000001"),
				Currency: "EUR", Quantity: warehousetest.Amount("3"), Unit: "h", InvoiceDate: &event.Day{Time: day(1901, 3, 1).Truncate(24 * 3600e9)}, ChargePeriodStart: &later,
				ChargePeriodEnd: &at, ChargeCategory: "Usage", ChargeClass: "Correction", InvoiceID: odd, Final: new(true),
			},
			&event.VendorSpend{Vendor: "v", Category: "agency", BilledCost: *warehousetest.Amount("0"), Currency: "EUR"},
		},
		event.KindConversion: {
			&event.Conversion{
				Common: common, Experiment: "e", Variant: "v", Metric: "m", Exposures: new(uint64(1_000_000_000_000)), Conversions: new(uint64(0)),
				Value: warehousetest.Amount("-1.25"), ValueSquares: warehousetest.Amount("12345678901234567890.123456789012345678"), Currency: "EUR", Deal: "d",
			},
			&event.Conversion{Experiment: "e", Variant: "v", Exposures: new(uint64(1))},
		},
		event.KindPipeline: {
			&event.Pipeline{
				Common: common, Deal: "d", Stage: odd, Status: "won", Amount: warehousetest.Amount("1"), Currency: "EUR", CreatedAt: &later, ClosedAt: &at, Assisted: new(false),
				Touches: event.Touches{{Workflow: "w/é", At: at, Role: "first"}, {Workflow: "x", At: later}}, Experiment: "e", Margin: warehousetest.Number("0.333333"), Sequence: new(uint64(9007199254740991)),
			},
			&event.Pipeline{Deal: "d", Status: "open"},
		},
		event.KindReview: {
			&event.Review{Common: common, Asset: "a", Reviewer: "brand", SubmittedAt: later, DecidedAt: &at, Decision: "approved", Round: new(uint16(3)), TouchMinutes: warehousetest.Number("2.5")},
			&event.Review{Asset: "a", Reviewer: "brand", SubmittedAt: at},
		},
		event.KindPulse: {
			&event.Pulse{Common: common, Wave: "w", Role: "ic", ROIProvable: "yes", Satisfaction: new(uint8(1)), Confidence: new(uint8(5)), TimeWentTo: "admin", Comment: odd},
			&event.Pulse{Wave: "w", Role: "ic", ROIProvable: "no"},
		},
		event.KindTraining: {
			&event.Training{Common: common, Course: "c", Hours: warehousetest.Number("1.000001"), Completed: new(true), Purpose: "implementation"},
			&event.Training{Course: "c"},
		},
		event.KindBarrier: {
			&event.Barrier{Common: common, Barrier: "b", Category: "other", MinutesLost: warehousetest.Number("12"), Note: odd, Action: "support", Owner: "o"},
			&event.Barrier{Barrier: "b", Category: "other"},
		},
	}
}

// An event that was corrected reads, column by column, like one that carried the new payload from the start.
func TestCorrectedReadsLikeTheNewPayload(t *testing.T) {
	t.Parallel()
	db := open(t)
	maker := warehousetest.NewMaker()
	for kind, both := range payloads() {
		for i, name := range []string{"to full", "to bare"} {
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				workspace := string(kind) + name
				stored := func(id string, data event.Data) {
					t.Helper()
					r := maker.Stored(t, workspace, "s", id, day(2026, 3, 1), data)
					if err := db.InsertRaw(t.Context(), r.Kind, []event.Stored{r}); err != nil {
						t.Fatal(err)
					}
				}
				stored("corrected", both[1-i])
				stored("original", both[i])
				stored("c", warehousetest.Correction(t, "s", "corrected", both[i]))
				stored("voided", both[0])
				stored("v", &event.Void{Source: "s", ID: "voided"})
				got, want := readPayload(t.Context(), t, db, workspace, kind, "corrected"), readPayload(t.Context(), t, db, workspace, kind, "original")
				if got != want {
					t.Errorf("\n got %s\nwant %s", got, want)
				}
				if voided := readPayload(t.Context(), t, db, workspace, kind, "voided"); voided != "" {
					t.Errorf("the voided event counts: %s", voided)
				}
			})
		}
	}
}

// readPayload reads the columns of one effective row that come from the payload, "" where there is no such row.
func readPayload(ctx context.Context, t *testing.T, db *warehouse.DB, workspace string, kind event.Kind, id string) string {
	t.Helper()
	var texts []string
	for _, c := range event.Columns(kind) {
		texts = append(texts, fmt.Sprintf("'%[1]s=' || ifNull(toString(%[1]s), 'NULL')", c.Name))
	}
	var rows []struct {
		Text string `ch:"text"`
	}
	sql := "SELECT arrayStringConcat([" + strings.Join(texts, ", ") + "], '|') AS text FROM " + warehouse.Effective(kind) + " WHERE id = {id:String}"
	if err := db.Query(ctx, sql, map[string]any{"workspace": workspace, "id": id}, &rows); err != nil {
		t.Fatal(err)
	}
	switch len(rows) {
	case 0:
		return ""
	case 1:
		return rows[0].Text
	default:
		t.Fatalf("%d effective rows of %s", len(rows), id)
		return ""
	}
}
