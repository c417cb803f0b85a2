// Package crm translates what CRM systems say about deals into events of the kind pipeline: HubSpot's webhooks and Salesforce's change
// events. Both tell of changes, one property or a few at a time, so each becomes a partial change, and the deal is put together from all
// of them where it is read. Nothing is looked up and nothing is remembered: the same call becomes the same events whenever it is read,
// however often it comes, and in whatever order.
//
// The package does no I/O. Who has sent a call, and whether they may, is the collector's to know.
package crm

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// Vendor is a CRM system.
type Vendor string

// The vendors.
const (
	HubSpot    Vendor = "hubspot"
	Salesforce Vendor = "salesforce"
)

// Stage is what a stage of the CRM is here.
type Stage struct {
	// Stage is its name; default the CRM's own.
	Stage string `json:"stage,omitzero"`
	// Status is open, won or lost.
	Status string `json:"status"`
}

// Fields are the names of the CRM's properties; an empty one is the vendor's own.
type Fields struct {
	Stage  string `json:"stage,omitzero"`
	Amount string `json:"amount,omitzero"`
	// Currency, where it is given, says that each deal has a currency of its own, which stands in that property.
	Currency  string `json:"currency,omitzero"`
	CreatedAt string `json:"created_at,omitzero"`
	ClosedAt  string `json:"closed_at,omitzero"`
	// Assisted is a property of one's own that says whether AI had a part in the deal: true or false.
	Assisted string `json:"assisted,omitzero"`
}

// Settings say how the deals of one account are read.
type Settings struct {
	// Portal is the id of the HubSpot account; calls about any other are refused.
	Portal string `json:"portal,omitzero"`
	// Stages are the CRM's stages: ids in HubSpot, names in Salesforce. A change to any other is refused until it is here.
	Stages map[string]Stage `json:"stages,omitzero"`
	// Currency is that of all deals. It is never guessed: without it, and without Fields.Currency, amounts are refused.
	Currency string `json:"currency,omitzero" validate:"omitempty,currency"`
	Fields   Fields `json:"fields,omitzero"`
	// Zone is where a day without a time of day lies; default UTC.
	Zone string `json:"zone,omitzero"`
	// Prefix is put before the CRM's ids of deals, where the ids of two accounts could meet.
	Prefix string `json:"prefix,omitzero"`
}

const (
	mostStages = 1000
	mostText   = 128
	mostPrefix = 32
)

var digits = regexp.MustCompile(`^[0-9]{1,20}$`)

// Check reports what is wrong with the settings. Pointers start at them: "/stages/closedwon/status".
func (s *Settings) Check(v Vendor) []event.Problem {
	var out []event.Problem
	add := func(code event.Code, pointer, message string) {
		out = append(out, event.Problem{Code: code, Pointer: pointer, Message: message})
	}
	switch {
	case v == HubSpot && s.Portal == "":
		add(event.CodeMissingField, "/portal", "give the id of the HubSpot account (Hub ID): calls about any other are refused")
	case v == HubSpot && !digits.MatchString(s.Portal):
		add(event.CodeBadValue, "/portal", "the id of a HubSpot account has digits only")
	case v == Salesforce && s.Portal != "":
		add(event.CodeInconsistent, "/portal", "change events of Salesforce do not say which organisation they are of: leave it out, and use a connection with a key of its own")
	}
	if len(s.Stages) > mostStages {
		add(event.CodeTooLong, "/stages", fmt.Sprintf("name at most %d stages", mostStages))
	}
	for _, theirs := range slices.Sorted(maps.Keys(s.Stages)) {
		at, ours := string(jsontext.Pointer("/stages").AppendToken(theirs)), s.Stages[theirs]
		if !plainText(theirs, mostText) || theirs == "" || !plainText(ours.Stage, mostText) {
			add(event.CodeBadText, at, fmt.Sprintf("a stage has 1 to %d printable characters and no space at either end", mostText))
		}
		if !slices.Contains([]string{"open", "won", "lost"}, ours.Status) {
			add(event.CodeBadValue, at+"/status", "say what a deal of this stage is: open, won or lost")
		}
	}
	if s.Currency != "" && s.Fields.Currency != "" {
		add(event.CodeInconsistent, "/fields/currency", "either all deals have one currency, or each has its own in a property: leave one of the two out")
	}
	if _, err := time.LoadLocation(s.Zone); err != nil || s.Zone == "Local" {
		add(event.CodeBadValue, "/zone", `write a time zone of the IANA list, such as "Europe/Berlin"`)
	}
	if !plainText(s.Prefix, mostPrefix) {
		add(event.CodeBadText, "/prefix", fmt.Sprintf("a prefix has at most %d printable characters and no space at either end", mostPrefix))
	}
	return append(out, s.checkFields(v)...)
}

