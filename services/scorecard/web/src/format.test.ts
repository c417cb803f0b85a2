import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import * as format from './format'

beforeEach(() => format.setLocale('en-US'))
afterEach(() => format.setLocale(undefined))

describe('value', () => {
  it.each([
    [612.25, 'h', '612\u00a0h'],
    [61.25, 'h', '61.3\u00a0h'],
    [-6.125, 'h', '−6.13\u00a0h'],
    [0, 'h', '0\u00a0h'],
    [0.61713, 'share', '61.7%'],
    [51.0104, 'days', '51.0 days'],
    [60499.68, 'index', '60,500'],
    [20.52022672899, 'USD', '$20.52'],
    [-12345.6, 'USD', '−$12,346'],
    [1250, 'EUR', '€1,250'],
    [12, 'widgets', '12.0\u00a0widgets'],
    [1254, 'deals', '1,254 deals'],
    [9, '', '9'],
  ])('writes %s %s', (v, unit, text) => expect(format.value(v, unit)).toBe(text))

  it('follows the locale', () => {
    format.setLocale('de-DE')
    expect(format.value(12345.6, 'EUR')).toBe('12.346\u00a0€')
    expect(format.value(0.617, 'share')).toBe('61,7\u00a0%')
    format.setLocale('ja-JP')
    expect(format.value(1234, 'JPY')).toMatch(/1,234/)
  })

  it('shows the sign of a difference', () => {
    expect(format.difference(38, 'h')).toBe('+38.0\u00a0h')
    expect(format.difference(-0.012, 'share')).toBe('−1.20\u00a0pp')
    expect(format.points(0.006805)).toBe('+0.68\u00a0pp')
    expect(format.relative(0.188)).toBe('+18.8%')
    expect(format.relative(0)).toBe('0.0%')
  })

  it('splits number and unit', () => {
    expect(format.figure(612.25, 'h')).toEqual({ number: '612', unit: 'h' })
    expect(format.figure(0.5, 'share')).toEqual({ number: '50.0%', unit: '' })
    expect(format.figure(51.01, 'days')).toEqual({ number: '51.0', unit: 'days' })
  })
})

describe('range', () => {
  it('uses the same digits on both ends', () => {
    expect(format.range(-9.5, 744.4, 'h')).toBe('−10 to 744\u00a0h')
    expect(format.range(48.7, 53.3, 'days')).toBe('48.7 to 53.3 days')
    expect(format.range(0.013, 0.395, 'share')).toBe('1.3% to 39.5%')
    expect(format.range(900, 1100, 'USD')).toBe('$900 to $1,100')
  })
})

describe('statistics', () => {
  it('writes p-values and chances without false certainty', () => {
    expect(format.pValue(0.0309)).toBe('p = 0.031')
    expect(format.pValue(1e-9)).toBe('p < 0.001')
    expect(format.chance(0.9)).toBe('90%')
    expect(format.chance(0.9999)).toBe('>99.9%')
    expect(format.chance(0.00001)).toBe('<0.1%')
    expect(format.counted(1, 'event', 'events')).toBe('1 event')
    expect(format.counted(64000, 'event', 'events')).toBe('64,000 events')
  })
})

describe('dates', () => {
  it('writes a half-open period by its last day', () => {
    expect(format.period('2026-08-27', '2026-11-25')).toBe('Aug 27 – Nov 24, 2026')
    expect(format.day('2026-11-24')).toBe('Nov 24, 2026')
    expect(format.month('2017-01')).toBe('Jan 2017')
  })
  it('writes an instant in the zone of the workspace', () => {
    expect(format.instant('2026-11-24T23:30:00Z', 'Europe/Berlin')).toMatch(/Nov 25, 2026.*12:30/)
  })
  it('writes instants inside text', () => {
    expect(format.withInstants('valid from 2026-01-29T00:00:00.000Z', 'UTC')).toMatch(/^valid from Jan 29, 2026.*12:00.*AM UTC$/)
  })
  it('counts days over a change of clocks', () => {
    expect(format.addDays('2026-10-24', 2)).toBe('2026-10-26')
    expect(format.addDays('2026-03-01', -1)).toBe('2026-02-28')
    expect(format.daysBetween('2026-08-27', '2026-11-25')).toBe(90)
  })
})

describe('exact', () => {
  it('loses no digit', () => {
    expect(format.exact('20.52022672899', 'USD')).toBe('20.52022672899 USD')
    expect(format.exact('0.6171259842519685', 'share')).toBe('0.6171259842519685 (share of 1)')
    expect(format.exact('-1.5e-7', 'h')).toBe('−0.00000015 h')
  })
})

describe('the locale', () => {
  it.each([
    ['en', '1,234.50\u00a0h', '$12,346', '61.7%', 'Sep 1 – Nov 28, 2026', '9,007,199,254,740,993.000000000000000001 h'],
    ['de', '1.234,50\u00a0h', '12.346\u00a0$', '61,7\u00a0%', '01.09. – 28.11.2026', '9.007.199.254.740.993,000000000000000001 h'],
    ['ja', '1,234.50\u00a0h', '$12,346', '61.7%', '2026/09/01～2026/11/28', '9,007,199,254,740,993.000000000000000001 h'],
  ])('%s writes numbers, money, shares, periods and exact digits its own way', (tag, hours, money, share, period, digits) => {
    format.setLocale(tag)
    expect(format.value(1234.5, 'h', { digits: 2 })).toBe(hours)
    expect(format.value(12345.6, 'USD')).toBe(money)
    expect(format.value(0.617, 'share')).toBe(share)
    // Where the spaces of a span stand depends on the version of the browser's tables.
    expect(format.period('2026-09-01', '2026-11-29').replace(/\s*([–～])\s*/, tag === 'ja' ? '$1' : ' $1 ')).toBe(period)
    // 2^53 + 1 and 18 places: a float would lose both ends.
    expect(format.exact('9007199254740993.000000000000000001', 'h')).toBe(digits)
  })
  it('writes days and instants its own way', () => {
    format.setLocale('de')
    expect(format.day('2026-11-24')).toBe('24.11.2026')
    expect(format.instant('2026-11-24T23:30:00Z', 'Europe/Berlin')).toBe('25.11.2026, 00:30')
    expect(format.month('2026-11')).toBe('Nov. 2026')
    format.setLocale('ja')
    expect(format.day('2026-11-24')).toBe('2026/11/24')
    expect(format.month('2026-11')).toBe('2026年11月')
  })
  it('keeps trailing zeros and signs of exact digits', () => {
    format.setLocale('de')
    expect(format.digitsOf('-1234.50')).toBe('−1.234,50')
    expect(format.digitsOf('0')).toBe('0')
  })
  it('is remembered on the device, and is the browser’s own without a choice', () => {
    format.chooseLocale('de')
    expect(format.rememberedLocale()).toBe('de')
    expect(format.value(1234.5, 'h', { digits: 1 })).toBe('1.234,5\u00a0h')
    format.chooseLocale(undefined)
    expect(format.rememberedLocale()).toBeUndefined()
    localStorage.setItem('plumbline.locale', 'xx-broken')
    expect(format.rememberedLocale()).toBeUndefined()
    localStorage.removeItem('plumbline.locale')
  })
})
