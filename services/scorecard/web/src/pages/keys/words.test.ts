import { describe, expect, it } from 'vitest'
import { complaint, mayWords, requestOf, type Typed } from './words'

const typed: Typed = { name: ' CRM sync ', scope: 'write', role: 'leader', sources: '/crm/*, /crm2', kinds: 'pipeline', days: '30' }

describe('keys', () => {
  it('says what a key may do', () => {
    expect(mayWords({ scopes: ['write'], role: null, sources: [], kinds: [] })).toBe('send any events')
    expect(mayWords({ scopes: ['write'], role: null, sources: ['/crm/*'], kinds: ['pipeline'] })).toBe('send events of /crm/*, kinds pipeline')
    expect(mayWords({ scopes: ['read', 'admin'], role: 'leader', sources: [], kinds: [] })).toBe('read as leader; administer')
  })
  it('asks for what was typed, and for nothing that does not go with it', () => {
    const now = new Date('2026-11-27T00:00:00Z')
    // 30 days after 27 November.
    expect(requestOf(typed, now)).toEqual({ name: 'CRM sync', scopes: ['write'], sources: ['/crm/*', '/crm2'], kinds: ['pipeline'], expires_at: '2026-12-27T00:00:00.000Z' })
    expect(requestOf({ ...typed, scope: 'read', days: '' }, now)).toEqual({ name: 'CRM sync', scopes: ['read'], role: 'leader' })
    expect(requestOf({ ...typed, scope: 'admin', days: '' }, now)).toEqual({ name: 'CRM sync', scopes: ['admin'] })
  })
  it('says what is wrong', () => {
    expect(complaint({ ...typed, name: ' ' })).toContain('what the key is for')
    for (const days of ['0', '-1', 'soon', '1.5', '999999']) expect(complaint({ ...typed, days }), days).toContain('how many days')
    expect(complaint(typed)).toBeNull()
    expect(complaint({ ...typed, days: '' })).toBeNull()
  })
})
