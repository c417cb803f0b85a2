package registry_test

import (
	"testing"
	"time"

	"plumbline/pkg/registry"
)

func TestTwoPricesOfTheSameCharges(t *testing.T) {
	body := func(key, raw string) registry.Record {
		t.Helper()
		r, problems := registry.Body(registry.VendorBaselines, key, []byte(raw), time.UTC)
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		return r
	}
	const price = `"vendor":"Agency","category":"agency","price":"100","currency":"USD","displaceable":true`
	gone := body("old", `{"valid_from":"2026-06-01",`+price+`,"period":"month"}`)
	gone.Deleted, gone.Value = true, nil
	s := registry.NewSnapshot([]registry.Record{
		body("retainer", `{"valid_from":"2026-07-01",`+price+`,"period":"month"}`),
		body("retainer", `{"valid_from":"2026-09-01",`+price+`,"period":"month","team":"web"}`),
		body("old", `{"valid_from":"2026-01-01",`+price+`,"period":"month"}`), gone,
	})
	for raw, contradicts := range map[string]bool{
		`{"valid_from":"2026-08-01",` + price + `,"period":"month"}`:                true,  // beside retainer, July to August
		`{"valid_from":"2026-06-01",` + price + `,"period":"month"}`:                true,  // runs into it
		`{"valid_from":"2026-09-01",` + price + `,"period":"month"}`:                false, // retainer is the web team's by then
		`{"valid_from":"2026-09-01",` + price + `,"period":"month","team":"web"}`:   true,
		`{"valid_from":"2026-08-01",` + price + `,"period":"month","team":"web"}`:   true, // in force on into September
		`{"valid_from":"2026-08-01",` + price + `,"period":"unit","unit":"word"}`:   false,
		`{"valid_from":"2026-08-01",` + price + `,"period":"month","unit":"month"}`: true,
	} {
		problems := s.Contradictions(body("new", raw))
		if (len(problems) > 0) != contradicts || (contradicts && problems[0].Pointer != "/vendor") {
			t.Errorf("%s: %v", raw, problems)
		}
	}
	// A later version of the same key is no contradiction, and an earlier one ends where it begins.
	if problems := s.Contradictions(body("retainer", `{"valid_from":"2026-08-01",`+price+`,"period":"month"}`)); len(problems) > 0 {
		t.Errorf("itself: %v", problems)
	}
	if problems := s.Contradictions(body("old", `{"valid_from":"2026-02-01",`+price+`,"period":"month"}`)); len(problems) > 0 {
		t.Errorf("until June: %v", problems)
	}
}
