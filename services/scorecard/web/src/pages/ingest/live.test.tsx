import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { answer } from '../../../fixtures/answers'
import type { Session } from '../../api/types'
import { setLocale } from '../../format'
import { LiveTail } from './live'
import { kinds } from './words'

const session = { ...(answer(new URL('http://localhost/api/v1/session')).body as Session), role: 'analyst' as const, can_edit: true }

let root: HTMLElement
beforeEach(() => {
  setLocale('en-US')
  root = document.createElement('div')
  document.body.append(root)
})
afterEach(() => {
  render(null, root)
  root.remove()
  history.replaceState(null, '', '/')
  setLocale(undefined)
  vi.unstubAllGlobals()
})

const at = (address: string) => history.replaceState(null, '', address)
const button = (name: string) => [...root.querySelectorAll('button')].find((b) => b.textContent?.trim() === name)

describe('LiveTail', () => {
  it('connects to nothing before it is asked to, and never for those who may not watch', async () => {
    vi.stubGlobal('fetch', vi.fn())
    await act(async () => render(<LiveTail session={session} />, root))
    expect(button('Watch')).toBeDefined()
    at('/ingest?live=1')
    await act(async () => render(<LiveTail session={{ ...session, can_edit: false }} />, root))
    expect(root.textContent).toContain('Analysts and administrators can watch')
    expect(fetch).not.toHaveBeenCalled()
  })

  it('shows what comes, holds still while paused, and links a reject', async () => {
    const encoder = new TextEncoder()
    let send = (_: string) => {}
    vi.stubGlobal('fetch', async () => new Response(new ReadableStream({ start: (s) => void (send = (text) => s.enqueue(encoder.encode(text))) })))
    at('/ingest?live=1&live_kind=vendor_spend')
    await act(async () => render(<LiveTail session={session} />, root))
    expect(root.querySelector<HTMLSelectElement>('select[name=kind]')?.value).toBe('vendor_spend')
    send('event: open\ndata: {}\n\n')
    await vi.waitFor(() => expect(root.querySelector('[role=status]')?.textContent).toContain('Watching'))
    expect(root.textContent).toContain('Nothing has come in yet')
    send('event: accepted\ndata: {"outcome":"accepted","source":"cms","id":"1","kind":"hours_saved","time":"2026-11-24T09:00:00Z","received_at":"2026-11-24T09:00:01Z","receipt":"0:1"}\n\n')
    send('event: rejected\ndata: {"outcome":"rejected","source":"","id":"","type":"made.up","at":"2026-11-24T09:00:02Z","reject_id":"r-1","stage":"collector","code":"unknown_type","pointer":"/type","message":"none of ours"}\n\n')
    await vi.waitFor(() => expect(root.querySelectorAll('.live-list li')).toHaveLength(2))
    const [reject, event] = [...root.querySelectorAll('.live-list li')].map((li) => li.textContent)
    expect(event).toBe('10:00:01 AM taken Hours saved from cms, id 1')
    expect(reject).toContain('10:00:02 AM refused made.up from could not be read, id could not be read')
    expect(root.querySelector('.live-list a')?.getAttribute('href')).toContain('reject=r-1')
    await act(async () => button('Pause')?.click())
    send('event: missed\ndata: {"missed":5}\n\nevent: accepted\ndata: {"outcome":"accepted","source":"cms","id":"2","kind":"pulse","received_at":"2026-11-24T09:00:03Z"}\n\n')
    await vi.waitFor(() => expect(root.textContent).toContain('1 event has come since you paused'))
    expect(root.querySelectorAll('.live-list li')).toHaveLength(2)
    await act(async () => button('Resume')?.click())
    expect([...root.querySelectorAll('.live-list li')].map((li) => li.textContent).slice(0, 2)).toEqual([
      '10:00:03 AM taken Pulse from cms, id 2', '5 events are not shown here: more came than this browser took in.',
    ])
  })

  it.each([
    [401, 'You are not signed in'], [403, 'You may not watch'],
  ])('says that it is refused with %i, and can be asked again', async (status, words) => {
    const asked = vi.fn(async () => new Response(JSON.stringify({ title: 'No', status, detail: 'A sentence.' }), { status, headers: { 'content-type': 'application/problem+json' } }))
    vi.stubGlobal('fetch', asked)
    at('/ingest?live=1')
    await act(async () => render(<LiveTail session={session} />, root))
    await vi.waitFor(() => expect(root.querySelector('[role=alert]')?.textContent).toContain('A sentence.'))
    expect(root.querySelector('[role=status]')?.textContent).toContain(words)
    await act(async () => button('Try again')?.click())
    expect(asked).toHaveBeenCalledTimes(2)
  })

  it.each([
    [429, 'Too many are watching'], [503, 'The server is busy'],
  ])('says when it tries again after %i', async (status, words) => {
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ title: 'No', status, detail: 'A sentence.' }), { status, headers: { 'content-type': 'application/problem+json', 'retry-after': '10' } }))
    at('/ingest?live=1')
    await act(async () => render(<LiveTail session={session} />, root))
    await vi.waitFor(() => expect(root.textContent).toContain('A sentence. Trying again in 10 seconds'))
    expect(root.querySelector('[role=status]')?.textContent).toContain(words)
  })
})

it('offers the kinds of the contract', () => {
  const folder = resolve('../../../schemas/events')
  const schemas = readdirSync(folder).flatMap((name) => /^([a-z_]+)\.v1\.json$/.exec(name)?.[1] ?? [])
  expect([...kinds].sort()).toEqual(schemas.sort())
})
