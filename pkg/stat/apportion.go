package stat

import (
	"errors"

	"github.com/shopspring/decimal"
)

// ErrNoWeight says that there is nothing to split by, the weights are empty or sum to 0.
var ErrNoWeight = errors.New("weights are empty or sum to zero")

// Apportion splits a total by weights so that the parts sum to it exactly.
//
// Boundaries total·(w₁+…+wᵢ)/W are rounded half-even to scale decimals and each
// part is the difference of two, so a part is within one unit of the last place
// of its exact share and no part depends on how the rest is rounded. Where the
// weights are used up the boundary is the total itself, unrounded: a total finer
// than scale loses nothing. A part of weight 0 is 0. Weights may be negative as
// long as they do not sum to 0.
func Apportion(total decimal.Decimal, weights []decimal.Decimal, scale int32) ([]decimal.Decimal, error) {
	sum := decimal.Zero
	for _, w := range weights {
		sum = sum.Add(w)
	}
	if sum.IsZero() {
		return nil, ErrNoWeight
	}
	parts := make([]decimal.Decimal, len(weights))
	running, previous := decimal.Zero, decimal.Zero
	for i, w := range weights {
		running = running.Add(w)
		boundary := total
		if !running.Equal(sum) {
			boundary = divideHalfEven(total.Mul(running), sum, scale)
		}
		parts[i] = boundary.Sub(previous)
		previous = boundary
	}
	return parts, nil
}

// divideHalfEven is num ÷ den rounded once, from the exact remainder: dividing to
// some precision first and rounding after would round twice.
func divideHalfEven(num, den decimal.Decimal, scale int32) decimal.Decimal {
	quotient, remainder := num.QuoRem(den, scale)
	unit := decimal.New(1, -scale)
	switch remainder.Abs().Mul(decimal.New(2, 0)).Cmp(den.Abs().Mul(unit)) {
	case -1:
		return quotient
	case 0:
		// Exactly half: stay when the last digit is even.
		if quotient.Div(unit).BigInt().Bit(0) == 0 {
			return quotient
		}
	}
	if num.Sign()*den.Sign() < 0 {
		return quotient.Sub(unit)
	}
	return quotient.Add(unit)
}
