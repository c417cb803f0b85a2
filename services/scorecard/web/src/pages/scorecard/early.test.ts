import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { scorecard } from '../../../fixtures/answers'
import { viewOf } from '../../state/url'
import { askEarly, scorecardOf } from './early'

const query = (text: string) => new URLSearchParams(text)
const asked: string[] = []

beforeEach(() => {
  asked.length = 0
  vi.stubGlobal('fetch', async (request: Request) => {
    asked.push(request.url.replace(/^https?:\/\/[^/]+/, ''))
    return new Response(JSON.stringify(scorecard), { headers: { 'content-type': 'application/json' } })
  })
})
afterEach(() => vi.unstubAllGlobals())

const { from, to } = scorecard.period
const signal = new AbortController().signal

describe('the scorecard of an address', () => {
  // The words are those of the server: web_test.go has the same table.
  it.each([
    ['from=2026-09-01&to=2026-11-29', '/api/v1/scorecard?from=2026-09-01&to=2026-11-29&scope=org&compare=previous'],
    ['from=2026-09-01&to=2026-11-29&scope=team:content&compare=year', '/api/v1/scorecard?from=2026-09-01&to=2026-11-29&scope=team%3Acontent&compare=year'],
  ])('is asked for in the words of the server: %s', async (text, url) => {
    await scorecardOf(viewOf(query(text)), signal)
    expect(asked).toEqual([url])
  })

  it('is asked for before the period is known, once', async () => {
    askEarly({ path: '/', query: query('') })
    await scorecardOf({ from, to, scope: 'org', compare: 'previous' }, signal)
    expect(asked).toEqual(['/api/v1/scorecard?scope=org&compare=previous'])
  })

  it('is asked for again where the session gives another period, and where the view is another', async () => {
    askEarly({ path: '/', query: query('') })
    await scorecardOf({ from: '2017-01-01', to: '2017-04-01', scope: 'org', compare: 'previous' }, signal)
    expect(asked.at(-1)).toBe('/api/v1/scorecard?from=2017-01-01&to=2017-04-01&scope=org&compare=previous')
    askEarly({ path: '/', query: query('scope=me') })
    await scorecardOf({ from, to, scope: 'org', compare: 'previous' }, signal)
    expect(asked.length).toBe(4)
  })

  it('is not asked for early on other pages, nor where the address has its period', () => {
    askEarly({ path: '/pipeline', query: query('') })
    askEarly({ path: '/', query: query('from=2026-09-01&to=2026-11-29') })
    expect(asked).toEqual([])
  })
})
