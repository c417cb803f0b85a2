import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { scorecard } from '../../../fixtures/answers'
import { person } from '../../../fixtures/outcomes'
import type { Scorecard, SeriesPoint, Session } from '../../api/types'
import { marksOf, Sparkline } from '../../charts/sparkline'
import { setLocale } from '../../format'
import { Measures, titled } from './measures'
import { Notes } from './notes'

const leader = { ...person, role: 'leader' } as Session
const notes: Scorecard['annotations'] = [
  { id: 'a', day: '2026-10-05', text: 'new brief template', scope: 'org', url: 'https://example.com/brief' },
  { id: 'b', day: '2026-10-20', text: 'two new writers', scope: 'team:content', url: 'javascript:alert(1)' },
]
const months = ['2026-09-01', '2026-10-01', '2026-11-01', '2026-12-01']
const series: SeriesPoint[] = months.slice(0, 3).map((from, i) => ({ from, to: months[i + 1]!, value: 10 + i }))

let root: HTMLElement
let sent: { method: string; path: string; body: Record<string, unknown> | null }[]
let status: number

beforeEach(() => {
  setLocale('en-US')
  sessionStorage.clear()
  root = document.createElement('div')
  document.body.append(root)
  sent = []
  status = 201
  vi.stubGlobal('fetch', async (request: Request) => {
    const text = await request.text()
    sent.push({ method: request.method, path: new URL(request.url).pathname, body: text ? (JSON.parse(text) as Record<string, unknown>) : null })
    const body = status < 400 ? notes[0] : { type: 'x', title: 'T', status, detail: 'Not now.', problems: status === 400 ? [{ code: 'bad', pointer: '/day', message: 'choose another day' }] : [] }
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
  })
})
afterEach(() => {
  render(null, root)
  root.remove()
  setLocale(undefined)
  vi.unstubAllGlobals()
})

const again = vi.fn()

async function show(session: Session | null, with_: Partial<Scorecard> = {}): Promise<string> {
  await act(async () => render(<Notes scorecard={{ ...scorecard, annotations: notes, ...with_ }} session={session} teams={new Map([['content', 'Content']])} again={again} />, root))
  return root.textContent ?? ''
}

const click = (words: string) => act(async () => [...root.querySelectorAll('button')].find((b) => b.textContent?.startsWith(words))!.click())
const submit = () => act(async () => void root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true })))

describe('notes on days', () => {
  it('say which day, about whom and what, and follow no link that is none', async () => {
    await show(person)
    expect([...root.querySelectorAll('li')].map((l) => l.textContent?.replace(/\s+/g, ' ').trim())).toEqual([
      'Oct 5, 2026: new brief template more on the note of Oct 5, 2026', 'Oct 20, 2026 Team Content: two new writers',
    ])
    expect([...root.querySelectorAll('li a')].map((a) => a.getAttribute('href'))).toEqual(['https://example.com/brief'])
    expect(root.querySelectorAll('button')).toHaveLength(0)
  })
  it('are nothing at all where there are none and none may be added', async () => {
    for (const who of [person, { ...leader, signed_in: false }, null]) expect(await show(who, { annotations: [] })).toBe('')
    expect(await show(leader, { annotations: [] })).toContain('Add a note')
  })
  it('are added in two clicks, once, and kept where that fails', async () => {
    await show(leader, { scope: 'team:content' })
    await click('Add a note')
    expect(root.querySelector<HTMLInputElement>('[name="day"]')!.value).toBe('2026-11-24') // the last day of the period
    await submit()
    expect(root.textContent).toContain('Write what happened on that day.')
    expect(sent).toHaveLength(0)
    const text = root.querySelector<HTMLInputElement>('[name="text"]')!
    await act(async () => {
      text.value = ' new tool '
      text.dispatchEvent(new Event('input', { bubbles: true }))
    })
    status = 503
    await submit()
    await vi.waitFor(() => expect(root.textContent).toContain('The log does not take it just now'))
    status = 201
    await Promise.all([submit(), submit()])
    await vi.waitFor(() => expect(root.textContent).toContain('The note is written.'))
    expect(sent).toHaveLength(2)
    expect(sent[1]?.body).toMatchObject({ day: '2026-11-24', text: 'new tool', url: null, scope: 'team:content' })
    expect(sent[1]?.body?.['id']).toBe(sent[0]?.body?.['id'])
    expect(again).toHaveBeenCalled()
  })
  it('are taken away in two clicks', async () => {
    await show(leader)
    await click('Take away')
    expect(sent).toHaveLength(0)
    await click('Take it away for everybody')
    await vi.waitFor(() => expect(root.textContent).toContain('The note is taken away.'))
    expect(sent.map((s) => `${s.method} ${s.path}`)).toEqual(['DELETE /api/v1/annotations/a'])
  })
})

describe('notes in charts', () => {
  it('stand where their days are, and are one mark where they are close', () => {
    // The middle of October is the middle of the curve: day 5 of 31 is (4.5 / 31 − 0.5) of a span before it.
    expect(marksOf(series, notes).map((m) => [m.words, Math.round(m.x * 100) / 100])).toEqual([['1', 32.26], ['2', 56.45]])
    expect(marksOf(series, [notes[0]!, { ...notes[1]!, day: '2026-10-07' }])).toMatchObject([{ words: '1 to 2' }])
    expect(marksOf(series, [{ ...notes[0]!, day: '2027-01-01' }])).toEqual([])
    expect(marksOf(series, [{ ...notes[0]!, day: '2026-09-01' }])[0]?.x).toBe(0)
  })
  it('are said in words, and change nothing where there are none', async () => {
    await act(async () => render(<Sparkline series={series} label="Hours" notes={notes} />, root))
    expect(root.querySelector('[role="img"]')!.getAttribute('aria-label')).toBe('Hours, with the notes 1, 2')
    expect([...root.querySelectorAll('text')].map((t) => t.textContent)).toEqual(['1', '2'])
    await act(async () => render(<Sparkline series={series} label="Hours" />, root))
    expect(root.querySelectorAll('.noted, text')).toHaveLength(0)
  })
  it('stand in the table of weeks', async () => {
    const card = { ...scorecard, annotations: notes, measures: { hours_saved_net: { ...scorecard.measures['hours_saved_net']!, series } } }
    await act(async () => render(<Measures rows={titled(card, [])} headline={undefined} scorecard={card} />, root))
    const rows = [...root.querySelectorAll('table')].at(-1)!.querySelectorAll('tbody tr')
    expect([...rows].map((r) => r.lastElementChild?.textContent)).toEqual(['', 'new brief template; two new writers', ''])
  })
})
