package daily

import (
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/shopspring/decimal"
)

type Inner struct {
	Team  string
	Units decimal.Decimal
}

type outer struct {
	Day time.Time
	Inner
	N       uint64
	Amount  *decimal.Decimal
	People  []string
	Squares []decimal.Decimal
	hidden  string
}

// Equal values are one after it, and every row says what it said.
func TestEqualValuesAreShared(t *testing.T) {
	t.Parallel()
	const huge = "123456789012345678901234567890.5"
	made := func(text, number, amount string) outer {
		d := decimal.RequireFromString(amount)
		return outer{
			Day: time.Unix(5, 0), Inner: Inner{strings.Clone(text), decimal.RequireFromString(number)}, N: 3, Amount: &d,
			People: []string{strings.Clone(text), "p"}, Squares: []decimal.Decimal{decimal.RequireFromString(number), decimal.RequireFromString(huge)}, hidden: "h",
		}
	}
	list := []outer{made("a", "1.50", huge), made("a", "1.50", "0"), made("b", "1.5", "-7"), {}}
	want := []outer{made("a", "1.50", huge), made("a", "1.50", "0"), made("b", "1.5", "-7"), {}}
	share(&list)
	for i := range list {
		got, w := &list[i], &want[i]
		same := got.Team == w.Team && got.Units.String() == w.Units.String() && got.Units.Exponent() == w.Units.Exponent() && got.N == w.N &&
			got.Day.Equal(w.Day) && got.hidden == w.hidden && (got.Amount == nil) == (w.Amount == nil) && len(got.People) == len(w.People)
		if !same || got.Amount != nil && (!got.Amount.Equal(*w.Amount) || got.People[0] != w.People[0] || !got.Squares[1].Equal(w.Squares[1])) {
			t.Errorf("row %d is %+v, want %+v", i, got, w)
		}
	}
	if unsafe.StringData(list[0].Team) != unsafe.StringData(list[1].People[0]) {
		t.Error("equal texts are two")
	}
	// 2^64 + 1 has the lower bits of 1.
	numbers := sharing{numbers: map[number]decimal.Decimal{}}
	for _, text := range []string{"1", "18446744073709551617", "1"} {
		if got := numbers.number(decimal.RequireFromString(text)); got.String() != text {
			t.Errorf("%s is shared as %s", text, got)
		}
	}
}
