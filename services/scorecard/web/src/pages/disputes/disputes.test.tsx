import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { dispute } from '../../../fixtures/disputes'
import { person } from '../../../fixtures/outcomes'
import { workflowList } from '../../../fixtures/pillars'
import { setLocale } from '../../format'
import { DisputesPage } from './disputes'
import { anyId, emptyRaise, outcomeWords, proposedWords, raiseOf, raiseWrong } from './draft'

interface Reply {
  status: number
  body: unknown
}

let root: HTMLElement
let sent: { method: string; path: string; body: Record<string, unknown> | null; match: string | null }[]
let answers: Record<string, (body: Record<string, unknown> | null) => Reply>

const problem = (status: number, detail: string, problems: { code: string; pointer: string; message: string }[] = []): Reply => ({ status, body: { type: 'x', title: 'T', status, detail, problems } })
const ok = (body: unknown, status = 200) => (): Reply => ({ status, body })

beforeEach(() => {
  setLocale('en-US')
  sessionStorage.clear()
  root = document.createElement('div')
  document.body.append(root)
  sent = []
  answers = {
    'GET /api/v1/disputes': ok({ disputes: [dispute, { ...dispute, id: 'd2', state: 'withdrawn', may: [], outcome: { by: 'raiser', you: false, day: '2026-11-20', text: null, erased: false, baseline: null, from: null } }], total: 2, next: null }),
    'GET /api/v1/disputes/d1': ok(dispute),
    'GET /api/v1/workflows': ok({ ...workflowList, workflows: workflowList.workflows.slice(0, 1) }),
    'POST /api/v1/disputes': ok(dispute, 201),
    'GET /api/v1/metrics': ok({ metrics: [{ key: 'hours_saved_net', title: 'Net hours saved' }] }),
  }
  vi.stubGlobal('fetch', async (request: Request) => {
    const path = new URL(request.url).pathname
    const text = await request.text()
    const body = text ? (JSON.parse(text) as Record<string, unknown>) : null
    sent.push({ method: request.method, path, body, match: request.headers.get('if-match') })
    const reply = answers[`${request.method} ${path}`]?.(body) ?? problem(404, 'nothing')
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

async function show(query = '', session: typeof person | null = person): Promise<void> {
  render(null, root)
  history.replaceState(null, '', `/disputes?from=2026-09-01&to=2026-11-29${query}`)
  await act(async () => render(<DisputesPage session={session} />, root))
  await vi.waitFor(() => expect(root.querySelector('.loading')).toBeNull())
}

const text = () => (root.textContent ?? '').replaceAll('\u00a0', ' ')
const field = (name: string) => root.querySelector<HTMLInputElement>(`[name="${name}"]`)!
const button = (words: string) => [...root.querySelectorAll('button')].find((b) => b.textContent?.startsWith(words))!
const click = (words: string) => act(async () => button(words).click())
const submit = (n = 0) => act(async () => void [...root.querySelectorAll('form')][n]!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true })))
const posts = () => sent.filter((s) => s.method !== 'GET')

async function type(values: Record<string, string>): Promise<void> {
  for (const [name, value] of Object.entries(values)) {
    await act(async () => {
      field(name).value = value
      field(name).dispatchEvent(new Event(field(name).tagName === 'SELECT' ? 'change' : 'input', { bubbles: true }))
    })
  }
}

describe('the list of disputes', () => {
  it('says what is disputed, what is proposed and how it stands, and names nobody', async () => {
    await show()
    const rows = [...root.querySelectorAll('tbody tr')].map((r) => r.textContent?.replaceAll('\u00a0', ' '))
    expect(rows[0]).toBe('Briefopen120 min per brief (100 to 150), declared60 min per brief (50 to 90)Oct 1, 202622Nov 12, 2026')
    expect(rows[1]).toContain('withdrawn')
    expect(text()).toContain('Nobody is told who has raised, supported or said something.')
  })
  it('says so where there is none', async () => {
    answers['GET /api/v1/disputes'] = ok({ disputes: [], total: 0, next: null })
    await show()
    expect(text()).toContain('Nobody has said that a baseline is wrong.')
    await show('&state=open&workflow=brief')
    expect(text()).toContain('None is in this state, or of this workflow.')
  })
})

const raised = { low: '50', mode: '60', high: '90,5', text: ' we have templates ' }

describe('raising one', () => {
  it('shows what it is now, sends it once however often, and opens it', async () => {
    await show('&raise=brief')
    expect(text()).toContain('Brief: 78 min per brief (60 to 90)')
    expect(document.activeElement?.id).toBe('raise')
    await type(raised)
    await Promise.all([submit(), submit()])
    await vi.waitFor(() => expect(location.search).toContain('dispute=d1'))
    expect(posts()).toHaveLength(1)
    expect(posts()[0]?.body).toMatchObject({ workflow: 'brief', proposed: { low: 50, mode: 60, high: 90.5 }, text: 'we have templates', url: null, version: workflowList.workflows[0]!.baselines[0]!.version })
    expect(posts()[0]?.body).not.toHaveProperty('direction')
    expect(location.search).not.toContain('raise=')
  })
  for (const [status, words] of [[0, 'The server does not answer'], [401, 'Your session has ended'], [412, 'It was changed elsewhere meanwhile'], [503, 'The log does not take it just now']] as const) {
    it(`keeps what was typed when it is refused: ${status}`, async () => {
      answers['POST /api/v1/disputes'] = () => problem(status, 'Not now.')
      await show('&raise=brief')
      await type(raised)
      await submit()
      await vi.waitFor(() => expect(text()).toContain(words))
      await show('&raise=brief') // the page is loaded anew, as after signing in
      expect([field('low').value, field('mode').value, field('text').value]).toEqual(['50', '60', ' we have templates '])
      await submit()
      await vi.waitFor(() => expect(posts()).toHaveLength(2))
      expect(posts()[1]?.body?.['id']).toBe(posts()[0]?.body?.['id'])
    })
  }
  it('says at the field what is wrong, before and after it is sent', async () => {
    await show('&raise=brief')
    await type({ low: '70', mode: '60', high: 'many' })
    await submit()
    for (const words of ['At least is not more than usually.', 'Write minutes as a number, such as 45.', 'Say why in a few words.']) expect(text()).toContain(words)
    expect(posts()).toHaveLength(0)
    answers['POST /api/v1/disputes'] = () => problem(400, 'Wrong.', [{ code: 'bad', pointer: '/from', message: 'choose another day' }])
    await type({ how: 'too_low', text: 'x' })
    await submit()
    await vi.waitFor(() => expect(text()).toContain('Choose another day.'))
    expect(posts()[0]?.body).toMatchObject({ direction: 'too_low' })
  })
  it('is for people, and of a workflow with a baseline', async () => {
    await show('&raise=brief', { ...person, person: null } as unknown as typeof person)
    expect(text()).toContain('Sign in as yourself to dispute it.')
    answers['GET /api/v1/workflows'] = ok({ ...workflowList, workflows: workflowList.workflows.slice(2) })
    await show('&raise=new_thing')
    expect(text()).toContain('There is no baseline to dispute')
  })
})

describe('one dispute', () => {
  it('is discussed and supported, and says who by no name', async () => {
    await show('&dispute=d1')
    expect(text()).toContain('Open since Nov 12, 2026, raised by somebody and supported by 2 others.')
    expect([...root.querySelectorAll('.discussion li')].map((l) => l.textContent)).toEqual(['Who raised it, Nov 13, 2026since October', 'You, Nov 14, 2026What was said here is gone with whoever said it.'])
    answers['PUT /api/v1/disputes/d1/support'] = ok({ ...dispute, support: 3, supported: true, may: ['comment', 'unsupport'] })
    await click('I find so, too')
    await vi.waitFor(() => expect(button('I find so, too').getAttribute('aria-pressed')).toBe('true'))
    answers['POST /api/v1/disputes/d1/comments'] = ok(dispute, 201)
    await submit()
    expect(text()).toContain('Write what you have to say.')
    await type({ comment: 'mine take an hour' })
    await Promise.all([submit(), submit()])
    await vi.waitFor(() => expect(field('comment').value).toBe(''))
    expect(posts().filter((s) => s.path.endsWith('/comments'))).toHaveLength(1)
  })
  it('is decided with the version that was read, after what that would change was shown', async () => {
    answers['GET /api/v1/disputes/d1'] = ok({ ...dispute, may: ['comment', 'resolve'] })
    answers['POST /api/v1/disputes/d1/preview'] = ok({ changes: [], scorecard: {}, difference: { hours_saved_net: { unit: 'h', before: 24, after: 16, difference: -8, status_before: 'ok', status_after: 'ok' } } })
    answers['POST /api/v1/disputes/d1/resolve'] = () => problem(412, 'changed')
    await show('&dispute=d1')
    expect([field('low').value, field('mode').value, field('high').value, field('from').value]).toEqual(['50', '60', '90', '2026-10-01'])
    await click('Show what that would change')
    await vi.waitFor(() => expect(text()).toContain('Net hours saved24.0 h16.0 h−8.00 h'))
    await submit(1)
    await vi.waitFor(() => expect(text()).toContain('It was changed elsewhere meanwhile'))
    const done = { ...dispute, state: 'accepted', may: [], outcome: { by: 'owner', you: true, day: '2026-11-20', text: null, erased: false, baseline: { low: 50, mode: 60, high: 90 }, from: '2026-10-01' } }
    answers['POST /api/v1/disputes/d1/resolve'] = ok(done)
    await submit(1)
    await vi.waitFor(() => expect(text()).toContain('Accepted: 60 min per brief (50 to 90) from Oct 1, 2026 on, by you on Nov 20, 2026.'))
    const last = posts().at(-1)
    expect(last?.match).toBe('"v1"')
    expect(last?.body).toMatchObject({ decision: 'accept', baseline: { low: 50, mode: 60, high: 90 }, from: '2026-10-01', text: null })
  })
  it('says why what it would change is not told', async () => {
    answers['GET /api/v1/disputes/d1'] = ok({ ...dispute, may: ['resolve'] })
    answers['POST /api/v1/disputes/d1/preview'] = () => problem(400, 'few', [{ code: 'privacy_floor', pointer: '/baseline', message: 'fewer than five people stand behind the workflow' }])
    await show('&dispute=d1')
    await click('Show what that would change')
    await vi.waitFor(() => expect(text()).toContain('What it would change is not told. Fewer than five people stand behind the workflow. An administrator can accept it all the same.'))
    await type({ decision: 'reject' })
    await submit()
    expect(text()).toContain('Say why in a few words.')
  })
})

describe('words', () => {
  it('of ids tell no time', () => {
    const hour = 36e5
    const times = Array.from({ length: 20 }, () => Number.parseInt(anyId().replaceAll('-', '').slice(0, 12), 16))
    expect(times.filter((t) => Math.abs(t - Date.now()) < hour)).toEqual([])
  })
  it('say how it ended by office', () => {
    const ended = (by: 'owner' | 'administrator' | 'raiser', state: typeof dispute.state) => outcomeWords({ ...dispute, state, outcome: { by, you: false, day: '2026-11-20', text: 'no', erased: false, baseline: null, from: null } })
    expect(ended('administrator', 'rejected')).toBe('Rejected, by an administrator on Nov 20, 2026.')
    expect(ended('raiser', 'withdrawn')).toBe('Withdrawn, by whoever raised it on Nov 20, 2026.')
    expect(outcomeWords(dispute)).toBe('')
    expect(proposedWords({ ...dispute, proposed: null, direction: 'too_high' })).toBe('it is too high')
  })
  it('of a draft are one of two things', () => {
    const draft = { ...emptyRaise('2026-11-01'), text: 'x' }
    expect(Object.keys(raiseWrong(draft))).toEqual(['low', 'mode', 'high'])
    expect(raiseWrong({ ...draft, how: 'too_high' })).toEqual({})
    expect(raiseWrong({ ...draft, how: 'too_high', url: 'javascript:alert(1)' })).toHaveProperty('url')
    expect(raiseOf('w', { ...draft, how: 'too_high' }, null)).not.toHaveProperty('proposed')
  })
})
