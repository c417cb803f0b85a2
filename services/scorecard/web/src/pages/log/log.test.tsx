import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { outcome, outcomes, person, preview, workflows } from '../../../fixtures/outcomes'
import type { OutcomeRequest } from '../../api/types'
import { setLocale } from '../../format'
import { kept } from './draft'
import { LogPage } from './log'

interface Reply {
  status: number
  body: unknown
  headers?: Record<string, string>
}

let root: HTMLElement
let sent: { method: string; path: string; body: unknown; match: string | null }[]
let answers: Record<string, (body: unknown) => Reply>

const problem = (status: number, detail: string, problems?: { code: string; pointer: string; message: string }[]): Reply => ({ status, body: { type: 'x', title: 'T', status, detail, problems }, headers: { 'retry-after': '2' } })

beforeEach(() => {
  setLocale('en-US')
  sessionStorage.clear()
  root = document.createElement('div')
  document.body.append(root)
  sent = []
  answers = {
    'GET /api/v1/registry/workflows': () => ({ status: 200, body: workflows }),
    'GET /api/v1/outcomes': () => ({ status: 200, body: outcomes }),
    'POST /api/v1/outcomes/preview': () => ({ status: 200, body: preview }),
    'POST /api/v1/outcomes': (body) => ({ status: 202, body: { id: (body as OutcomeRequest).id, source: '/plumbline/app', state: 'queued', receipt: '0:7' } }),
    'GET /api/v1/outcomes/:id': () => ({ status: 200, body: { ...outcome, in_numbers: true, own: { month: '2026-11', hours: 1.5, value: 54 } } }),
    'DELETE /api/v1/outcomes/:id': () => ({ status: 200, body: { ...outcome, state: 'withdrawn', version: 'withdrawn' } }),
    'PATCH /api/v1/outcomes/:id': () => ({ status: 200, body: { ...outcome, version: 'second' } }),
  }
  vi.stubGlobal('fetch', async (request: Request) => {
    const path = new URL(request.url).pathname
    const text = await request.text()
    const body: unknown = text ? JSON.parse(text) : null
    sent.push({ method: request.method, path, body, match: request.headers.get('if-match') })
    const known = answers[`${request.method} ${path}`] ?? answers[`${request.method} ${path.replace(/[^/]+$/, ':id')}`]
    const reply = known?.(body) ?? problem(404, 'nothing')
    if (reply.status === 0) throw new TypeError('away')
    return new Response(JSON.stringify(reply.body), { status: reply.status, headers: { 'content-type': 'application/json', ...reply.headers } })
  })
})
afterEach(() => {
  render(null, root)
  root.remove()
  setLocale(undefined)
  vi.unstubAllGlobals()
})

async function show(path = '/log', session = person): Promise<void> {
  history.replaceState(null, '', path)
  await act(async () => render(<LogPage session={session} />, root))
  await vi.waitFor(() => expect(root.querySelector('.loading')).toBeNull())
}

async function type(field: string, value: string): Promise<void> {
  const input = root.querySelector<HTMLInputElement>(`[name="${field}"]`)!
  await act(async () => {
    input.value = value
    input.dispatchEvent(new Event(field === 'workflow' ? 'change' : 'input', { bubbles: true }))
  })
}

const submit = () => act(async () => void root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true })))
const click = (name: string) => act(async () => [...root.querySelectorAll('button')].find((b) => b.textContent === name)!.click())
const said = (text: string) => vi.waitFor(() => expect(root.textContent?.replaceAll('\u00a0', ' ')).toContain(text))
const logs = () => sent.filter((s) => s.method === 'POST' && s.path === '/api/v1/outcomes')

