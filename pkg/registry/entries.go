package registry

import (
	"reflect"
	"strings"

	"plumbline/pkg/event"
)

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// Range is a value that is not known exactly: its least, most likely and greatest plausible value (a triangle).
type Range struct {
	Low  *event.Number `json:"low" validate:"required"`
	Mode *event.Number `json:"mode" validate:"required"`
	High *event.Number `json:"high" validate:"required"`
}

func (r Range) checkRange(pointer string) []event.Problem {
	if r.Low == nil || r.Mode == nil || r.High == nil {
		return nil // the tags report it
	}
	if *r.Low > *r.Mode || *r.Mode > *r.High {
		return []event.Problem{{
			Code: event.CodeInconsistent, Pointer: pointer,
			Message: "low, mode and high must not fall: low ≤ mode ≤ high",
		}}
	}
	return nil
}

// DeclaredBaseline is what one unit of a workflow takes without AI, in minutes, as somebody declared it.
type DeclaredBaseline struct {
	Range
	// Evidence says where the numbers come from.
	Evidence string `json:"evidence,omitzero" validate:"omitempty,note,max=2000"`
}

// ReviewPolicy says how fast a review of the workflow should be decided.
type ReviewPolicy struct {
	TargetHours *event.Number `json:"target_hours,omitzero" validate:"omitempty,gt=0"`
	Text        string        `json:"text,omitzero" validate:"omitempty,note,max=2000"`
}

// Workflow is a kind of work that AI takes part in.
type Workflow struct {
	Name string `json:"name,omitzero" validate:"omitempty,text,max=256"`
	Team string `json:"team,omitzero" validate:"omitempty,key"`
	// Unit is what is counted: "post", "campaign".
	Unit string `json:"unit,omitzero" validate:"omitempty,text,max=64"`
	// Owner is the person who answers for it; OwnerConfirmedAt the day when they last said so.
	Owner            string     `json:"owner,omitzero" validate:"omitempty,key"`
	OwnerConfirmedAt *event.Day `json:"owner_confirmed_at,omitzero"`
	// RoleResponsible is the designated role, whoever holds it.
	RoleResponsible string        `json:"role_responsible,omitzero" validate:"omitempty,text,max=256"`
	ReviewPolicy    *ReviewPolicy `json:"review_policy,omitzero"`
	PolicyLink      string        `json:"policy_link,omitzero" validate:"omitempty,http_url,max=2048"`
	// OverlapGroup names workflows whose money is the same money.
	OverlapGroup string `json:"overlap_group,omitzero" validate:"omitempty,key"`
	// Baseline is in minutes per unit.
	Baseline *DeclaredBaseline `json:"baseline,omitzero"`
}

func (w *Workflow) check(string) []event.Problem {
	if w.Baseline == nil {
		return nil
	}
	return w.Baseline.checkMinutes("/baseline")
}

// checkMinutes holds a range to what minutes per unit can be.
func (r Range) checkMinutes(pointer string) []event.Problem {
	if r.Low == nil || r.Mode == nil {
		return nil // the tags report it
	}
	if *r.Low < 0 || *r.Mode <= 0 {
		return []event.Problem{{
			Code: event.CodeOutOfRange, Pointer: pointer,
			Message: "a baseline is minutes per unit: low must be at least 0 and mode more than 0",
		}}
	}
	return r.checkRange(pointer)
}

// Team is a group of people with a shared default rate class.
type Team struct {
	Name             string `json:"name,omitzero" validate:"omitempty,text,max=256"`
	DefaultRateClass string `json:"default_rate_class,omitzero" validate:"omitempty,key"`
}

func (*Team) check(string) []event.Problem { return nil }

// Person is what is known about a pseudonym: the entry's key.
type Person struct {
	Role      string `json:"role,omitzero" validate:"omitempty,oneof=ic leader analyst admin"`
	Team      string `json:"team,omitzero" validate:"omitempty,key"`
	RateClass string `json:"rate_class,omitzero" validate:"omitempty,key"`
}

func (*Person) check(string) []event.Problem { return nil }

// Rate is a rate card: what an hour of a rate class (the key) costs with everything in it.
type Rate struct {
	Name             string         `json:"name,omitzero" validate:"omitempty,text,max=256"`
	LoadedHourlyRate *event.Decimal `json:"loaded_hourly_rate" validate:"required"`
	Currency         string         `json:"currency" validate:"required,currency"`
}

func (r *Rate) check(string) []event.Problem {
	return notNegative(r.LoadedHourlyRate, "/loaded_hourly_rate")
}

