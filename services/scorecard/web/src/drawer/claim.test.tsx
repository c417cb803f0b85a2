import { render } from 'preact'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { claim } from '../../fixtures/answers'
import type { Claim } from '../api/types'
import { barsOf, stepColumns } from '../charts/waterfall'
import { csvOf } from '../components/table'
import { parseExact } from '../exact'
import { setLocale } from '../format'
import { ClaimCard } from './claim'

let root: HTMLElement
beforeEach(() => {
  setLocale('en-US')
  root = document.createElement('div')
})
afterEach(() => setLocale(undefined))

const shown = (c: Claim) => {
  render(<ClaimCard claim={c} />, root)
  return root.textContent ?? ''
}

describe('the waterfall', () => {
  it('goes from the time without AI to the number, each bar from where the one before ended', () => {
    const bars = barsOf(claim.waterfall)
    expect(bars.map((b) => [b.key, b.from, b.to])).toEqual([
      ['without_ai', 0, 1500.5], ['doing', 1500.5, 900.5], ['prompting', 900.5, 792.25], ['review', 792.25, 692.25], ['rework', 692.25, 632.25],
      ['correction', 632.25, 612.25], ['total', 0, 612.25],
    ])
    expect(shown(claim)).toContain('Review−100')
    expect(root.querySelectorAll('.waterfall .less').length).toBe(5)
  })
  it('keeps every digit in its table', () => {
    const steps = (parseExact('{"s":[{"key":"a","title":"A","value":1.000000000000000003},{"key":"b","title":"B","value":-0.000000000000000001}]}') as { s: Claim['waterfall'] }).s
    const bars = barsOf(steps)
    expect(csvOf(stepColumns('h'), bars)).toBe('step,value (h)\r\nA,1.000000000000000003\r\nB,-0.000000000000000001\r\nThe number,1.000000000000000002\r\n')
  })
  it('is left away where the number is no sum', () => {
    expect(shown({ ...claim, waterfall: [] })).not.toContain('How it comes about')
  })
})

describe('a number that has moved', () => {
  it('says what it was, what it is and why', () => {
    const text = shown({ ...claim, moved: true, movement: { then: 600, now: 612.25, difference: 12.25, causes: [{ cause: 'registry', difference: 12.25, details: ['baseline of blog-post'] }] } })
    expect(text).toContain('It was 600\u00a0h and is 612\u00a0h: +12.3\u00a0h')
    expect(text).toContain('What prices it was changed: +12.3\u00a0hbaseline of blog-post')
    expect(shown(claim)).not.toContain('has changed')
  })
})
