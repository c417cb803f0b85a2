package scorecard

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"plumbline/pkg/event"
	"plumbline/pkg/metric"
	"plumbline/pkg/registry"
)

// vendorSavings compares what vendors are billed with what was paid before. Prices, exchange rates and the declared share
// that is due to AI are applied here, so that a new one re-rolls nothing.
func (v *view) vendorSavings(ctx context.Context, w metric.Window, currency string) (metric.Fold, error) {
	if w.Scope.Kind == metric.ScopeMe {
		return metric.NotPersonal(metric.VendorSavings, currency), nil
	}
	in := v.savingsInput(w, currency)
	var spend []metric.SpendRow
	group, ctx := errgroup.WithContext(ctx)
	fetch(ctx, group, v, metric.SpendQuery{Window: w}, &spend)
	if vendors := v.pricedVendors(); len(vendors) > 0 {
		fetch(ctx, group, v, metric.AccrualQuery{Window: wholeMonths(w), Vendors: vendors}, &in.Rows)
	}
	if err := group.Wait(); err != nil {
		return metric.Fold{}, err
	}
	in.Spent = slices.ContainsFunc(spend, func(r metric.SpendRow) bool { return !metric.IsAICategory(r.Category) })
	return metric.FoldVendorSavings(in, currency), nil
}

// savingsInput is what the savings of a window are folded from, but for the rows.
func (v *view) savingsInput(w metric.Window, currency string) metric.VendorSavingsInput {
	return metric.VendorSavingsInput{
		Prices: v.vendorPrices, From: w.From, To: w.To, Scope: w.Scope, FX: v.fx(currency), Attribution: v.attribution(), Haircut: v.haircut,
		Today: v.today,
	}
}

// pricedVendors are the vendors that any version of a price names.
func (v *view) pricedVendors() []string {
	var out []string
	for _, key := range v.registry.Keys(registry.VendorBaselines) {
		v.registry.Ever(registry.VendorBaselines, key, func(e registry.Entry) bool {
			if b, ok := e.(*registry.VendorBaseline); ok {
				out = append(out, b.Vendor)
			}
			return false
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// vendorPrices are the prices that the registry holds at the end of a day: they price the whole day.
func (v *view) vendorPrices(day event.Day) []metric.VendorPrice {
	at := v.endOf(day)
	var out []metric.VendorPrice
	for _, key := range v.registry.Keys(registry.VendorBaselines) {
		b, version, ok := registry.Find[registry.VendorBaseline](v.registry, registry.VendorBaselines, key, at)
		if !ok {
			continue
		}
		out = append(out, metric.VendorPrice{
			Key: key, Vendor: b.Vendor, Category: b.Category, Team: b.Team, Workflow: b.Workflow, Price: b.Price.Decimal, Currency: b.Currency,
			Unit: b.Unit, Monthly: b.Period == "month", Displaceable: b.Displaceable, Paid: b.Basis != "quoted",
			Source: "registry vendor-baselines/" + key, Version: versionText(version.Record),
		})
	}
	return out
}

// attribution is the declared share in a month, 1 where nobody has declared one.
func (v *view) attribution() func(month event.Day) metric.Assumed {
	return func(month event.Day) metric.Assumed {
		end := time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, v.zone).Add(-time.Millisecond)
		return v.assumed(attributionKey, end)
	}
}