// VendorBaseline is a price that was really paid before.
type VendorBaseline struct {
	Vendor   string         `json:"vendor" validate:"required,text,max=256"`
	Category string         `json:"category" validate:"required,oneof=agency freelance production translation stock media software ai_tool training implementation"`
	Workflow string         `json:"workflow,omitzero" validate:"omitempty,key"`
	Team     string         `json:"team,omitzero" validate:"omitempty,key"`
	Price    *event.Decimal `json:"price" validate:"required"`
	Currency string         `json:"currency" validate:"required,currency"`
	// Unit is what the price is for; Period "month" makes it a monthly amount.
	Unit   string `json:"unit,omitzero" validate:"omitempty,text,max=64"`
	Period string `json:"period,omitzero" validate:"omitempty,oneof=month unit"`
	// Displaceable says that AI can take the place of the vendor.
	Displaceable bool `json:"displaceable"`
	// Basis says whether the price was really paid (the default), or only quoted: an offer, a list price. What is less
	// than a quoted price is avoidance, which is shown and never added.
	Basis    string `json:"basis,omitzero" validate:"omitempty,oneof=paid quoted"`
	Evidence string `json:"evidence,omitzero" validate:"omitempty,note,max=2000"`
}

func (b *VendorBaseline) check(string) []event.Problem {
	out := notNegative(b.Price, "/price")
	switch b.Category {
	case "ai_tool", "training", "implementation":
		if b.Displaceable {
			out = append(out, event.Problem{
				Code: event.CodeInconsistent, Pointer: "/displaceable",
				Message: b.Category + " is what AI itself costs: less of it is a lower cost already, not a vendor that AI takes the place of",
			})
		}
	}
	return out
}

// Experiment declares how an experiment (the key) is to be read.
type Experiment struct {
	Name string `json:"name,omitzero" validate:"omitempty,text,max=256"`
	// Design gives the evidence grade: see [Experiment.Grade].
	Design string `json:"design,omitzero" validate:"omitempty,oneof=randomised quasi_random difference_in_differences controlled before_after"`
	// Control is the variant that the others are compared with.
	Control string `json:"control" validate:"required,key"`
	// ExpectedAllocation is the weight of each variant; absent means equal.
	ExpectedAllocation map[string]event.Number `json:"expected_allocation,omitzero" validate:"omitempty,max=100,dive,keys,key,endkeys,gt=0"`
	// PrimaryMetric defaults to "conversion".
	PrimaryMetric string `json:"primary_metric,omitzero" validate:"omitempty,key"`
	// PlannedN is the number of exposures over all arms at which a fixed design is read.
	PlannedN            *uint64        `json:"planned_n,omitzero" validate:"omitempty,gt=0,lte=1000000000000"`
	MarginPerConversion *event.Decimal `json:"margin_per_conversion,omitempty"`
	Currency            string         `json:"currency,omitzero" validate:"omitempty,currency"`
	// Sequential asks for intervals that hold at every look; otherwise the design is fixed.
	Sequential bool   `json:"sequential,omitzero"`
	Team       string `json:"team,omitzero" validate:"omitempty,key"`
	Workflow   string `json:"workflow,omitzero" validate:"omitempty,key"`
}

func (x *Experiment) check(string) []event.Problem {
	var out []event.Problem
	if x.MarginPerConversion != nil && x.Currency == "" {
		out = append(out, event.Problem{
			Code: event.CodeMissingField, Pointer: "/currency",
			Message: "margin_per_conversion is money: give its currency",
		})
	}
	if len(x.ExpectedAllocation) > 0 {
		if _, ok := x.ExpectedAllocation[x.Control]; !ok {
			out = append(out, event.Problem{
				Code: event.CodeInconsistent, Pointer: "/expected_allocation",
				Message: "expected_allocation must name the control variant too",
			})
		}
	}
	return out
}

// Grade is the evidence grade of the declared design (Maryland scale); a design that is not declared counts as
// randomised only by declaration, so it is 1: a cross-section.
func (x *Experiment) Grade() int {
	switch x.Design {
	case "randomised":
		return 5
	case "quasi_random":
		return 4
	case "difference_in_differences":
		return 3
	case "controlled":
		return 2
	default:
		return 1
	}
}

// Exchange is an exchange rate: its key names the pair, "EUR-USD", and Rate is how many USD one EUR buys.
type Exchange struct {
	Rate   *event.Decimal `json:"rate" validate:"required"`
	Source string         `json:"source,omitzero" validate:"omitempty,text,max=256"`
}

func (x *Exchange) check(key string) []event.Problem {
	var out []event.Problem
	base, quote, ok := strings.Cut(key, "-")
	if !ok || !currencyForm.MatchString(base) || !currencyForm.MatchString(quote) || base == quote {
		out = append(out, event.Problem{
			Code: event.CodeBadValue, Pointer: "",
			Message: `the key of an exchange rate names two currencies, such as "EUR-USD": how many USD one EUR buys`,
		})
	}
	if x.Rate != nil && x.Rate.Sign() <= 0 {
		out = append(out, event.Problem{Code: event.CodeOutOfRange, Pointer: "/rate", Message: "a rate is more than 0"})
	}
	return out
}

