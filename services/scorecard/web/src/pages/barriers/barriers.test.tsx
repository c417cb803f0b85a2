import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { person } from '../../../fixtures/outcomes'
import { barriers } from '../../../fixtures/pillars'
import { setLocale } from '../../format'
import { BarriersPage } from './barriers'
import { ownerWords, readSaying, saidWrong, sayOf } from './draft'

interface Reply {
  status: number
  body: unknown
}

let root: HTMLElement
let sent: { method: string; path: string; body: Record<string, unknown> | null; match: string | null }[]
let answers: Record<string, (body: Record<string, unknown> | null) => Reply>

const problem = (status: number, detail: string, problems: { code: string; pointer: string; message: string }[] = []): Reply => ({ status, body: { type: 'x', title: 'T', status, detail, problems } })

beforeEach(() => {
  setLocale('en-US')
  sessionStorage.clear()
  root = document.createElement('div')
  document.body.append(root)
  sent = []
  answers = {
    'GET /api/v1/barriers': () => ({ status: 200, body: barriers }),
    'POST /api/v1/barriers': (body) => ({ status: 201, body: { id: body?.['id'], barrier: body?.['barrier'] ?? 'slow_tool', action: body?.['action'], state: 'counted' } }),
    'DELETE /api/v1/barriers/:id': () => ({ status: 200, body: { id: 'x', barrier: 'slow_tool', action: 'report', state: 'withdrawn' } }),
  }
  vi.stubGlobal('fetch', async (request: Request) => {
    const path = new URL(request.url).pathname
    const text = await request.text()
    const body = text ? (JSON.parse(text) as Record<string, unknown>) : null
    sent.push({ method: request.method, path, body, match: request.headers.get('if-match') })
    const known = answers[`${request.method} ${path}`] ?? answers[`${request.method} ${path.replace(/[^/]+$/, ':id')}`]
    const reply = known?.(body) ?? problem(404, 'nothing')
    if (reply.status === 0) throw new TypeError('away')
    return new Response(JSON.stringify(reply.body), { status: reply.status, headers: { 'content-type': 'application/json', 'retry-after': '2' } })
  })
})
afterEach(() => {
  render(null, root)
  root.remove()
  setLocale(undefined)
  vi.unstubAllGlobals()
})

async function show(say = ''): Promise<void> {
  render(null, root)
  history.replaceState(null, '', `/barriers?from=2026-09-01&to=2026-11-29${say && `&say=${encodeURIComponent(say)}`}`)
  await act(async () => render(<BarriersPage session={person} teams={new Map()} from="2026-09-01" to="2026-11-29" />, root))
  await vi.waitFor(() => expect(root.querySelector('.loading')).toBeNull())
}

const field = (name: string) => root.querySelector<HTMLInputElement>(`[name="${name}"]`)!

async function type(values: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    await act(async () => {
      field(name).value = value
      field(name).dispatchEvent(new Event(name === 'category' ? 'change' : 'input', { bubbles: true }))
    })
  }
}

