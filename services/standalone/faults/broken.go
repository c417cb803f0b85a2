package faults

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/segmentio/kafka-go"

	"plumbline/pkg/event"
)

// brokenSource sends what can not be taken.
const brokenSource = "broken.example"

// broken is an event of the first workspace as it is once it is mended, and as it is sent, with something wrong in it.
type broken struct {
	shipment
	raw map[string]any
	// names is the person whom the bytes name, if any.
	names string
}

// breaking draws events that are refused.
type breaking struct{ d *drawing }

func newBreaking(rng *rand.Rand) *breaking {
	return &breaking{&drawing{rng: rng, made: map[string][]shipment{}, n: 3_000_000}}
}

// next draws a fact and breaks it. Some are the same once more, or the same id with other content, so that a replay meets
// duplicates and conflicts.
func (b *breaking) next() (broken, error) {
	s := b.d.next()
	// Of an answer to the survey that is refused the bytes are not kept, so that no fix could mend it.
	for s.data.Kind().Amends() || s.data.Kind() == event.KindPulse {
		s = b.d.next()
	}
	s.workspace, s.source = workspaces()[0], brokenSource
	// Free text would name the person also where the bytes are to name nobody.
	switch d := s.data.(type) {
	case *event.HoursSaved:
		d.Task = ""
	case *event.Barrier:
		d.Note = ""
	}
	data, err := b.spoil(s.data)
	if err != nil {
		return broken{}, fmt.Errorf("break an event: %w", err)
	}
	out := broken{shipment: s, raw: structured(s)}
	out.raw["data"] = jsontext.Value(data)
	for _, p := range persons() {
		if strings.Contains(string(data), p) {
			out.names = p
		}
	}
	return out, nil
}

// spoil writes data with some of the mistakes that [mending] mends.
func (b *breaking) spoil(d event.Data) ([]byte, error) {
	encoded, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	data := map[string]jsontext.Value{}
	if err := json.Unmarshal(encoded, &data); err != nil {
		return nil, err
	}
	currency, has := data["currency"]
	switch mistake := b.d.rng.IntN(3); {
	case mistake == 0 && has: // a field that has a typing error
		delete(data, "currency")
		data["curency"] = currency
	case mistake == 1: // a person under a name that only the fix knows
		for field, value := range data {
			for _, p := range persons() {
				if string(value) == `"`+p+`"` {
					data[field] = jsontext.Value(`"` + nick(p) + `"`)
				}
			}
		}
		data["colour"] = jsontext.Value(`"red"`)
	default: // a field that there is not
		data["colour"] = jsontext.Value(`"red"`)
	}
	return json.Marshal(data, json.Deterministic(true))
}

// nick is another name of a person.
func nick(person string) string { return "nick of " + person[:1] }

// mending is the fix for everything that is broken.
func mending() (string, error) {
	table := map[string]string{}
	for _, p := range persons() {
		table[nick(p)] = p
	}
	raw, err := json.Marshal(map[string]any{"operations": []map[string]any{
		{"op": "remove", "path": "/data/colour"},
		{"op": "rename", "path": "/data/curency", "to": "/data/currency"},
		{"op": "translate", "path": "/data/person", "table": table},
		{"op": "translate", "path": "/data/owner", "table": table},
	}}, json.Deterministic(true))
	return string(raw), err
}

// body writes broken events as one request.
func body(list []broken) ([]byte, http.Header, error) {
	var all []map[string]any
	for _, b := range list {
		all = append(all, b.raw)
	}
	raw, err := json.Marshal(all, json.Deterministic(true))
	return raw, http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, err
}

// message writes a broken event for the inbox.
func (b broken) message(rng *rand.Rand) (kafka.Message, error) {
	all := map[string]any{event.ExtensionWorkspace: b.workspace}
	maps.Copy(all, b.raw)
	raw, err := json.Marshal(all, json.Deterministic(true))
	return kafka.Message{
		Value: raw, Headers: []kafka.Header{{Key: "content-type", Value: []byte("application/cloudevents+json")}},
		Key: fmt.Append(nil, rng.IntN(9)), WriterData: rng.IntN(partitions),
	}, err
}
