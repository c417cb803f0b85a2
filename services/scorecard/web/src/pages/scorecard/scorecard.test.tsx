import { render } from 'preact'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scorecard } from '../../../fixtures/answers'
import { hours, noData, spend, withheld } from '../../../fixtures/measures'
import type { Contribution } from '../../api/types'
import { Figure, IntervalText } from '../../components/number'
import { setLocale } from '../../format'
import { AddsUp } from './contributions'
import { titled } from './measures'

let root: HTMLElement
beforeEach(() => {
  setLocale('en-US')
  root = document.createElement('div')
})
afterEach(() => setLocale(undefined))

const text = (node: preact.ComponentChild) => {
  render(node, root)
  return root.textContent
}

describe('Figure', () => {
  it('shows value and unit, and opens its claim', () => {
    expect(text(<Figure measure={hours} />)).toBe('612 h, where it comes from')
    expect(root.querySelector('a')?.getAttribute('href')).toContain('open=claim:hours')
  })
  it('never writes 0 for what is not known', () => {
    expect(text(<Figure measure={withheld} />)).toContain('Withheld')
    expect(text(<Figure measure={noData} />)).toContain('No data')
    expect(root.textContent).not.toContain('0')
  })
})

describe('IntervalText', () => {
  it('says how sure', () => {
    expect(text(<IntervalText of={hours} />)).toBe('90% sure: 480 to 744\u00a0h')
  })
  it('does not dress a sum as an estimate', () => {
    expect(text(<IntervalText of={spend} />)).toBe('A plain sum: no range')
    expect(text(<IntervalText of={{ ...spend, low: 5, high: 5, level: 0.9 }} />)).toBe('A plain sum: no range')
  })
  it('gives the reason', () => {
    expect(text(<IntervalText of={withheld} />)).toMatch(/Fewer than five people/)
    expect(text(<IntervalText of={noData} />)).toMatch(/no events/)
  })
})

describe('AddsUp', () => {
  it('proves the total to the last digit', () => {
    // 401.5 + 245.25 − 60.75 + 26.25 = 612.25
    expect(text(<AddsUp rows={scorecard.contributions} measure={hours} />)).toBe('rows add up exactly')
  })
  it('shows a difference of one in the last place', () => {
    const off = { ...hours, value: 612.26 }
    expect(text(<AddsUp rows={scorecard.contributions} measure={off} />)).toBe('rows add up to 612.25 h')
  })
  it('does not judge what it can not see', () => {
    const hidden: Contribution = { row: 'member', team: 'x', name: 'X', measures: { hours_saved_net: { value: null, unit: 'h', n: null, people: null, status: 'withheld', reason: 'privacy_floor' } } }
    expect(text(<AddsUp rows={[...scorecard.contributions.slice(1), hidden]} measure={hours} />)).toBe('some rows are withheld')
    // What a row withholds is inside "other": the rows shown still are the total.
    expect(text(<AddsUp rows={[...scorecard.contributions, hidden]} measure={hours} />)).toBe('rows add up exactly')
  })
})

describe('titled', () => {
  it('keeps the order of the catalogue and shows what it does not know', () => {
    const metric = { key: 'win_rate' as const, title: 'Win rate', unit: 'share', direction: 'up' as const, formula: '', adds: 'ratio' as const, version: '1', pillar: 'growth' as const, about: '' }
    const rows = titled(scorecard, [metric])
    expect(rows[0]?.title).toBe('Win rate')
    expect(rows.find((r) => r.measure.key === 'vendor_spend')).toMatchObject({ title: 'Vendor spend', pillar: 'other' })
    expect(rows).toHaveLength(Object.keys(scorecard.measures).length)
  })
})
