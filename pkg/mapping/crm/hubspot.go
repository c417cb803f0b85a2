package crm

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"plumbline/pkg/event"
	"plumbline/pkg/mapping"
)

// hubspotCall is one element of what HubSpot's webhooks post. What may be a number or a text is read as either. attemptNumber is left
// out: what is sent again is the same.
type hubspotCall struct {
	EventID          jsontext.Value   `json:"eventId"`
	PortalID         jsontext.Value   `json:"portalId"`
	ObjectID         jsontext.Value   `json:"objectId"`
	ObjectTypeID     jsontext.Value   `json:"objectTypeId"`
	SubscriptionType jsontext.Value   `json:"subscriptionType"`
	OccurredAt       jsontext.Value   `json:"occurredAt"`
	PropertyName     jsontext.Value   `json:"propertyName"`
	PropertyValue    jsontext.Value   `json:"propertyValue"`
	PrimaryObjectID  jsontext.Value   `json:"primaryObjectId"`
	NewObjectID      jsontext.Value   `json:"newObjectId"`
	MergedObjectIDs  []jsontext.Value `json:"mergedObjectIds"`

	portal, object, name, property, eventID, at string
}

// dealType is the objectTypeId of deals, where the type of the subscription does not say it.
const dealType = "0-3"

// What HubSpot's webhooks tell of deals.
const (
	dealCreation = "deal.creation"
	dealDeletion = "deal.deletion"
	dealRestore  = "deal.restore"
	dealMerge    = "deal.merge"
	dealChange   = "deal.propertyChange"
)

func (t *Translator) hubspot(source string, call *mapping.Call) mapping.Result {
	var h hubspotCall
	if err := json.Unmarshal(call.Raw(), &h); err != nil {
		return refused("", "", event.Problem{Code: event.CodeWrongType, Pointer: "/mergedObjectIds", Message: "this is no list of ids"})
	}
	name, problem := h.read()
	if problem != nil {
		return refused(name, "", *problem)
	}
	if t.ignored(name, h.name) {
		return mapping.Result{Name: name, Ignored: true}
	}
	if h.portal != t.settings.Portal {
		return refused(name, h.id(h.object), event.Problem{
			Code: event.CodeInconsistent, Pointer: "/portalId",
			Message: "this is about the account " + short(h.portal) + ", and the connection takes what is about " + t.settings.Portal,
		})
	}
	at, problem := millis(h.at, "/occurredAt")
	if problem != nil {
		return refused(name, h.id(h.object), *problem)
	}
	c := change{at: at, Pipeline: event.Pipeline{Deal: t.settings.Prefix + h.object}}
	switch h.name {
	case dealChange:
		return t.hubspotProperty(source, &h, &c, name)
	case dealCreation:
		c.CreatedAt = &event.Time{Time: at}
	case dealDeletion, dealRestore:
		c.Withdrawn = new(h.name == dealDeletion)
	case dealMerge:
		return t.hubspotMerge(source, &h, at)
	default:
		return t.unread(name, "/subscriptionType", "of deals their creation, deletion, restoring, merging and the changes of properties are read")
	}
	return t.hubspotMade(source, &h, &c, name, "")
}

// read takes out what every call has.
func (h *hubspotCall) read() (name string, problem *event.Problem) {
	for _, m := range []struct {
		pointer string
		from    jsontext.Value
		to      *string
		must    bool
	}{
		{"/subscriptionType", h.SubscriptionType, &h.name, true},
		{"/portalId", h.PortalID, &h.portal, true},
		{"/objectId", h.ObjectID, &h.object, true},
		{"/occurredAt", h.OccurredAt, &h.at, true},
		{"/eventId", h.EventID, &h.eventID, false},
		{"/propertyName", h.PropertyName, &h.property, false},
	} {
		text, kind := plain(m.from)
		switch {
		case kind == 'n' && !m.must:
		case kind == 'n' || text == "" && m.must:
			code := event.CodeMissingField
			if m.pointer == "/occurredAt" {
				code = event.CodeMissingTime
			}
			return h.name, &event.Problem{Code: code, Pointer: m.pointer, Message: "HubSpot's webhooks have " + m.pointer[1:] + ": send them as they are"}
		case kind != '"' && kind != '0':
			return h.name, &event.Problem{Code: event.CodeWrongType, Pointer: m.pointer, Message: "this is a text or a number in HubSpot's webhooks"}
		}
		*m.to = text
	}
	if typ, _ := plain(h.ObjectTypeID); typ == dealType {
		if what, ok := strings.CutPrefix(h.name, "object."); ok {
			h.name = "deal." + what
		}
	}
	if name = h.name; name == dealChange {
		name += ":" + h.property
	}
	return name, nil
}

