import { describe, expect, it } from 'vitest'
import { linear, pct, percentScale } from './scale'

describe('linear', () => {
  it('goes from the domain to the range, also upwards', () => {
    const y = linear([0, 1], [200, 10])
    expect([y(0), y(0.5), y(1)]).toEqual([200, 105, 10])
    expect(y.ticks(4)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1])
  })
  it('has round ends where it is asked', () => {
    expect(linear([0, 87], [0, 100], 6).domain).toEqual([0, 100]) // 87 ÷ 6 = 14.5, so steps of 20
    expect(linear([-0.13, 0.24], [0, 100], 5).domain).toEqual([-0.2, 0.3]) // 0.37 ÷ 5 = 0.074, so steps of 0.1
    expect(linear([0, 87], [0, 100]).domain).toEqual([0, 87])
  })
})

describe('percentScale', () => {
  it('spans the values and zero', () => {
    const x = percentScale([480, 744, null, undefined])
    expect(x.domain).toEqual([0, 800])
    expect(x(0)).toBe(0)
    expect(x(400)).toBe(50)
  })
  it('puts losses left of zero', () => {
    const x = percentScale([-100, 300])
    expect(x.domain).toEqual([-100, 300])
    expect(x(0)).toBe(25)
  })
  it('needs no values', () => {
    expect(percentScale([]).domain).toEqual([0, 1])
    expect(percentScale([0, 0]).domain).toEqual([0, 1])
    expect(percentScale([Number.NaN, null]).domain).toEqual([0, 1])
  })
  it('can leave zero out', () => {
    expect(percentScale([10, 11], { zero: false }).domain).toEqual([10, 11])
  })
  it('writes attributes', () => expect(pct(12.34567)).toBe('12.346%'))
  it('shares a scale where it is told the end', () => {
    const [small, large] = [percentScale([0.14], { upTo: 1 }), percentScale([1], { upTo: 1 })]
    expect(small.domain).toEqual(large.domain)
    expect(small(0.14)).toBeCloseTo(14)
  })
})