describe('the page that logs an outcome', () => {
  it('says what it adds, logs it, and says that it counts by exactly that', async () => {
    await show()
    expect(root.querySelectorAll('form :is(input, select)').length).toBe(5)
    await type('workflow', 'brief')
    await type('minutes', '48')
    await said('Adds 0.5 h = $18.00 to yours, to Content and to the organisation.')
    expect(root.textContent).toContain('Without AI: 78 min per unit, declared (registry workflows/brief).')
    await submit()
    await said('your Nov 2026 has 0.50 h = $18.00 more, exactly as said before.')
    expect(logs().length).toBe(1)
    expect(logs()[0]!.body).toMatchObject({ workflow: 'brief', minutes: 48, units: 1, day: '2026-11-24', url: null, note: null })
    expect(kept(null)).toBeNull()
  })
  it('says it when other outcomes have moved the numbers, too', async () => {
    answers['GET /api/v1/outcomes/:id'] = () => ({ status: 200, body: { ...outcome, in_numbers: true, own: { month: '2026-11', hours: 1.5, value: 60 } } })
    await show()
    await type('workflow', 'brief')
    await type('minutes', '48')
    await said('Adds 0.5 h')
    await submit()
    await said('other outcomes have moved them, too')
  })
  it('undoes it', async () => {
    await show()
    await type('workflow', 'brief')
    await type('minutes', '48')
    await submit()
    await said('Logged: Brief, 48 min')
    await click('Undo')
    await said('Undone: Brief, 48 min counts nowhere.')
    const undo = sent.find((s) => s.method === 'DELETE')!
    expect(undo.path).toBe(`/api/v1/outcomes/${(logs()[0]!.body as OutcomeRequest).id}`)
  })
  it('repeats one of the last five in two clicks', async () => {
    await show()
    const buttons = [...root.querySelectorAll('.again button')].map((b) => b.textContent)
    expect(buttons).toEqual(['Brief, 48 min', 'Bare, 48 min']) // the same once; not what was withdrawn, nor work without AI
    await click('Bare, 48 min')
    expect(document.activeElement?.textContent).toBe('Log it')
    await submit()
    await vi.waitFor(() => expect(logs().length).toBe(1))
    expect(logs()[0]!.body).toMatchObject({ workflow: 'bare', minutes: 48, day: '2026-11-24' })
  })
  it('sends a double submit once, and a retry under the same id', async () => {
    await show()
    await type('workflow', 'brief')
    await type('minutes', '48')
    const good = answers['POST /api/v1/outcomes']!
    answers['POST /api/v1/outcomes'] = () => problem(503, 'The log has not confirmed it.')
    await act(async () => {
      for (let i = 0; i < 3; i++) root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }))
    })
    await said('The log does not take it just now.')
    expect(logs().length).toBe(1)
    answers['POST /api/v1/outcomes'] = good
    await submit()
    await said('Logged: Brief')
    expect(logs().map((l) => (l.body as OutcomeRequest).id)).toEqual(Array(2).fill((logs()[0]!.body as OutcomeRequest).id))
  })
  it.each([
    [401, 'Your session has ended.'], [429, 'A moment, please.'], [503, 'The log does not take it just now.'], [0, 'The server does not answer.'],
  ])('keeps what was typed when it is refused: %d', async (status, words) => {
    await show()
    await type('workflow', 'brief')
    await type('minutes', '48')
    await type('result', 'Launch brief')
    answers['POST /api/v1/outcomes'] = () => (status === 0 ? { status: 0, body: null } : problem(status, 'not now'))
    await submit()
    await said(words)
    expect(kept(null)).toMatchObject({ workflow: 'brief', minutes: '48', result: 'Launch brief' })
    // Another visit of the page in this tab begins with it.
    render(null, root)
    await show()
    expect(root.querySelector<HTMLInputElement>('[name="minutes"]')!.value).toBe('48')
    expect(root.querySelector<HTMLInputElement>('[name="result"]')!.value).toBe('Launch brief')
  })
  it('says at the field what is wrong, and goes there', async () => {
    await show()
    await submit()
    expect(root.querySelector('[name="workflow"]')!.getAttribute('aria-invalid')).toBe('true')
    await vi.waitFor(() => expect(document.activeElement?.getAttribute('name')).toBe('workflow'))
    await type('workflow', 'brief')
    await type('minutes', '-5')
    const field = root.querySelector('[name="minutes"]')!
    expect(document.getElementById(field.getAttribute('aria-describedby')!)!.textContent).toContain('can not be negative')
    await type('minutes', '48')
    answers['POST /api/v1/outcomes'] = () => problem(400, 'bad', [{ code: 'too_old', pointer: '/day', message: 'the days before 2026-01-01 are closed' }])
    await submit()
    await said('The days before 2026-01-01 are closed.')
    expect(logs().length).toBe(1)
  })
  it('says when it can not say what it adds', async () => {
    answers['POST /api/v1/outcomes/preview'] = () => problem(503, 'busy')
    await show()
    await type('workflow', 'brief')
    await type('minutes', '48')
    await said('What it adds is not known just now. You can log it all the same.')
    await submit()
    await said('It counts in your numbers since')
  })
  it('changes an outcome, and tells whoever comes second', async () => {
    answers['GET /api/v1/outcomes/:id'] = () => ({ status: 200, body: { ...outcome, in_numbers: true, own: { month: '2026-11', hours: 1.5, value: 54 } } })
    await show(`/log?edit=${outcome.id}`)
    expect(root.querySelector<HTMLInputElement>('[name="day"]')!.disabled).toBe(true)
    await type('minutes', '18')
    const good = answers['PATCH /api/v1/outcomes/:id']!
    answers['PATCH /api/v1/outcomes/:id'] = () => problem(412, 'changed')
    await submit()
    await said('It was changed elsewhere meanwhile.')
    expect(sent.findLast((s) => s.method === 'PATCH')).toMatchObject({ match: '"original"', body: { minutes: 18, workflow: 'brief' } })
    answers['GET /api/v1/outcomes/:id'] = () => ({ status: 200, body: { ...outcome, minutes: 30, version: 'other', in_numbers: true, own: { month: '2026-11', hours: 1.5, value: 54 } } })
    await click('Take the version that is there now as the one to change')
    await said('It says now: Brief, 30 min. Saving puts what stands here in its place.')
    expect(root.querySelector<HTMLInputElement>('[name="minutes"]')!.value).toBe('18')
    answers['PATCH /api/v1/outcomes/:id'] = good
    await submit()
    await said('Changed: Brief, 18 min')
    expect(sent.findLast((s) => s.method === 'PATCH')!.match).toBe('"other"')
  })
  it('says that an outcome is gone', async () => {
    answers['GET /api/v1/outcomes/:id'] = () => ({ status: 200, body: { ...outcome, state: 'withdrawn' } })
    await show(`/log?edit=${outcome.id}`)
    expect(root.textContent).toContain('It was withdrawn')
  })
  it('is for people', async () => {
    await show('/log', { ...person, person: null })
    expect(root.textContent).toContain("Outcomes are a person's own")
    expect(root.querySelector('form')).toBeNull()
  })
})
