import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { answer, rejectDetail, rejectSummary, replayReport } from '../../../fixtures/answers'
import type { RejectSummary, Session } from '../../api/types'
import { setLocale } from '../../format'
import { amountWords, Excluded } from './excluded'
import { FixForm } from './fix'
import { IngestPage } from './ingest'
import { totalsWords, typeWords } from './words'

let root: HTMLElement
beforeEach(() => {
  setLocale('en-US')
  root = document.createElement('div')
  document.body.append(root)
})
afterEach(() => {
  render(null, root)
  root.remove()
  setLocale(undefined)
  vi.unstubAllGlobals()
})

describe('the money that is not counted', () => {
  it('is never 0 where nothing can be read', () => {
    render(<Excluded amounts={rejectSummary.excluded} />, root)
    const cells = [...root.querySelectorAll('tbody tr')].map((row) => [...row.querySelectorAll('th, td')].map((c) => c.textContent))
    expect(cells).toEqual([['Vendor spend', '7', '€1,234.50', 'in 1 event'], ['Pipeline', '1', 'not known', 'in 1 event']])
  })
  it('names no currency that is not known', () => expect(amountWords({ amount: 7.5, currency: null }, '7.50')).toBe('7.50, currency not known'))
})

describe('what came again', () => {
  const show = async (summary: RejectSummary) => {
    vi.stubGlobal('fetch', async (request: Request) => {
      const body = request.url.includes('/summary') ? summary : answer(new URL(request.url)).body
      return new Response(JSON.stringify(body), { headers: { 'content-type': 'application/json' } })
    })
    history.replaceState(null, '', '/ingest?since=2026-10-26&until=2026-11-25')
    await act(async () => render(<IngestPage session={answer(new URL('http://localhost/api/v1/session')).body as Session} />, root))
    await vi.waitFor(() => expect(root.querySelector('.tile')).not.toBeNull())
    const tile = [...root.querySelectorAll('.tile')].find((t) => t.textContent?.startsWith('Duplicates'))?.textContent
    const table = [...root.querySelectorAll('table')].find((t) => t.textContent?.includes('Events by source'))!
    return { tile, cells: [...table.querySelectorAll('tbody tr')].map((row) => row.querySelector('td:last-child')?.textContent) }
  }
  it('is counted by source, and says since when', async () => {
    const { tile, cells } = await show(rejectSummary)
    expect(tile).toMatch(/^Duplicates21Came again.* Noted since Nov 1, 2026/)
    expect(cells).toEqual(['21', 'not known', '0'])
  })
  it('is never 0 where it is not known', async () => {
    const sources = rejectSummary.sources.map((s) => ({ ...s, duplicates: null }))
    const { tile, cells } = await show({ ...rejectSummary, duplicates: { value: null, since: null, reason: 'Nobody noted it.' }, sources })
    expect(tile).toBe('DuplicatesNot known for these daysNobody noted it.')
    expect(cells).toEqual(['not known', 'not known', 'not known'])
  })
})

describe('words', () => {
  it('say what would happen and what did', () => {
    const totals = { accepted: 2, unchanged: 1, rejected: 0, not_replayable: 0, retry: 0 }
    expect(totalsWords({ dry_run: true, totals })).toBe('2 would be taken, 1 would change nothing')
    expect(totalsWords({ dry_run: false, totals })).toBe('2 taken, 1 changed nothing')
  })
  it('leave a type alone that is none of ours', () => {
    expect(typeWords('plumbline.vendor_spend.v1')).toBe('Vendor spend')
    expect(typeWords('made.up')).toBe('made.up')
    expect(typeWords('')).toBe('Type not known')
  })
})

describe('FixForm', () => {
  const button = (name: RegExp) => [...root.querySelectorAll('button')].find((b) => name.test(b.textContent ?? ''))
  const submit = () => act(async () => void root.querySelector('form')?.dispatchEvent(new Event('submit', { cancelable: true, bubbles: true })))

  it('suggests the fix, tries it, and does what was tried', async () => {
    const sent: string[] = []
    vi.stubGlobal('fetch', async (request: Request) => {
      sent.push(await request.text())
      return new Response(JSON.stringify({ ...replayReport, dry_run: sent.length === 1 }), { headers: { 'content-type': 'application/json' } })
    })
    const changed = vi.fn()
    await act(async () => render(<FixForm r={rejectDetail} changed={changed} />, root))
    await submit()
    await vi.waitFor(() => expect(root.textContent).toContain('1 would be taken'))
    expect(JSON.parse(sent[0] ?? '')).toEqual({
      ids: [rejectDetail.id], dry_run: true, limit: 1000, fix: { operations: [{ op: 'rename', path: '/data/curency', to: '/data/currency' }] },
    })
    expect(changed).not.toHaveBeenCalled()
    await act(async () => button(/Replay 1 event now/)?.click())
    await vi.waitFor(() => expect(root.textContent).toContain('Done: 1 taken'))
    expect(JSON.parse(sent[1] ?? '')).toMatchObject({ dry_run: false })
    expect(changed).toHaveBeenCalledOnce()
  })

  it('says what is wrong before it asks', async () => {
    vi.stubGlobal('fetch', vi.fn())
    await act(async () => render(<FixForm r={{ ...rejectDetail, pointer: '' }} changed={() => {}} />, root))
    await act(async () => button(/Add a change/)?.click())
    await act(async () => {
      const path = root.querySelector<HTMLInputElement>('input.digits')!
      path.value = 'data'
      path.dispatchEvent(new Event('input', { bubbles: true }))
    })
    await submit()
    expect(root.textContent).toContain('begins with a slash')
    expect(fetch).not.toHaveBeenCalled()
  })

  it('shows the sentence of the server when it refuses', async () => {
    vi.stubGlobal('fetch', async () => new Response(JSON.stringify({ title: 'Forbidden', status: 403, detail: 'Only administrators.' }), { status: 403, headers: { 'content-type': 'application/problem+json' } }))
    await act(async () => render(<FixForm r={rejectDetail} changed={() => {}} />, root))
    await submit()
    await vi.waitFor(() => expect(root.querySelector('.callout')?.textContent).toBe('Only administrators.'))
  })
})
