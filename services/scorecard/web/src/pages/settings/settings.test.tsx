import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { answer } from '../../../fixtures/answers'
import { assumptionList, realisation, whatIf } from '../../../fixtures/settings'
import type { Catalogue, Session } from '../../api/types'
import { setLocale } from '../../format'
import { atFields, bodyOf, complaints, draftOf, kept, plainNumber, readDoing, saysSame } from './draft'
import { whenWords } from './desk'
import { byWords, valueWords, type Value } from './kinds'
import { SettingsPage } from './settings'

const own = (path: string) => answer(new URL(`http://localhost${path}`)).body
const reader = own('/api/v1/session') as Session
const editor: Session = { ...reader, role: 'admin', can_edit: true, signed_in: true }
const catalogue = { data: own('/api/v1/metrics') as Catalogue, problem: null, loading: false, again: () => {} }

interface Reply {
  status: number
  body: unknown
}
interface Sent {
  method: string
  path: string
  text: string
  match: string | null
  none: string | null
}

let root: HTMLElement
let sent: Sent[]
let answers: Record<string, () => Reply>

const problem = (status: number, problems: { code: string; pointer: string; message: string }[] = []): Reply => ({ status, body: { type: 'x', title: 'T', status, detail: 'why it is so', problems } })

beforeEach(() => {
  setLocale('en-US')
  sessionStorage.clear()
  root = document.createElement('div')
  document.body.append(root)
  sent = []
  answers = {
    'GET /api/v1/registry/assumptions': () => ({ status: 200, body: assumptionList }),
    'GET /api/v1/registry/assumptions/realisation': () => ({ status: 200, body: realisation }),
    'PUT /api/v1/registry/assumptions/realisation': () => ({ status: 200, body: realisation }),
    'DELETE /api/v1/registry/assumptions/realisation': () => ({ status: 200, body: realisation }),
    'GET /api/v1/registry/rates': () => ({ status: 200, body: { kind: 'rates', entries: [], defaults: [], next: null } }),
    'POST /api/v1/what-if': () => ({ status: 200, body: whatIf }),
  }
  vi.stubGlobal('fetch', async (request: Request) => {
    const url = new URL(request.url)
    sent.push({ method: request.method, path: url.pathname + url.search, text: await request.text(), match: request.headers.get('if-match'), none: request.headers.get('if-none-match') })
    const reply = answers[`${request.method} ${url.pathname}`]?.() ?? problem(404)
    return new Response(JSON.stringify(reply.body), { status: reply.status, headers: { 'content-type': 'application/json' } })
  })
})
afterEach(() => {
  render(null, root)
  root.remove()
  setLocale(undefined)
  vi.unstubAllGlobals()
})

async function show(query: string, session = editor): Promise<string> {
  history.replaceState(null, '', `/settings?from=2026-09-01&to=2026-11-01${query}`)
  await act(async () => render(<SettingsPage session={session} catalogue={catalogue} from="2026-09-01" to="2026-11-01" />, root))
  await vi.waitFor(() => expect(root.querySelector('.loading')).toBeNull())
  return text()
}

const text = () => (root.textContent ?? '').replaceAll('\u00a0', ' ')
const said = async (words: string) => await vi.waitFor(() => expect(text()).toContain(words), 3000)
const field = (name: string) => root.querySelector<HTMLInputElement>(`[name="${name}"]`)!
const type = async (name: string, value: string) =>
  await act(async () => {
    field(name).value = value
    field(name).dispatchEvent(new Event('input', { bubbles: true }))
  })
