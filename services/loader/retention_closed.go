package loader

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"plumbline/pkg/event"
	"plumbline/pkg/warehouse"
)

// closing finds the events of one workspace that touch a closed day.
type closing struct {
	db        *warehouse.DB
	workspace string
	// first is the first open day.
	first  event.Day
	closed map[event.Identity]event.Problem

	// deals are those that events belong to, or would have an event belong to.
	deals map[event.Identity][]string
}

func (c *closing) run(ctx context.Context, rows []event.Stored) error {
	c.deals = map[event.Identity][]string{}
	targets := map[event.Identity][]event.Identity{} // the amendments of each target
	for _, e := range rows {
		if target, ok := warehouse.TargetOf(e.Event); ok {
			targets[target] = append(targets[target], e.Identity)
			if err := c.correction(e); err != nil {
				return err
			}
			continue
		}
		c.fact(e.Identity, e.Data, "/data")
		c.day(e.Identity, event.DayOf(e.Time), "/time", "the event")
	}
	if err := c.targets(ctx, targets); err != nil {
		return err
	}
	return c.sealedDeals(ctx)
}

// day refuses an event because of one day.
func (c *closing) day(id event.Identity, d event.Day, pointer, what string) {
	if !d.Before(c.first.Time) {
		return
	}
	c.closed[id] = event.Problem{
		Code: event.CodeTooOld, Pointer: pointer,
		Message: fmt.Sprintf("%s is of %s, and the days before %s are closed: their numbers stay as they are", what, d, c.first),
	}
}

// fact notes the days that a payload moves money or a deal to.
func (c *closing) fact(id event.Identity, data event.Data, root string) {
	switch d := data.(type) {
	case *event.VendorSpend:
		if d.InvoiceDate != nil {
			c.day(id, *d.InvoiceDate, root+"/invoice_date", "the day of cash")
		}
	case *event.Pipeline:
		if d.CreatedAt != nil {
			c.day(id, event.DayOf(d.CreatedAt.Time), root+"/created_at", "the deal")
		}
		c.deals[id] = append(c.deals[id], d.Deal)
	}
}

// correction notes what the new data of a correction touches.
func (c *closing) correction(e event.Stored) error {
	d, ok := e.Data.(*event.Correct)
	if !ok {
		return nil
	}
	data, err := d.Payload()
	if err != nil {
		return err
	}
	c.fact(e.Identity, data, "/data/data")
	return nil
}

// targets refuses amendments of events that stand on a closed day. A target that has not come yet is refused itself, should
// it be too old when it does.
func (c *closing) targets(ctx context.Context, amendments map[event.Identity][]event.Identity) error {
	known, err := c.db.LookupIdentities(ctx, warehouse.AnyPartition, slices.Collect(maps.Keys(amendments)))
	if err != nil {
		return err
	}
	var charges, changes []event.Identity
	for id, k := range known {
		for _, a := range amendments[id] {
			c.day(a, event.DayOf(k.Time), "/data/id", "the event that it changes")
		}
		switch k.Kind {
		case event.KindVendorSpend:
			charges = append(charges, id)
		case event.KindPipeline:
			changes = append(changes, id)
		}
	}
	cash, err := c.db.CashDays(ctx, c.workspace, charges)
	if err != nil {
		return err
	}
	for id, days := range cash {
		for _, d := range days {
			for _, a := range amendments[id] {
				c.day(a, d, "/data/id", "the day of cash of the charge that it changes")
			}
		}
	}
	deals, err := c.db.DealsOf(ctx, c.workspace, changes)
	if err != nil {
		return err
	}
	for id, names := range deals {
		for _, a := range amendments[id] {
			c.deals[a] = append(c.deals[a], names...)
		}
	}
	return nil
}

// sealedDeals refuses changes of deals that were created on a closed day, where they count.
func (c *closing) sealedDeals(ctx context.Context) error {
	names := map[string]bool{}
	for _, deals := range c.deals {
		for _, d := range deals {
			names[d] = true
		}
	}
	sealed, err := c.db.SealedDeals(ctx, c.workspace, slices.Collect(maps.Keys(names)), c.first)
	if err != nil {
		return err
	}
	for id, deals := range c.deals {
		for _, d := range deals {
			if _, refused := c.closed[id]; sealed[d] && !refused {
				c.closed[id] = event.Problem{
					Code: event.CodeTooOld, Pointer: "/data/deal",
					Message: fmt.Sprintf("the deal was created before %s, and days before it are closed: their numbers stay as they are", c.first),
				}
			}
		}
	}
	return nil
}
