import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery } from '../../api/types'
import { setLocale } from '../../format'
import { bodyOf, complaints, saysSame } from './draft'
import { sectionsFor, valueWords } from './kinds'
import { messageWords, stateWords } from './outgoing'

beforeEach(() => setLocale('en-US'))
afterEach(() => setLocale(undefined))

const add = { action: 'add', key: '' } as const

describe('what goes out', () => {
  it('is shown to those who may read it', () => {
    const kinds = (role?: string) => sectionsFor(role).map((s) => s.kind)
    expect(kinds('leader')).not.toContain('alerts')
    expect(kinds(undefined)).toEqual(kinds('ic'))
    expect(kinds('analyst').slice(-3)).toEqual(['alerts', 'webhooks', 'digests'])
    expect(kinds('admin')).toEqual(kinds('analyst'))
  })
  it('is written as the registry takes it', () => {
    const alert = { key: 'low', valid_from: '2026-11-01', tag: '', when: 'below', webhook: 'ops', measure: 'win_rate', threshold: '0,25', active: '' }
    expect(complaints('alerts', add, alert)).toEqual({})
    expect(JSON.parse(bodyOf('alerts', add, alert))).toEqual({ valid_from: '2026-11-01', when: 'below', webhook: 'ops', measure: 'win_rate', threshold: 0.25 })
    expect(JSON.parse(bodyOf('alerts', add, { ...alert, active: 'false' }))).toMatchObject({ active: false })
    const digest = { key: 'weekly', valid_from: '2026-11-01', tag: '', recipients: 'ann@example.com, bea@example.com; cy@example.com', weekday: 'monday', hour: '6', active: '' }
    expect(JSON.parse(bodyOf('digests', add, digest))).toEqual({ valid_from: '2026-11-01', recipients: ['ann@example.com', 'bea@example.com', 'cy@example.com'], weekday: 'monday', hour: 6 })
    expect(complaints('digests', add, { ...digest, recipients: '', weekday: '' })).toEqual({ recipients: 'This is needed.', weekday: 'Choose one.' })
  })
  it('is known again where only the answer of a write was lost', () => {
    const draft = { key: 'weekly', valid_from: '2026-11-01', tag: '', recipients: 'ann@example.com,bea@example.com', weekday: 'monday', hour: '6', scope: '', active: '' }
    const value = { recipients: ['ann@example.com', 'bea@example.com'], weekday: 'monday', hour: 6 }
    expect(saysSame('digests', add, draft, { value, deleted: false }, '2026-11-01')).toBe(true)
    expect(saysSame('digests', add, draft, { value: { ...value, active: false }, deleted: false }, '2026-11-01')).toBe(false)
    expect(saysSame('digests', add, draft, { value: { ...value, recipients: ['ann@example.com'] }, deleted: false }, '2026-11-01')).toBe(false)
  })
  it('says what it is in a few words', () => {
    const titles = new Map([['hours_saved_net', 'Time saved with AI']])
    expect(valueWords('alerts', 'low', { when: 'under_target', measure: 'hours_saved_net', webhook: 'ops', name: 'Hours', scope: 'org' }, titles)).toBe('Hours, a measure is under its target: Time saved with AI, by ops')
    expect(valueWords('alerts', 'silent', { when: 'source_silent', source: '/crm', hours: 12, webhook: 'ops', active: false }, titles)).toBe('a source is silent: /crm, by ops, off')
    expect(valueWords('webhooks', 'ops', { url: 'https://example.com/x', description: 'operations' }, titles)).toBe('operations, https://example.com/x')
    expect(valueWords('digests', 'weekly', { recipients: ['a@b.example', 'c@d.example'], weekday: 'monday', hour: 6 }, titles)).toBe('each Monday at 6:00 UTC to a@b.example, c@d.example')
  })
})

describe('how it stands', () => {
  const alert = { active: true, state: null, since: null, judged: null, reason: null, due_at: null }
  it('tells firing from quiet, and from not knowing', () => {
    expect(stateWords(alert, 'UTC')).toBe('not looked at yet')
    expect(stateWords({ ...alert, active: false }, 'UTC')).toBe('off')
    expect(stateWords({ ...alert, judged: 'withheld' }, 'UTC')).toBe('nothing can be said: its number is withheld')
    expect(stateWords({ ...alert, state: 'quiet', judged: 'ok' }, 'UTC')).toBe('quiet')
    expect(stateWords({ ...alert, state: 'firing', since: '2026-11-02T06:00:31.000Z', judged: 'behind' }, 'UTC')).toMatch(/^fires since Nov 2, 2026.*; nothing can be said now: not everything may have been loaded yet$/)
  })
  it('tells what became of the last message', () => {
    const d: Delivery = { id: 'x', event: 'alert.firing', state: 'delivered', made_at: '2026-11-02T06:00:31.000Z', attempts: 1, tried_at: '2026-11-02T06:00:32.000Z', next_at: null, status: 200, error: null }
    expect(messageWords(null, 'UTC')).toBe('none yet')
    expect(messageWords(d, 'UTC')).toMatch(/: taken by the receiver$/)
    expect(messageWords({ ...d, state: 'given_up', attempts: 9, error: 'no answer' }, 'UTC')).toMatch(/: given up after a day \(no answer\), 9 tries$/)
  })
})
