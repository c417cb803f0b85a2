import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { scorecard } from '../../../fixtures/answers'
import { outcome, outcomes, person, workflows } from '../../../fixtures/outcomes'
import type { OutcomeList, Scorecard } from '../../api/types'
import { setLocale } from '../../format'
import { ImpactPage } from './impact'
import { shareWords } from './shares'

let root: HTMLElement
let asked: URL[]
let withdrawn: { path: string; match: string | null }[]

const numbers = (hours: number | null, covers?: { from: string; to: string }): Scorecard => {
  const m = scorecard.measures['hours_saved_net']!
  const of = (value: number | null, unit: string) => ({ ...m, value, unit, status: value === null ? ('withheld' as const) : ('ok' as const), reason: value === null ? 'privacy_floor' : null, covers })
  return { ...scorecard, measures: { hours_saved_net: of(hours, 'h'), capacity_value: of(hours === null ? null : hours * 36, 'USD') } }
}

async function show(list: OutcomeList, status = 200, delete412 = false): Promise<void> {
  vi.stubGlobal('fetch', async (request: Request) => {
    const url = new URL(request.url)
    asked.push(url)
    const scope = url.searchParams.get('scope')
    let body: unknown = list
    if (url.pathname.includes('/registry/')) body = workflows
    if (url.pathname === '/api/v1/scorecard') {
      const october = url.searchParams.get('to') === '2026-11-01'
      body = scope === 'me' ? numbers(october ? 2 : 3) : scope === 'org' ? numbers(null) : numbers(16, { from: '2026-09-01', to: '2026-11-01' })
    }
    if (request.method === 'DELETE') {
      withdrawn.push({ path: url.pathname, match: request.headers.get('if-match') })
      if (delete412) return new Response(JSON.stringify({ detail: 'changed' }), { status: 412 })
      body = { ...outcome, state: 'withdrawn' }
    }
    if (status !== 200) body = { title: 'T', detail: 'not now' }
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
  })
  history.replaceState(null, '', '/impact?from=2026-09-01&to=2026-11-25')
  await act(async () => render(<ImpactPage session={person} teams={new Map()} from="2026-09-01" to="2026-11-25" />, root))
  await vi.waitFor(() => expect(root.querySelector('.loading')).toBeNull())
}

beforeEach(() => {
  setLocale('en-US')
  root = document.createElement('div')
  document.body.append(root)
  asked = []
  withdrawn = []
})
afterEach(() => {
  render(null, root)
  root.remove()
  setLocale(undefined)
  vi.unstubAllGlobals()
})

const cells = (table: number) => [...root.querySelectorAll('table')[table]!.querySelectorAll('tbody tr')].map((row) => [...row.querySelectorAll('th, td')].map((cell) => cell.textContent?.replaceAll('\u00a0', ' ')))

describe('the page of my impact', () => {
  it('shows my share of the same days, and what is withheld in words', async () => {
    await show(outcomes)
    await vi.waitFor(() => expect(root.querySelectorAll('table').length).toBe(2))
    const [hours] = cells(0)
    expect(hours![1]).toContain('3.00 h')
    expect(hours![2]).toContain('mine is 12.5%') // 2 of 16 h, in the months that the team is shown of
    expect(hours![2]).toContain('Sep 1 – Oct 31, 2026')
    expect(hours![3]).toMatch(/five people/)
  })
  it('says what became of each outcome', async () => {
    await show(outcomes)
    const rows = cells(1)
    expect(rows.map((r) => r[3])).toEqual([
      'counted by the declared baseline', 'counted by the declared baseline, waiting for review', 'withdrawn', 'kept: the workflow has no baseline yet, corrected', 'without AI: it measures the baseline',
    ])
    expect(rows[0]![2]).toBe('+0.50 h')
    expect(rows[2]![2]).toBe('not counted')
    expect(rows[1]![1]).toContain('Launch brief')
    expect(rows[1]![6]).toBe('waiting')
  })
  it('withdraws what was logged here, asked twice and by its version', async () => {
    await show(outcomes)
    const button = () => root.querySelector<HTMLButtonElement>('button[aria-label$="Brief of Nov 24, 2026"]')!
    expect(root.querySelectorAll('button[aria-label^="Withdraw"]').length).toBe(3) // not what a tool has sent, nor what is withdrawn
    await act(async () => button().click())
    expect(withdrawn).toEqual([])
    await act(async () => button().click())
    await vi.waitFor(() => expect(withdrawn).toEqual([{ path: `/api/v1/outcomes/${outcome.id}`, match: '"original"' }]))
    expect(root.querySelector('a[aria-label^="Edit"]')!.getAttribute('href')).toBe(`/log?from=2026-09-01&to=2026-11-25&edit=${outcome.id}`)
  })
  it('tells whoever withdraws what was changed meanwhile', async () => {
    await show(outcomes, 200, true)
    const button = () => root.querySelector<HTMLButtonElement>('button[aria-label$="Brief of Nov 24, 2026"]')!
    await act(async () => button().click())
    await act(async () => button().click())
    await vi.waitFor(() => expect(root.textContent).toContain('It was changed elsewhere meanwhile'))
  })
  it('is empty in words', async () => {
    await show({ ...outcomes, outcomes: [], total: 0 })
    await vi.waitFor(() => expect(root.textContent).toContain('Nothing of yours in this period'))
  })
  it('says why it shows nothing', async () => {
    await show(outcomes, 503)
    expect(root.textContent).toContain('The server is busy')
  })
})

describe('a share in words', () => {
  it.each<[number | null, number, string]>([
    [2, 16, 'mine is 12.5%'], [null, 16, 'none of it is mine'], [2, 0, 'no gain to have a share of'], [2, -3, 'no gain to have a share of'], [-1, 16, 'mine is a loss in it'], [0, 16, 'mine is 0.0%'],
  ])('%s of %s', (mine, whole, want) => expect(shareWords(mine, whole)).toBe(want))
})
