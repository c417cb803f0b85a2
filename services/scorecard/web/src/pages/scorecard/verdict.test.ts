import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { setLocale } from '../../format'
import { change, verdict } from './verdict'

beforeEach(() => setLocale('en-US'))
afterEach(() => setLocale(undefined))

const measure = (value: number | null, low: number | null, high: number | null) => ({ value, low, high, level: 0.9, status: value === null ? ('withheld' as const) : ('ok' as const) })

describe('verdict', () => {
  it('is sure only where the whole range is', () => {
    expect(verdict(measure(612, 480, 744))).toMatch(/above zero: AI saved time/)
    expect(verdict(measure(-50, -80, -20))).toMatch(/below zero: AI cost more/)
    expect(verdict(measure(10, -5, 25))).toMatch(/includes zero/)
    expect(verdict(measure(10, 0, 25))).toMatch(/includes zero/)
  })
  it('says when it can not be said', () => {
    expect(verdict(measure(null, null, null))).toMatch(/can not be said/)
    expect(verdict(measure(612, null, null))).toMatch(/no interval/)
  })
})

describe('change', () => {
  const previous = { from: '2026-05-29', to: '2026-08-27', value: 574, low: null, high: null, n: 900, status: 'ok' as const, reason: null }
  it('names the value before and the difference', () => {
    // 612 − 574 = 38
    expect(change({ value: 612, unit: 'h', previous })).toBe('before: 574\u00a0h (+38.0\u00a0h)')
    expect(change({ value: 0.6, unit: 'share', previous: { ...previous, value: 0.62 } })).toBe('before: 62.0% (−2.00\u00a0pp)')
  })
  it('does not compare with what is not known', () => {
    expect(change({ value: 612, unit: 'h', previous: null })).toBeNull()
    expect(change({ value: 612, unit: 'h', previous: { ...previous, value: null, status: 'no_data' } })).toBe('before: no data')
    expect(change({ value: null, unit: 'h', previous })).toBe('before: 574\u00a0h')
  })
})
