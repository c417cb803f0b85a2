package event

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"strings"
)

// Trait says what becomes of a column when a person is erased. It is the tag `erase` of a field; every text has one, so
// that nobody adds a text without deciding.
type Trait string

// The traits.
const (
	// ErasePerson is the hash of a person, which the pseudonym replaces.
	ErasePerson Trait = "person"
	// EraseBlank is free text, which is emptied in the rows of the person: nobody knows what it says.
	EraseBlank Trait = "blank"
	// EraseKeep is a name of a thing or one of a list of values. Numbers are grouped by it, and it stays.
	EraseKeep Trait = "keep"
	// EraseData is the payload of a correction: the fields in it have traits of their own.
	EraseData Trait = "data"
)

// ErasedColumns are the columns of a kind by trait; columns that are no texts have none and stay.
func ErasedColumns(k Kind) map[Trait][]string {
	out := map[Trait][]string{}
	spec, ok := Lookup(k)
	if !ok {
		return out
	}
	for _, f := range wireFields(reflect.TypeOf(spec.New()).Elem()) {
		column, _, _ := strings.Cut(f.Tag.Get("ch"), ",")
		if trait := Trait(f.Tag.Get("erase")); trait != "" {
			out[trait] = append(out[trait], column)
		}
	}
	return out
}

// ErasedEnvelope are the columns of the envelope that are emptied like free text: texts that a sender may fill as it
// likes and no number needs. The source and the id stay, since they are the identity: without them a retry would count
// again.
func ErasedEnvelope() []string { return []string{"subject", "dataschema", "extensions"} }

// PersonDigest names an erased person without holding their hash: the first 16 bytes of SHA-256 over [DigestPrefix]
// and the keyed hash. Who has only the digest can search for the person in nothing.
func PersonDigest(workspace, person string) [16]byte {
	sum := sha256.Sum256([]byte(DigestPrefix(workspace) + person))
	return [16]byte(sum[:16])
}

// DigestPrefix stands before the hash of a person in the pre-image of [PersonDigest].
func DigestPrefix(workspace string) string {
	return string(appendPart(nil, "plumbline erased person")) + string(appendPart(nil, workspace))
}

// Eraser takes erased persons out of events. It is safe for concurrent use.
type Eraser struct {
	plans map[Kind]erasePlan
}

// erasePlan are the fields of a kind that erasing changes.
type erasePlan struct {
	persons, blanks [][]int
}

// NewEraser reads the traits of all kinds.
func NewEraser() *Eraser {
	x := &Eraser{plans: map[Kind]erasePlan{}}
	for _, spec := range Catalogue() {
		var p erasePlan
		for _, f := range wireFields(reflect.TypeOf(spec.New()).Elem()) {
			switch Trait(f.Tag.Get("erase")) {
			case ErasePerson:
				p.persons = append(p.persons, f.Index)
			case EraseBlank:
				p.blanks = append(p.blanks, f.Index)
			}
		}
		x.plans[spec.Kind] = p
	}
	return x
}

// Erase replaces the persons of a sealed event for whom pseudonym answers true, and where it has replaced one it empties
// the free text of the event. It says whether the event was changed. Identity and payload hash stay: a retry
// of the event must be known again. Data is changed in place. A correction whose data is not of its target's kind is an error.
func (x *Eraser) Erase(e *Event, pseudonym func(person string) (string, bool)) (bool, error) {
	changed := x.data(e.Data, pseudonym)
	if c, ok := e.Data.(*Correct); ok {
		inner, err := x.correction(c, pseudonym, changed)
		if err != nil {
			return false, err
		}
		if inner && !changed {
			x.blank(c)
		}
		changed = changed || inner
	}
	if changed {
		e.Subject, e.DataSchema, e.Extensions = "", "", nil
	}
	return changed, nil
}

// Correction is [Eraser.Erase] for the payload of a correction as it is stored. With blank its free text is emptied
// whomever it names, because the correction itself, or the event that it corrects, is the person's.
func (x *Eraser) Correction(target Kind, data []byte, blank bool, pseudonym func(person string) (string, bool)) ([]byte, bool, error) {
	c := &Correct{Target: target, Data: data}
	changed, err := x.correction(c, pseudonym, blank)
	return c.Data, changed, err
}

func (x *Eraser) correction(c *Correct, pseudonym func(string) (string, bool), blank bool) (changed bool, err error) {
	before := string(c.Data)
	err = c.rewrite(func(d Data) {
		if !x.data(d, pseudonym) && blank {
			x.blank(d)
		}
	})
	if err != nil {
		return false, fmt.Errorf("erase a person from a correction: %w", err)
	}
	return string(c.Data) != before, nil
}

// data replaces persons of one payload, and empties its free text where it has replaced one.
func (x *Eraser) data(d Data, pseudonym func(string) (string, bool)) bool {
	v, found := reflect.ValueOf(d).Elem(), false
	for _, index := range x.plans[d.Kind()].persons {
		f := v.FieldByIndex(index)
		if p, ok := pseudonym(f.String()); ok {
			f.SetString(p)
			found = true
		}
	}
	if found {
		x.blank(d)
	}
	return found
}

func (x *Eraser) blank(d Data) {
	v := reflect.ValueOf(d).Elem()
	for _, index := range x.plans[d.Kind()].blanks {
		v.FieldByIndex(index).SetZero()
	}
}
