/** What a key may do, in words. */
import type { Key, KeyRequest } from '../../api/types'

export function mayWords(k: Pick<Key, 'scopes' | 'role' | 'sources' | 'kinds'>): string {
  const parts = k.scopes.map((scope) => {
    if (scope === 'read') return `read as ${k.role ?? 'nobody'}`
    if (scope === 'admin') return 'administer'
    const of = [k.sources.length > 0 ? `of ${k.sources.join(', ')}` : '', k.kinds.length > 0 ? `kinds ${k.kinds.join(', ')}` : ''].filter(Boolean)
    return of.length > 0 ? `send events ${of.join(', ')}` : 'send any events'
  })
  return parts.join('; ')
}

/** What is typed into the form. */
export interface Typed {
  name: string
  scope: 'write' | 'read' | 'admin'
  role: 'ic' | 'leader' | 'analyst'
  sources: string
  kinds: string
  /** Days until it expires; empty for never. */
  days: string
}

/** What is wrong with what is typed, as a sentence; null where nothing is. */
export function complaint(t: Typed): string | null {
  if (t.name.trim() === '') return 'Say what the key is for.'
  if (t.days.trim() !== '' && !/^[1-9]\d{0,4}$/.test(t.days.trim())) return 'Write after how many days it expires, such as 365, or nothing for never.'
  return null
}

const list = (text: string) => text.split(/[\s,]+/).filter(Boolean)

export function requestOf(t: Typed, now: Date): KeyRequest {
  const request: KeyRequest = { name: t.name.trim(), scopes: [t.scope] }
  if (t.scope === 'read') request.role = t.role
  if (t.scope === 'write' && list(t.sources).length > 0) request.sources = list(t.sources)
  if (t.scope === 'write' && list(t.kinds).length > 0) request.kinds = list(t.kinds)
  if (t.days.trim() !== '') request.expires_at = new Date(now.getTime() + Number(t.days) * 86_400_000).toISOString()
  return request
}
