package scorecard

import (
	"fmt"

	"github.com/shopspring/decimal"
	"golang.org/x/text/currency"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"plumbline/pkg/access"
	"plumbline/pkg/event"
	"plumbline/pkg/registry"
)

// previewText says in a sentence what an outcome will change. The amounts beside it are exact; here they are rounded to what one reads.
func (v *view) previewText(p *outcomePreview) string {
	to := "to yours and to the organisation"
	from := "off yours and off the organisation"
	if p.TeamName != nil {
		to = fmt.Sprintf("to yours, to %s and to the organisation", *p.TeamName)
		from = fmt.Sprintf("off yours, off %s and off the organisation", *p.TeamName)
	}
	if p.Hours == nil {
		return fmt.Sprintf("Adds nothing yet: %s has no baseline on that day, so what was saved is not known. It is kept, and counts once there is one.",
			v.name(registry.Workflows, p.Workflow))
	}
	amount := hoursText(p.Hours.Abs())
	if p.Value != nil {
		amount += " = " + moneyText(p.Value.Abs(), p.Currency)
	}
	why := ""
	if p.Value == nil {
		why = " Its value is not known: " + v.valueless(p)
	}
	switch p.Hours.Sign() {
	case 1:
		return fmt.Sprintf("Adds %s %s.%s", amount, to, why)
	case -1:
		return fmt.Sprintf("Takes %s %s.%s It took longer than without AI, and losses count.", amount, from, why)
	}
	if p.Value != nil && !p.Value.IsZero() {
		return fmt.Sprintf("Adds no hours, and changes the value by %s.", moneyText(p.Value.Decimal, p.Currency))
	}
	return "Adds nothing: it took as long as it does without AI."
}

// valueless says why hours have no value.
func (v *view) valueless(p *outcomePreview) string {
	switch {
	case *p.Reason == "no_fx":
		return "there is no exchange rate to " + p.Currency + " for that day."
	case p.TeamName == nil:
		return "it belongs to no team, and so has no loaded rate."
	}
	return *p.TeamName + " has no loaded rate."
}

// previewNote says when others see it: what others do is shown in whole months that are over, but for the total of a large organisation.
func (v *view) previewNote(p *outcomePreview, day event.Day) *string {
	over := access.NextCell(day.Time)
	if p.Hours == nil || !over.After(v.today.Time) {
		return nil
	}
	return new(fmt.Sprintf("Your own numbers move at once, those of teams are shown when %s is over.", day.Format("January 2006")))
}

// readable is a decimal rounded to the places asked for, or to more where it would be nothing.
func readable(d decimal.Decimal, places int32) decimal.Decimal {
	for ; places < 18; places++ {
		if r := d.RoundBank(places); !r.IsZero() || d.IsZero() {
			return r
		}
	}
	return d
}

func hoursText(d decimal.Decimal) string { return readable(d, 2).String() + " h" }

// moneyText is an amount with the sign and the places of its currency, such as $18.00.
func moneyText(d decimal.Decimal, code string) string {
	unit, err := currency.ParseISO(code)
	if err != nil {
		return d.String() + " " + code
	}
	places, _ := currency.Standard.Rounding(unit)
	rounded := readable(d, int32(places))
	text := rounded.Abs().StringFixed(max(int32(places), -rounded.Exponent()))
	sign := ""
	if rounded.IsNegative() {
		sign = "−"
	}
	if symbol := message.NewPrinter(language.English).Sprint(currency.NarrowSymbol(unit)); symbol != code {
		return sign + symbol + text
	}
	return sign + code + " " + text
}