const save = async () => await act(async () => void root.querySelector('.setting-form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true })))
const writes = () => sent.filter((s) => s.method === 'PUT' || s.method === 'DELETE')

describe('what is set', () => {
  it('is listed with since when, by whom and what comes; and what holds by default, with who says so', async () => {
    await show('&tab=assumptions')
    const rows = [...root.querySelectorAll('tbody tr')].map((row) => [...row.querySelectorAll('th, td')].map((c) => c.textContent?.replaceAll('\u00a0', ' ')))
    expect(rows[0]).toEqual([
      'Realisation: how much of the time that was freed is put to use', '50.0% (40.0% to 60.0%)', 'since Jun 1, 2026by an administrator', '60.0% (50.0% to 70.0%), from Jan 1, 2027 on, by an administrator', 'HistoryChangeWithdraw',
    ])
    expect(rows[1]?.slice(1, 3)).toEqual(['10.0%', 'by defaultset by the definitions of the measures'])
    expect(rows[2]?.[1]).toBe('grade 0: 30.0%, grade 5: 0.0%')
  })
  it('is never an empty table: what holds where nothing is declared is said', async () => {
    expect(await show('&tab=rates')).toContain('Where no rate holds, hours count and their money is withheld')
    expect(root.querySelector('table')).toBeNull()
  })
  it('is read by everybody, and changed by those who may', async () => {
    expect(await show('&tab=assumptions&do=change realisation', reader)).toContain('Changing this is for analysts and administrators')
    expect([...root.querySelectorAll('td a')].map((a) => a.textContent)).toEqual(['History'])
    expect(root.querySelector('.setting-form')).toBeNull()
  })
  it('says that it is withheld, where the API refuses it', async () => {
    answers['GET /api/v1/registry/rates'] = () => problem(403)
    expect(await show('&tab=rates', reader)).toContain('You may not see this')
  })
  it('has its history, with what it was', async () => {
    await show('&tab=assumptions&do=history realisation')
    await said('30.0% (20.0% to 40.0%)')
  })
})

describe('a change', () => {
  it('shows what it moves before it is saved, asked with exactly what is then written, once', async () => {
    await show('&tab=assumptions&do=change realisation')
    await type('range/mode', '0,55')
    await said('3 numbers move, of the whole organisation, Sep 1 – Oct 31, 2026.')
    const rows = [...root.querySelectorAll('.preview tbody tr')].map((row) => [...row.querySelectorAll('th, td')].map((c) => c.textContent?.replaceAll('\u00a0', ' ')))
    expect(rows).toEqual([
      ['Net hours savedRanges: 90% sure ', '612 h480 to 744 h', '612 h400 to 700 h', '−0.50 h'], ['Net hours saved, after the haircut for risk', '500 h', '500 h', '−0.50 h'],
      ['Win rateRanges: 95% sure ', '30.0%20.0% to 40.0%', 'withheld', 'none can be given'],
    ])
    await save()
    await save()
    await said('Saved: Realisation. Holds from Nov 24, 2026 on.')
    await vi.waitFor(() => expect(document.activeElement?.textContent).toContain('Saved: Realisation.'))
    expect(text()).toContain('Moved:Net hours saved: −0.50 h')
    const asked = sent.find((s) => s.path.startsWith('/api/v1/what-if'))!
    expect(asked.path).toBe('/api/v1/what-if?from=2026-09-01&to=2026-11-01')
    const entry = '{"valid_from":"2026-11-24","range":{"low":0.4,"mode":0.55,"high":0.6}}'
    expect(asked.text).toBe(`{"registry":{"assumptions":{"realisation":${entry}}}}`)
    expect(writes().map((w) => [w.text, w.match])).toEqual([[entry, '"e3"']])
    expect(root.querySelector('a[href^="/audit?action=registry.write"]')).not.toBeNull()
    expect(kept('assumptions', { action: 'change', key: 'realisation' })).toBeNull()
  })
  it('says that nothing moves, and what the privacy floor refuses to preview', async () => {
    answers['POST /api/v1/what-if'] = () => ({ status: 200, body: { ...whatIf, difference: {}, risk_adjusted: {} } })
    await show('&tab=assumptions&do=change realisation')
    await said('Nothing moves: no number of the whole organisation')
    answers['POST /api/v1/what-if'] = () => problem(400, [{ code: 'privacy_cells', pointer: '/registry/assumptions/realisation/valid_from', message: 'let it hold from the first day of a month' }])
    await act(async () => type('valid_from', '2026-10-12'))
    await said('There is no preview of this: let it hold from the first day of a month. It can be saved all the same')
    expect(field('valid_from').getAttribute('aria-invalid')).toBeNull()
  })
  it('says at the field what the server says of it, and keeps what is typed', async () => {
    answers['POST /api/v1/what-if'] = () => problem(400, [{ code: 'out_of_range', pointer: '/registry/assumptions/realisation/range/high', message: 'a share is at most 1' }])
    await show('&tab=assumptions&do=change realisation')
    await type('range/high', '7')
    await said('A share is at most 1.')
    expect(field('range/high').getAttribute('aria-invalid')).toBe('true')
    await act(async () => render(null, root))
    await show('&tab=assumptions&do=change realisation')
    expect(field('range/high').value).toBe('7')
  })
  it('tells the later of two, overwrites nothing, and goes on from what is there', async () => {
    answers['PUT /api/v1/registry/assumptions/realisation'] = () => problem(412)
    await show('&tab=assumptions&do=change realisation')
    await type('range/mode', '0.45')
    await save()
    await said('It was changed elsewhere meanwhile')
    answers['GET /api/v1/registry/assumptions/realisation'] = () => ({ status: 200, body: { ...realisation, versions: [{ ...realisation.versions![1]!, entry_id: 'e9' }] } })
    await act(async () => [...root.querySelectorAll('button')].find((b) => b.textContent === 'Look at it as it is now, and go on')!.click())
    await said('It says now: 50.0% (40.0% to 60.0%), from Jun 1, 2026 on, by an administrator.')
    expect(field('range/mode').value).toBe('0.45')
    answers['PUT /api/v1/registry/assumptions/realisation'] = () => ({ status: 200, body: realisation })
    await save()
    await said('Saved: Realisation.')
    expect(writes().at(-1)?.match).toBe('"e9"')
  })
  it('is saved where it is there already and only its answer was lost', async () => {
    answers['PUT /api/v1/registry/assumptions/realisation'] = () => problem(412)
    await show('&tab=assumptions&do=change realisation')
    await type('range/mode', '.50')
    await type('valid_from', '2027-01-01')
    answers['GET /api/v1/registry/assumptions/realisation'] = () => ({ status: 200, body: { ...realisation, versions: [{ ...realisation.versions![1]!, valid_from: '2026-12-31T23:00:00.000Z' }] } })
    await save()
    await said('Saved: Realisation. Holds from Jan 1, 2027 on.')
  })
  it('of what holds by default begins with it, and is to be new', async () => {
    answers['PUT /api/v1/registry/assumptions/discount_rate'] = () => ({ status: 201, body: realisation })
    await show('&tab=assumptions&do=add discount_rate')
    expect(field('range/mode').value).toBe('0.1')
    await save()
    await said('Saved: Discount rate.')
    expect(writes().map((w) => w.none)).toEqual(['*'])
  })
  it('that ends an entry is asked for with its day', async () => {
    await show('&tab=assumptions&do=end realisation')
    await said('3 numbers move')
    expect(sent.find((s) => s.path.startsWith('/api/v1/what-if'))!.text).toContain('{"valid_from":"2026-11-24","deleted":true}')
    await save()
    await said('Withdrawn: Realisation. No longer holds from Nov 24, 2026 on.')
    expect(writes().map((w) => [w.method, w.path, w.match])).toEqual([['DELETE', '/api/v1/registry/assumptions/realisation?valid_from=2026-11-24', '"e3"']])
  })
})

describe('a draft', () => {
  it.each([['48', '48'], ['1 200,50', '1200.50'], ['.5', '0.5'], ['+007', '7'], ['-0.25', '-0.25'], ['5.', '5'], ['4e3', null], ['', null]])('takes %s as %s', (typed, json) => expect(plainNumber(typed)).toBe(json))
  it('keeps every digit, and leaves out what is empty', () => {
    const draft = { ...draftOf('rates', 'writer', null, '2026-01-01', ''), loaded_hourly_rate: '48.123456789012345678', currency: 'USD' }
    expect(bodyOf('rates', { action: 'add', key: '' }, draft)).toBe('{"valid_from":"2026-01-01","loaded_hourly_rate":"48.123456789012345678","currency":"USD"}')
    const vendor = { ...draftOf('vendor-baselines', 'a', null, '2026-01-01', ''), vendor: 'A', category: 'agency', price: '5', currency: 'EUR', displaceable: 'true' }
    expect(JSON.parse(bodyOf('vendor-baselines', { action: 'add', key: '' }, vendor))).toEqual({ valid_from: '2026-01-01', vendor: 'A', category: 'agency', price: '5', currency: 'EUR', displaceable: true })
  })
  it('says what is missing', () => {
    const of = { action: 'add' as const, key: '' }
    expect(Object.keys(complaints('rates', of, draftOf('rates', '', null, '', '')))).toEqual(['key', 'valid_from', 'loaded_hourly_rate', 'currency'])
    expect(complaints('rates', of, { ...draftOf('rates', 'a', null, '2026-01-01', ''), loaded_hourly_rate: 'much', currency: 'USD' })).toEqual({ loaded_hourly_rate: 'Write a number, such as 48.50.' })
  })
  it('finds the field of a pointer, also of a whole range and of the key', () => {
    const draft = draftOf('assumptions', 'realisation', null, '2026-01-01', '')
    expect(atFields('assumptions', draft, [{ pointer: '/range', message: 'must not fall' }])).toEqual({ 'range/low': 'Must not fall.' })
    expect(atFields('fx', draftOf('fx', 'a/b', null, '', ''), [{ pointer: '/registry/fx/a~1b', message: 'name two currencies' }])).toEqual({ key: 'Name two currencies.' })
    expect(atFields('fx', draftOf('fx', 'a', null, '', ''), [{ pointer: '/elsewhere', message: 'odd' }])).toEqual({ '': 'Odd.' })
  })
  it('knows itself again, whatever zeros it was typed with', () => {
    const draft = { ...draftOf('rates', 'writer', null, '2026-01-01', ''), loaded_hourly_rate: '48.00', currency: 'USD' }
    const there = { value: { loaded_hourly_rate: '48', currency: 'USD' }, deleted: false }
    const of = { action: 'change' as const, key: 'writer' }
    expect(saysSame('rates', of, draft, there, '2026-01-01')).toBe(true)
    expect(saysSame('rates', of, draft, there, '2026-01-02')).toBe(false)
    expect(saysSame('rates', of, { ...draft, currency: 'EUR' }, there, '2026-01-01')).toBe(false)
  })
  it('reads what the address asks for', () => {
    expect(readDoing('change EUR-USD')).toEqual({ action: 'change', key: 'EUR-USD' })
    expect(readDoing('add')).toEqual({ action: 'add', key: '' })
    expect(readDoing('end')).toBeNull()
    expect(readDoing('drop writer')).toBeNull()
  })
})

describe('words', () => {
  it.each<[string, string, Value, string]>([
    ['rates', 'writer', { loaded_hourly_rate: '36.5', currency: 'USD', name: 'Writer' }, '36.5 USD an hour, Writer'],
    ['fx', 'EUR-USD', { rate: '1.1' }, '1 EUR = 1.1 USD'],
    ['targets', 'h', { measure: 'hours_saved_net', value: 650, per: 'quarter', unit: 'h' }, 'Net hours saved: 650 h a quarter'],
    ['benchmarks', 'b', { measure: 'win_rate', value: 0.3, label: 'a study' }, 'Win rate: 0.3, a study'],
    ['vendor-baselines', 'a', { vendor: 'Acme', category: 'agency', price: '1500', currency: 'EUR', period: 'month', displaceable: true }, 'Acme, agency: 1,500 EUR a month'],
    ['calendar', 'default', { zone: 'UTC', fiscal_year_start: 4 }, 'UTC, USD, fiscal year from April'],
    ['teams', 'content', {}, 'content, no rate class'],
  ])('of %s/%s', (kind, key, value, words) => expect(valueWords(kind as 'rates', key, value, new Map([['hours_saved_net', 'Net hours saved'], ['win_rate', 'Win rate']]))).toBe(words))
  it('name nobody who has written', () => {
    expect(byWords({ author: 'p0', by: { you: false, role: 'leader', team: 'c', team_name: 'Content' } })).toBe('a leader of Content')
    expect(byWords({ author: 'p0', by: { you: true, role: 'admin', team: null, team_name: null } })).toBe('you')
    expect(byWords({ author: 'key crm', by: null })).toBe('the API key crm')
    expect(byWords({ author: 'admin', by: null })).toBe('an administrator')
  })
  it('say which days a change is of', () => {
    expect(whenWords('2026-11-24', '2026-11-24', [])).toBe('From today on.')
    expect(whenWords('2026-12-01', '2026-11-24', ['2027-01-01'])).toBe('Until then nothing changes. It holds until another version begins on Jan 1, 2027.')
    expect(whenWords('2026-10-01', '2026-11-24', ['2026-11-01', '2026-10-01'])).toBe(
      'In the past: numbers of Oct 1 – 31, 2026 change with it, also those that were shown already. Their claims say that they have moved. It holds until another version begins on Nov 1, 2026. It takes the place of the version of the same day.',
    )
  })
})
