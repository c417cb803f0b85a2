import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { answer, auditEntries } from '../../../fixtures/answers'
import type { AuditEntry, AuditList, Session } from '../../api/types'
import { setLocale } from '../../format'
import { AuditPage } from './audit'
import { targetWords } from './words'

let root: HTMLElement
let asked: string[]
beforeEach(() => {
  setLocale('en-US')
  root = document.createElement('div')
  document.body.append(root)
  asked = []
})
afterEach(() => {
  render(null, root)
  root.remove()
  setLocale(undefined)
  vi.unstubAllGlobals()
})

const teams = new Map([['content', 'Content']])

async function show(path: string, answers: (url: URL) => { status: number; body: unknown }): Promise<void> {
  vi.stubGlobal('fetch', async (request: Request) => {
    asked.push(request.url)
    const { status, body } = answers(new URL(request.url))
    return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
  })
  history.replaceState(null, '', path)
  await act(async () => render(<AuditPage session={answer(new URL('http://localhost/api/v1/session')).body as Session} teams={teams} />, root))
  await vi.waitFor(() => expect(root.querySelector('.loading')).toBeNull())
}

describe('the page of the audit log', () => {
  it('says who did what, of what, and how it ended', async () => {
    await show('/audit', answer)
    const rows = [...root.querySelectorAll('tbody tr')].map((row) => [...row.querySelectorAll('th, td')].map((cell) => cell.textContent))
    expect(rows).toEqual([
      ['Nov 24, 2026, 9:00 AM', 'p0123456789abcdef01234567as leader', 'Read evidence', 'Vendor spend, Team Content, Oct 1 – 31, 2026', 'done'],
      ['Nov 23, 2026, 9:00 AM', 'plk_crm_…as administrator', 'Changed the registry', 'People erased', 'refused'],
    ])
    // The last 30 days up to and with the workspace's today.
    expect(location.search).toBe('?since=2026-10-26&until=2026-11-25')
    const links = [...root.querySelectorAll('a[download]')].map((a) => a.getAttribute('href'))
    expect(links[0]).toBe('/api/v1/audit?from=2026-10-26&to=2026-11-25&format=csv')
  })
  it('asks for what the address says, and for more on request', async () => {
    const pages: AuditList[] = [{ entries: [auditEntries[0]!], next: 'c' }, { entries: [auditEntries[1]!], next: null }]
    await show('/audit?since=2026-11-01&until=2026-11-25&action=evidence.read&actor=admin+token', () => ({ status: 200, body: pages.shift() }))
    const query = new URL(asked.at(-1)!).searchParams
    expect(Object.fromEntries(query)).toEqual({ from: '2026-11-01', to: '2026-11-25', action: 'evidence.read', actor: 'admin token' })
    await act(async () => [...root.querySelectorAll('button')].find((b) => b.textContent === 'Show more')!.click())
    await vi.waitFor(() => expect(root.querySelectorAll('tbody tr').length).toBe(2))
    expect(new URL(asked.at(-1)!).searchParams.get('cursor')).toBe('c')
    expect(root.textContent).toContain('2 acts shown')
    expect(root.textContent).not.toContain('Show more')
  })
  it('is empty in words', async () => {
    await show('/audit', () => ({ status: 200, body: { entries: [], next: null } }))
    expect(root.textContent).toContain('Nothing like that was done')
  })
  it('says why it shows nothing', async () => {
    await show('/audit', () => ({ status: 403, body: { title: 'Forbidden', detail: 'Only administrators may read the audit log.' } }))
    expect(root.textContent).toContain('You may not see this')
    expect(root.textContent).toContain('Only administrators')
    render(null, root)
    await show('/audit', () => ({ status: 503, body: { title: 'Service Unavailable', detail: 'the log has not taken the entry', code: 'audit_away' } }))
    expect(root.textContent).toContain('the log has not taken the entry')
    expect(root.querySelector('tbody')).toBeNull()
  })
})

describe('what an act was about', () => {
  const nothing: AuditEntry = { ...auditEntries[1]!, target_kind: null, target: null }
  it.each<[Partial<AuditEntry>, string]>([
    [{}, ''],
    [{ target_kind: 'key', target: 'crm' }, 'Key crm'],
    [{ target_kind: 'evidence', measure: 'hours_saved_net', scope: 'me' }, 'Hours saved net, own numbers'],
    [{ target_kind: 'audit', target: 'admin token', from: '2026-11-01T00:00:00.000Z' }, 'Audit admin token, from Nov 1, 2026, 12:00 AM'],
  ])('%o is %s', (part, words) => expect(targetWords({ ...nothing, ...part }, teams, 'UTC')).toBe(words))
})
