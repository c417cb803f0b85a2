import { describe, expect, it } from 'vitest'
import { evidence } from '../../fixtures/answers'
import { parseExact } from '../exact'
import { setLocale } from '../format'
import { cellText } from './evidence'
import { evidenceQuery } from './resolve'

describe('evidenceQuery', () => {
  it('reads the link of a claim', () => {
    expect(evidenceQuery('/api/v1/evidence?measure=win_rate&from=2026-08-27&to=2026-11-25&scope=team%3Aemea&basis=created')).toEqual({
      measure: 'win_rate', from: '2026-08-27', to: '2026-11-25', scope: 'team:emea', currency: undefined, basis: 'created',
    })
  })
  it('finds nothing in a link without a measure', () => {
    expect(evidenceQuery('')).toBeNull()
    expect(evidenceQuery('/api/v1/evidence')).toBeNull()
  })
})

describe('cellText', () => {
  it('keeps every digit of a number and writes days for people', () => {
    setLocale('en-US')
    const row = parseExact('{"hours":-701.77832749216629667,"week":"2026-09-07","team":null}') as Record<string, number | string | null>
    const [team, week, , hours] = evidence.columns
    expect(cellText(row, hours!, 'UTC')).toBe('−701.77832749216629667')
    expect(cellText(row, week!, 'UTC')).toBe('Sep 7, 2026')
    expect(cellText(row, team!, 'UTC')).toBe('')
    setLocale(undefined)
  })
})
