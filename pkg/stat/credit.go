package stat

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/shopspring/decimal"
)

// CreditScale is the number of decimals of a credit, that of money (38,18).
const CreditScale = 18

// DefaultHalfLife is the half-life of time decay in days.
const DefaultHalfLife = 14

// Errors of attribution models.
var (
	// ErrNoTouch: there is no touch to credit.
	ErrNoTouch = errors.New("no touches")
	// ErrRole: the position of a touch role is not among the touches.
	ErrRole = errors.New("touch role is not among the touches")
	// ErrDecay: a half-life that is not above 0, or days that are not a finite number.
	ErrDecay = errors.New("half-life or days are out of range")
)

// FirstTouch gives all credit to the first of n touches. Credits, here and
// below, are in the order of the touches and sum to exactly 1.
func FirstTouch(n int) ([]decimal.Decimal, error) {
	return credits(n, func(i int) int64 { return boolWeight(i == 0) })
}

// LastTouch gives all credit to the last of n touches.
func LastTouch(n int) ([]decimal.Decimal, error) {
	return credits(n, func(i int) int64 { return boolWeight(i == n-1) })
}

// Linear gives each of n touches the same.
func Linear(n int) ([]decimal.Decimal, error) {
	return credits(n, func(int) int64 { return 1 })
}

// UShaped gives 40 % to the first, 40 % to the last and 20 % in equal parts to
// those between. Two touches share equally, one takes all.
func UShaped(n int) ([]decimal.Decimal, error) {
	// In units of 0.2/(n−2): 0.4 is 2(n−2) of them.
	end := int64(max(2*(n-2), 1))
	return credits(n, func(i int) int64 {
		if i == 0 || i == n-1 {
			return end
		}
		return 1
	})
}

// WShaped gives 30 % each to the first touch, to the one that made the lead and
// to the one that made the opportunity (positions from 0), and 10 % in equal
// parts to the rest. A touch with two roles takes both shares; without a rest
// the roles share all in proportion.
func WShaped(n, lead, opportunity int) ([]decimal.Decimal, error) {
	if n > 0 && (lead < 0 || lead >= n || opportunity < 0 || opportunity >= n) {
		return nil, fmt.Errorf("lead %d, opportunity %d of %d touches: %w", lead, opportunity, n, ErrRole)
	}
	roles := func(i int) int64 {
		return boolWeight(i == 0) + boolWeight(i == lead) + boolWeight(i == opportunity)
	}
	rest := int64(0)
	for i := range n {
		rest += boolWeight(roles(i) == 0)
	}
	// In units of 0.1/rest: 0.3 is 3·rest of them.
	share := max(3*rest, 1)
	return credits(n, func(i int) int64 {
		if held := roles(i); held > 0 {
			return share * held
		}
		return 1
	})
}

// TimeDecay weighs a touch by 2^(−days/halfLife), days before the deal closed.
// Weights are taken relative to the latest touch, so old deals do not underflow.
func TimeDecay(daysBefore []float64, halfLifeDays float64) ([]decimal.Decimal, error) {
	if len(daysBefore) == 0 {
		return nil, ErrNoTouch
	}
	if !(halfLifeDays > 0) || math.IsInf(halfLifeDays, 0) {
		return nil, fmt.Errorf("half-life %v: %w", halfLifeDays, ErrDecay)
	}
	for i, d := range daysBefore {
		if !finite(d) {
			return nil, fmt.Errorf("touch %d, %v days: %w", i, d, ErrDecay)
		}
	}
	latest := slices.Min(daysBefore)
	weights := make([]decimal.Decimal, len(daysBefore))
	for i, d := range daysBefore {
		// Past 30 decimals a weight can't move a credit of 18.
		weights[i] = decimal.NewFromFloat(math.Exp2(-(d - latest) / halfLifeDays)).Round(30)
	}
	return Apportion(decimal.New(1, 0), weights, CreditScale)
}

func credits(n int, weight func(i int) int64) ([]decimal.Decimal, error) {
	if n < 1 {
		return nil, ErrNoTouch
	}
	weights := make([]decimal.Decimal, n)
	for i := range weights {
		weights[i] = decimal.NewFromInt(weight(i))
	}
	return Apportion(decimal.New(1, 0), weights, CreditScale)
}

func boolWeight(b bool) int64 {
	if b {
		return 1
	}
	return 0
}