// Target is what a measure should reach.
type Target struct {
	Measure string        `json:"measure" validate:"required,key"`
	Value   *event.Number `json:"value" validate:"required"`
	// Scope defaults to "org".
	Scope    string `json:"scope,omitzero" validate:"omitempty,text,max=300"`
	Unit     string `json:"unit,omitzero" validate:"omitempty,text,max=64"`
	Currency string `json:"currency,omitzero" validate:"omitempty,currency"`
	// Per says that the value is for such a period and scales with the days asked for; empty means it stands as it is.
	Per  string `json:"per,omitzero" validate:"omitempty,oneof=day week month quarter year"`
	Note string `json:"note,omitzero" validate:"omitempty,note,max=2000"`
}

func (*Target) check(string) []event.Problem { return nil }

// Benchmark is somebody else's figure for a measure.
type Benchmark struct {
	Measure string        `json:"measure" validate:"required,key"`
	Value   *event.Number `json:"value" validate:"required"`
	Label   string        `json:"label" validate:"required,text,max=256"`
	Source  string        `json:"source,omitzero" validate:"omitempty,text,max=512"`
	URL     string        `json:"url,omitzero" validate:"omitempty,http_url,max=2048"`
}

func (*Benchmark) check(string) []event.Problem { return nil }

// Assumption is a declared share or rate: realisation, attribution, discount_rate (a triangle), or risk (a haircut by
// evidence grade, each 0 to 1).
type Assumption struct {
	Range   *Range                  `json:"range,omitzero"`
	ByGrade map[string]event.Number `json:"by_grade,omitzero" validate:"omitempty,dive,keys,oneof=0 1 2 3 4 5,endkeys,gte=0,lte=1000000"`
	Note    string                  `json:"note,omitzero" validate:"omitempty,note,max=2000"`
}

func (a *Assumption) check(key string) []event.Problem {
	switch {
	case a.Range == nil && len(a.ByGrade) == 0:
		return []event.Problem{{
			Code: event.CodeMissingField, Pointer: "/range",
			Message: `give range {low, mode, high}, or by_grade for the key "risk"`,
		}}
	case a.ByGrade != nil && key != "risk":
		return []event.Problem{{
			Code: event.CodeInconsistent, Pointer: "/by_grade", Message: `by_grade belongs to the key "risk" only`,
		}}
	case a.Range != nil:
		return append(a.Range.checkRange("/range"), a.Range.checkShare(key)...)
	}
	return nil
}

// checkShare wants the assumptions that are shares between 0 and 1.
func (r Range) checkShare(key string) []event.Problem {
	if r.Low == nil || r.High == nil || (key != "realisation" && key != "attribution") {
		return nil
	}
	var out []event.Problem
	if *r.Low < 0 {
		out = append(out, event.Problem{Code: event.CodeOutOfRange, Pointer: "/range/low", Message: "a share is at least 0"})
	}
	if r.High.Float() > 1 {
		out = append(out, event.Problem{Code: event.CodeOutOfRange, Pointer: "/range/high", Message: "a share is at most 1"})
	}
	return out
}

// WorkspaceCalendar is the entry "default" of the calendar: where days begin and in what money people think.
type WorkspaceCalendar struct {
	// Zone is an IANA name; the workspace's day is the local day there.
	Zone string `json:"zone" validate:"required,timezone"`
	// FiscalYearStart is the month, 1 to 12, in which the fiscal year starts; default 1.
	FiscalYearStart uint8 `json:"fiscal_year_start,omitzero" validate:"omitempty,gte=1,lte=12"`
	// Currency is the one that numbers are shown in unless another is asked for; default USD.
	Currency string `json:"currency,omitzero" validate:"omitempty,currency"`
}

func (*WorkspaceCalendar) check(key string) []event.Problem {
	if key != CalendarKey {
		return []event.Problem{{
			Code: event.CodeBadValue, Pointer: "", Message: `a workspace has one calendar, with the key "default"`,
		}}
	}
	return nil
}

// Annotation is a remark on a day, shown beside the numbers.
type Annotation struct {
	Day   event.Day `json:"day"`
	Text  string    `json:"text" validate:"required,note,max=2000"`
	Scope string    `json:"scope,omitzero" validate:"omitempty,text,max=300"`
	URL   string    `json:"url,omitzero" validate:"omitempty,http_url,max=2048"`
}

func (a *Annotation) check(string) []event.Problem {
	if a.Day.IsZero() {
		return []event.Problem{{Code: event.CodeMissingField, Pointer: "/day", Message: "give the day, such as \"2026-11-01\""}}
	}
	return nil
}

func notNegative(d *event.Decimal, pointer string) []event.Problem {
	if d != nil && d.IsNegative() {
		return []event.Problem{{Code: event.CodeOutOfRange, Pointer: pointer, Message: "it must be at least 0"}}
	}
	return nil
}