const submit = () => act(async () => void root.querySelector('form.outcome-form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true })))
const posts = () => sent.filter((s) => s.method === 'POST')
const text = () => root.textContent ?? ''

async function reported(): Promise<void> {
  await show('report')
  await type({ title: ' Slow tool ', category: 'quality', minutes: '45,5', note: 'three minutes a draft' })
  await submit()
}

describe('reporting a barrier', () => {
  it('sends what was typed once, however often it is sent, and says who sees it', async () => {
    await show('report')
    await type({ title: ' Slow tool ', category: 'quality', minutes: '45,5' })
    await Promise.all([submit(), submit()])
    await vi.waitFor(() => expect(text()).toContain('Reported: Slow tool. It stands among yours at once.'))
    expect(posts()).toHaveLength(1)
    expect(posts()[0]?.body).toMatchObject({ action: 'report', title: 'Slow tool', category: 'quality', minutes_lost: 45.5, note: null })
    expect(posts()[0]?.match).toBeNull()
    expect(location.search).not.toContain('say=')
  })

  it('is undone by one click', async () => {
    await reported()
    await vi.waitFor(() => expect(text()).toContain('Reported: Slow tool'))
    await act(async () => [...root.querySelectorAll('button')].find((b) => b.textContent === 'Undo')!.click())
    await vi.waitFor(() => expect(text()).toContain('Undone: it counts nowhere.'))
    expect(sent.filter((s) => s.method === 'DELETE').map((s) => s.path)).toEqual([`/api/v1/barriers/${String(posts()[0]?.body?.['id'])}`])
  })

  for (const [status, words] of [[0, 'The server does not answer'], [401, 'Your session has ended'], [429, 'A moment, please'], [503, 'The log does not take it just now']] as const) {
    it(`keeps what was typed when it is refused, and sends the same again: ${status}`, async () => {
      answers['POST /api/v1/barriers'] = () => problem(status, 'Not now.')
      await reported()
      await vi.waitFor(() => expect(text()).toContain(words))
      expect(field('title').value).toBe(' Slow tool ')
      await show('report') // the page is loaded anew, as after signing in
      expect([field('title').value, field('category').value, field('minutes').value, field('note').value]).toEqual([' Slow tool ', 'quality', '45,5', 'three minutes a draft'])
      await submit()
      await vi.waitFor(() => expect(posts()).toHaveLength(2))
      expect(posts()[1]?.body?.['id']).toBe(posts()[0]?.body?.['id'])
    })
  }

  it('says what is wrong at the field, before and after it is sent', async () => {
    await show('report')
    await type({ minutes: '-3' })
    await submit()
    expect(text()).toContain('Say in a few words what is in the way.')
    expect(text()).toContain('Choose of what kind it is.')
    expect(text()).toContain('Minutes can not be negative.')
    expect(posts()).toHaveLength(0)
    answers['POST /api/v1/barriers'] = () => problem(400, 'Wrong.', [{ code: 'too_large', pointer: '/minutes_lost', message: 'minutes_lost is too large' }])
    await type({ title: 'x', category: 'policy', minutes: '1e9'.replace('e', '0') })
    await submit()
    await vi.waitFor(() => expect(text()).toContain('Minutes_lost is too large.'))
  })
})

describe('doing something about a barrier', () => {
  it('takes the version that was seen, and after a change the one that is there now', async () => {
    answers['POST /api/v1/barriers'] = () => problem(412, 'Changed.')
    await show('take no_licence')
    await type({ note: 'I ask the vendor' })
    await submit()
    await vi.waitFor(() => expect(text()).toContain('It was changed elsewhere meanwhile'))
    expect(posts()[0]?.match).toBe('"v-no_licence"')
    const now = { ...barriers, barriers: barriers.barriers.map((r) => ({ ...r, version: r.version && 'newer' })) }
    answers['GET /api/v1/barriers'] = () => ({ status: 200, body: now })
    await act(async () => [...root.querySelectorAll('button')].find((b) => b.textContent?.startsWith('Look at it'))!.click())
    await vi.waitFor(() => expect(text()).not.toContain('It was changed elsewhere'))
    answers['POST /api/v1/barriers'] = (body) => ({ status: 201, body: { id: body?.['id'], barrier: 'no_licence', action: 'take', state: 'counted' } })
    expect(field('note').value).toBe('I ask the vendor')
    await submit()
    await vi.waitFor(() => expect(text()).toContain('Yours to clear: No licence.'))
    expect(posts()[1]?.match).toBe('"newer"')
    expect(posts()[1]?.body).toMatchObject({ action: 'take', barrier: 'no_licence', note: 'I ask the vendor' })
    expect(posts()[1]?.body).not.toHaveProperty('minutes_lost')
    expect(posts()[1]?.body?.['id']).not.toBe(posts()[0]?.body?.['id'])
  })

  it('says so where the board shows no such barrier', async () => {
    await show('resolve hidden')
    expect(text()).toContain('The board shows no such barrier')
  })

  it('takes back what one has said, and leaves what a tool has sent to the tool', async () => {
    await show()
    const rows = [...root.querySelectorAll('[aria-labelledby="yours"] tbody tr')].map((r) => r.textContent)
    expect(rows[0]).toContain('45.5')
    expect(rows[1]).toContain('where it came from')
    await act(async () => root.querySelector<HTMLButtonElement>('[aria-labelledby="yours"] button')!.click())
    await vi.waitFor(() => expect(text()).toContain('Taken back: what you reported of Slow tool counts nowhere.'))
  })
})

describe('words', () => {
  it('name an office, and no person', () => {
    expect(ownerWords(null)).toBe('nobody yet')
    expect(ownerWords({ you: true, role: 'ic', team: 'web', team_name: 'Web' })).toBe('you')
    expect(ownerWords({ you: false, role: 'ic', team: 'web', team_name: 'Web' })).toBe('somebody of Web')
    expect(ownerWords({ you: false, role: null, team: null, team_name: null })).toBe('somebody')
  })
  it('of the address are read strictly', () => {
    expect(readSaying('take a b/c')).toEqual({ action: 'take', barrier: 'a b/c' })
    expect(readSaying('report')).toEqual({ action: 'report', barrier: null })
    for (const bad of [null, '', 'take', 'praise x']) expect(readSaying(bad)).toBeNull()
  })
  it('of support keep the category and may leave out the minutes', () => {
    const draft = { id: 'i', title: '', category: '', minutes: '', note: '', version: null }
    expect(saidWrong({ action: 'support', barrier: 'x' }, draft)).toEqual({})
    expect(sayOf({ action: 'support', barrier: 'x' }, draft, 'policy')).toEqual({ id: 'i', action: 'support', barrier: 'x', category: 'policy', minutes_lost: null, note: null })
  })
})
