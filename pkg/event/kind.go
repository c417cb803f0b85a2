package event

import "strings"

// Kind is the middle of a CloudEvents type: plumbline.<kind>.v1.
type Kind string

// The kinds of facts.
const (
	KindHoursSaved  Kind = "hours_saved"
	KindVendorSpend Kind = "vendor_spend"
	KindConversion  Kind = "conversion"
	KindPipeline    Kind = "pipeline"
	KindReview      Kind = "review"
	KindPulse       Kind = "pulse"
	KindTraining    Kind = "training"
	KindBarrier     Kind = "barrier"
	KindVoid        Kind = "void"
	KindCorrect     Kind = "correct"
)

const (
	typePrefix = "plumbline."
	typeSuffix = ".v1"
)

// Type is the CloudEvents type of the kind.
func (k Kind) Type() string { return typePrefix + string(k) + typeSuffix }

// appendType appends [Kind.Type].
func appendType(b []byte, k Kind) []byte {
	return append(append(append(b, typePrefix...), k...), typeSuffix...)
}

// Amends tells whether the kind changes other events instead of stating a fact: such a kind is no target of another.
func (k Kind) Amends() bool { return k == KindVoid || k == KindCorrect }

// KindOfType reads a CloudEvents type; ok is false where it is none of ours.
func KindOfType(t string) (Kind, bool) {
	k, ok := strings.CutPrefix(t, typePrefix)
	if !ok {
		return "", false
	}
	if k, ok = strings.CutSuffix(k, typeSuffix); !ok {
		return "", false
	}
	s, ok := Lookup(Kind(k))
	return s.Kind, ok
}

// Spec is one line of the catalogue of kinds.
type Spec struct {
	Kind Kind
	// Table is the raw table of the kind in the warehouse.
	Table string
	// New returns an empty payload to decode into.
	New func() Data
	// clone returns a copy that shares nothing which normalising or sealing changes.
	clone func(Data) Data
}

// lines is the catalogue of kinds. A new kind adds a line here, a file beside this one, a schema and a migration.
// It is a function because the package keeps no state; the array is built on the stack.
func lines() [10]Spec {
	return [...]Spec{
		{KindHoursSaved, "hours_saved", fresh[HoursSaved], copied[HoursSaved]},
		{KindVendorSpend, "vendor_spend", fresh[VendorSpend], copied[VendorSpend]},
		{KindConversion, "conversion", fresh[Conversion], copied[Conversion]},
		{KindPipeline, "pipeline", fresh[Pipeline], copiedPipeline},
		{KindReview, "review", fresh[Review], copied[Review]},
		{KindPulse, "pulse", fresh[Pulse], copied[Pulse]},
		{KindTraining, "training", fresh[Training], copied[Training]},
		{KindBarrier, "barrier", fresh[Barrier], copied[Barrier]},
		{KindVoid, "void", fresh[Void], copied[Void]},
		{KindCorrect, "correct", fresh[Correct], copied[Correct]},
	}
}

// Catalogue lists the kinds, always in the same order.
func Catalogue() []Spec {
	l := lines()
	return l[:]
}

// Lookup finds a kind in the catalogue; it does not allocate.
func Lookup(k Kind) (Spec, bool) {
	l := lines()
	for i := range l {
		if l[i].Kind == k {
			return l[i], true
		}
	}
	return Spec{}, false
}

// payload is the constraint that *T is a payload.
type payload[T any] interface {
	*T
	Data
}

func fresh[T any, P payload[T]]() Data { return P(new(T)) }

func copied[T any, P payload[T]](d Data) Data {
	c := *d.(P)
	return P(&c)
}