// id names what a call says of an object: the parts that HubSpot documents, as the id of the event alone need not be unique.
func (h *hubspotCall) id(object string) string {
	return strings.Join([]string{h.portal, object, h.name, h.property, h.at, h.eventID}, ":")
}

func (t *Translator) hubspotProperty(source string, h *hubspotCall, c *change, name string) mapping.Result {
	if t.ignored(h.property) {
		return mapping.Result{Name: name, Ignored: true}
	}
	i := slices.IndexFunc(t.fields, func(p property) bool { return p.name != "" && p.name == h.property })
	if i < 0 {
		return t.unread(name, "/propertyName", "no field of the connection is made of the property "+short(h.property))
	}
	field := t.fields[i].field
	if problem := t.set(c, field, h.PropertyValue); problem != nil {
		problem.Pointer = "/propertyValue"
		return refused(name, h.id(h.object), *problem)
	}
	// A close is set together with the stage that it belongs to, and must not be taken back by it.
	if field == fieldClosed {
		c.Sequence = new(uint64(1))
	}
	return t.hubspotMade(source, h, c, name, field)
}

// hubspotMade is a change as events.
func (t *Translator) hubspotMade(source string, h *hubspotCall, c *change, name, field string) mapping.Result {
	out := mapping.Result{Name: name}
	if !c.says() {
		out.Skipped = []string{"it says nothing of what has happened: a currency that is known, or a close that is planned"}
		return out
	}
	origins := map[string]string{"/time": "/occurredAt", "/data/deal": "/objectId", "/id": "/propertyName"}
	if field != "" {
		origins["/data/"+field] = "/propertyValue"
	}
	ids, events := c.events(h.id(h.object))
	for i, p := range events {
		out.Made = append(out.Made, made(source, ids[i], c.at, p, origins))
	}
	return out
}

// mostMerged is how many objects one call may be about.
const mostMerged = 1000

// hubspotMerge withdraws the deals that are gone after they were merged into one. Where that one is new, its properties are not in the call.
func (t *Translator) hubspotMerge(source string, h *hubspotCall, at time.Time) mapping.Result {
	out := mapping.Result{Name: h.name}
	primary, _ := plain(h.PrimaryObjectID)
	left, _ := plain(h.NewObjectID)
	if left == "" {
		left = primary
	}
	gone := []string{primary}
	for _, v := range h.MergedObjectIDs {
		object, _ := plain(v)
		gone = append(gone, object)
	}
	if primary == "" || slices.Contains(gone, "") || len(gone) < 2 || len(gone) > mostMerged {
		return refused(h.name, h.id(h.object), event.Problem{
			Code: event.CodeMissingField, Pointer: "/mergedObjectIds",
			Message: "a merge names primaryObjectId and the deals that were merged into it, at most " + strconv.Itoa(mostMerged),
		})
	}
	if !slices.Contains(gone, left) {
		out.Made = append(out.Made, refused(h.name, h.id(left), event.Problem{
			Code: event.CodeNoValues, Pointer: "/newObjectId",
			Message: fmt.Sprintf("the deal %s was made by a merge, and what it is does not stand in the call: import it", short(left)),
		}).Made...)
	}
	slices.Sort(gone)
	for _, object := range slices.Compact(gone) {
		if object == left {
			continue
		}
		p := event.Pipeline{Deal: t.settings.Prefix + object, Withdrawn: new(true)}
		out.Made = append(out.Made, made(source, h.id(object), at, &p, map[string]string{"/time": "/occurredAt", "/data/deal": "/mergedObjectIds"}))
	}
	if len(out.Made) == 0 {
		out.Skipped = []string{"the deal was merged with itself"}
	}
	return out
}

// millis reads a time in milliseconds since 1970.
func millis(text, pointer string) (time.Time, *event.Problem) {
	ms, err := strconv.ParseInt(text, 10, 64)
	at := time.UnixMilli(ms).UTC()
	if err != nil || !inReach(at) {
		return time.Time{}, &event.Problem{Code: event.CodeWrongType, Pointer: pointer, Message: "the time is a whole number of milliseconds since 1970"}
	}
	return at, nil
}