func (s *Settings) checkFields(v Vendor) []event.Problem {
	var out []event.Problem
	seen := map[string]bool{}
	for _, p := range s.named(v) {
		at := "/fields/" + p.field
		switch {
		case p.name == "":
			continue
		case !plainText(p.name, mostText):
			out = append(out, event.Problem{Code: event.CodeBadText, Pointer: at, Message: "write the name of a property"})
		case seen[p.name]:
			out = append(out, event.Problem{Code: event.CodeInconsistent, Pointer: at, Message: "this property is named for another field already"})
		}
		seen[p.name] = true
	}
	return out
}

func plainText(s string, most int) bool {
	_, wrong := event.KeyProblem(s, "")
	return s == "" || !wrong && len(s) <= most
}

// property is one of the CRM's, and the field that it becomes.
type property struct{ field, name string }

// named are the properties of a vendor, with what the settings say in the place of the vendor's own names.
func (s *Settings) named(v Vendor) []property {
	f, own := s.Fields, Fields{Stage: "dealstage", Amount: "amount", Currency: "deal_currency_code", CreatedAt: "createdate", ClosedAt: "closedate"}
	if v == Salesforce {
		own = Fields{Stage: "StageName", Amount: "Amount", Currency: "CurrencyIsoCode", CreatedAt: "CreatedDate", ClosedAt: "CloseDate"}
	}
	if s.Currency == "" {
		own.Currency = "" // that deals have currencies of their own is for the settings to say
	}
	or := func(given, own string) string {
		if given != "" {
			return given
		}
		return own
	}
	return []property{
		{fieldStage, or(f.Stage, own.Stage)},
		{fieldAmount, or(f.Amount, own.Amount)},
		{fieldCurrency, or(f.Currency, own.Currency)},
		{fieldCreated, or(f.CreatedAt, own.CreatedAt)},
		{fieldClosed, or(f.ClosedAt, own.ClosedAt)},
		{fieldAssisted, f.Assisted},
	}
}

// The fields of an event that a property can become.
const (
	fieldStage    = "stage"
	fieldAmount   = "amount"
	fieldCurrency = "currency"
	fieldCreated  = "created_at"
	fieldClosed   = "closed_at"
	fieldAssisted = "assisted"
)

// Translator makes events of the calls of one connection. It is safe for concurrent use.
type Translator struct {
	vendor   Vendor
	settings Settings
	fields   []property
	zone     *time.Location
	ignore   map[string]bool
}

// New makes a translator of settings that were checked; ignore are names of what is known and not counted, [mapping.EveryName] all that
// is not read.
func New(v Vendor, s Settings, ignore []string) (*Translator, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, fmt.Errorf("the zone of the deals: %w", err)
	}
	t := &Translator{vendor: v, settings: s, fields: s.named(v), zone: zone, ignore: map[string]bool{}}
	for _, name := range ignore {
		t.ignore[name] = true
	}
	return t, nil
}

// Apply makes the events of one call.
func (t *Translator) Apply(source string, call *mapping.Call) mapping.Result {
	if t.vendor == Salesforce {
		return t.salesforce(source, call)
	}
	return t.hubspot(source, call)
}

// ignored tells whether a name is known and not counted.
func (t *Translator) ignored(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return n != "" && t.ignore[n] })
}

// unread is what becomes of a call that the translator has no reading for.
func (t *Translator) unread(name, pointer, what string) mapping.Result {
	if t.ignore[mapping.EveryName] {
		return mapping.Result{Name: name, Ignored: true}
	}
	const most = 128
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "")
	}
	return refused(name, "", event.Problem{
		Code: event.CodeUnknownEvent, Pointer: pointer,
		Message: fmt.Sprintf("%s: name %q in ignore where it is not for Plumbline, or do not subscribe to it", what, name),
	})
}

// refused is a call of which one event was to be made.
func refused(name, id string, problems ...event.Problem) mapping.Result {
	m := mapping.Made{Kind: event.KindPipeline, Problems: problems}
	m.Event.ID = id
	return mapping.Result{Name: name, Made: []mapping.Made{m}}
}

// made is a change as an event. origin is where in the call the time stands, and any other field.
func made(source, id string, at time.Time, p *event.Pipeline, origins map[string]string) mapping.Made {
	p.Partial, p.Evidence = new(true), "system"
	m := mapping.Made{Kind: event.KindPipeline, Origins: origins}
	m.Event = mapping.Event{ID: id, Source: source, Type: event.KindPipeline.Type(), Time: at, Subject: p.Deal}
	raw, err := json.Marshal(p)
	if err != nil {
		m.Problems = []event.Problem{{Code: event.CodeBadText, Message: "the change can not be written: " + err.Error()}}
		return m
	}
	m.Event.Data = raw
	return m
}
