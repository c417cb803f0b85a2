import { beforeEach, describe, expect, it } from 'vitest'
import { outcome } from '../../../fixtures/outcomes'
import { again, atFields, changeOf, complaints, edited, emptyDraft, forget, keep, kept, previewOf, requestOf } from './draft'
import { newId, numberOf } from '../../state/drafts'

beforeEach(() => sessionStorage.clear())

describe('the id of a draft', () => {
  it('is a UUID of version 7 that says when it was made', () => {
    const id = newId(0x0193a6f27b1c, new Uint8Array(16).fill(0xff))
    expect(id).toBe('0193a6f2-7b1c-7fff-bfff-ffffffffffff')
    expect(newId()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(newId()).not.toBe(newId())
  })
})

describe('numbers as people type them', () => {
  it.each<[string, number | null]>([
    ['48', 48], ['47.5', 47.5], ['47,5', 47.5], [' 1 200 ', 1200], ['.5', 0.5], ['-3', -3], ['', null], ['forty', null], ['1e3', null], ['4.8.1', null], ['1,200.5', null],
  ])('%s', (text, want) => expect(numberOf(text)).toBe(want))
})

describe('what is wrong with a draft', () => {
  const good = { ...emptyDraft('2026-11-24', 'brief'), minutes: '48' }
  it('is nothing where all is said', () => expect(complaints(good)).toEqual({}))
  it('is said at the field', () => {
    expect(complaints({ ...good, minutes: '-5' }).minutes).toContain('can not be negative')
    expect(complaints({ ...good, minutes: 'x' }).minutes).toContain('as a number')
    expect(complaints({ ...good, minutes: ' ' }).minutes).toContain('how many minutes')
    expect(complaints({ ...good, units: '0' }).units).toContain('how many pieces')
    expect(complaints({ ...good, result: 'x'.repeat(10_000) }).result).toContain('10000 characters')
    expect(complaints({ ...good, workflow: '' }).workflow).toContain('Choose')
    expect(complaints({ ...good, day: '' }).day).toContain('Choose')
  })
  it("takes the server's words to their fields", () => {
    expect(atFields([{ pointer: '/minutes', message: 'minutes must be at least 0' }, { pointer: '/url', message: 'no address' }, { pointer: '/id', message: 'odd' }])).toEqual({
      minutes: 'Minutes must be at least 0.', result: 'No address.', '': 'Odd.',
    })
  })
})

describe('what is sent', () => {
  it('is one outcome under the id of the draft', () => {
    const d = { ...emptyDraft('2026-11-24', 'brief'), minutes: '47,5', units: '2', result: ' Launch brief ' }
    expect(requestOf(d)).toEqual({ id: d.id, day: '2026-11-24', workflow: 'brief', minutes: 47.5, units: 2, url: null, note: 'Launch brief' })
    expect(previewOf(d, null)).toEqual({ day: '2026-11-24', workflow: 'brief', minutes: 47.5, units: 2, url: null, note: 'Launch brief' })
    expect(requestOf({ ...d, result: 'https://example.com/x' })).toMatchObject({ url: 'https://example.com/x', note: null })
  })
  it('is a change with an id of its own, which leaves what was not shown', () => {
    const both = { ...outcome, url: 'https://example.com/x', note: 'Launch' }
    const d = { ...edited(both), minutes: '30' }
    expect(changeOf(d, both)).toEqual({ change: d.id, workflow: 'brief', minutes: 30, units: 1, url: 'https://example.com/x' })
    expect(changeOf({ ...d, result: '' }, { ...both, url: null })).toEqual({ change: d.id, workflow: 'brief', minutes: 30, units: 1, url: null, note: null })
  })
  it('is today where something is logged again', () => {
    expect(again({ ...outcome, day: '2026-10-01', units: 2 }, '2026-11-24')).toMatchObject({ workflow: 'brief', minutes: '48', units: '2', day: '2026-11-24', result: '' })
  })
})

describe('a draft', () => {
  it('is kept in the tab until it is logged, each outcome its own', () => {
    const d = { ...emptyDraft('2026-11-24', 'brief'), minutes: '48' }
    keep(null, d)
    keep('x', { ...d, minutes: '5' })
    expect(kept(null)).toEqual(d)
    expect(kept('x')?.minutes).toBe('5')
    forget(null)
    expect(kept(null)).toBeNull()
    expect(kept('x')).not.toBeNull()
  })
  it('that is no draft is none', () => {
    for (const text of ['{', 'null', '[]', '{"id":1}']) {
      sessionStorage.setItem('plumbline.draft', text)
      expect(kept(null)).toBeNull()
    }
  })
})
