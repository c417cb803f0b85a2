/** What somebody is about to say of a barrier: kept in the tab until the board has it, so that no error and no signing in loses it. */
import type { Barrier, BarrierCategory, BarrierRequest, BarrierSaid } from '../../api/types'
import { byField, forgetDraft, keepDraft, keptDraft, newId, numberOf } from '../../state/drafts'

export type Action = BarrierRequest['action']

export interface SayDraft {
  /** Made once for each draft: however often it is sent, it is said once. */
  id: string
  title: string
  category: string
  minutes: string
  note: string
  /** The version of the barrier that was seen when it was begun; null where none is needed. */
  version: string | null
}

export type Field = 'title' | 'category' | 'minutes' | 'note'

/** What the address asks to say: "report", or "take legal_review_queue". */
export interface Saying {
  action: Action
  barrier: string | null
}

export function readSaying(text: string | null): Saying | null {
  const [, action, barrier] = /^(report|support|take|resolve)(?: (.+))?$/.exec(text ?? '') ?? []
  if (!action || (action !== 'report' && !barrier)) return null
  return { action: action as Action, barrier: action === 'report' ? null : (barrier ?? null) }
}

export const categories: { key: BarrierCategory; words: string }[] = [
  { key: 'review_delay', words: 'Waiting for a review' },
  { key: 'policy', words: 'Policy: what is allowed' },
  { key: 'access', words: 'Access: licences, rights, tools' },
  { key: 'quality', words: 'Quality of what AI gives' },
  { key: 'prompting', words: 'Prompting: how to ask' },
  { key: 'training', words: 'Training' },
  { key: 'other', words: 'Something else' },
]

export const mayWords: Record<'support' | 'take' | 'resolve', string> = { support: 'In my way, too', take: 'I clear it', resolve: 'It is cleared' }

export const saidWords: Record<BarrierSaid['action'], string> = { report: 'reported', support: 'supported', take: 'took it to clear it', resolve: 'said that it is cleared' }

const roles: Record<string, string> = { ic: 'somebody', leader: 'a leader', analyst: 'an analyst', admin: 'an administrator' }

/** Who clears it: an office, never a name. */
export function ownerWords(owner: Barrier['owned_by']): string {
  if (!owner) return 'nobody yet'
  if (owner.you) return 'you'
  return `${roles[owner.role ?? ''] ?? 'somebody'}${owner.team_name ? ` of ${owner.team_name}` : ''}`
}

export const emptySay = (version: string | null): SayDraft => ({ id: newId(), title: '', category: '', minutes: '', note: '', version })

const place = (of: Saying) => `plumbline.barrier.${of.action} ${of.barrier ?? ''}`

export const keepSay = (of: Saying, draft: SayDraft): void => keepDraft(place(of), draft)

export const keptSay = (of: Saying): SayDraft | null => keptDraft<SayDraft>(place(of), ['id', 'title', 'category', 'minutes', 'note'])

export const forgetSay = (of: Saying): void => forgetDraft(place(of))

/** What is wrong before anything is asked of the server: the rest is the server's to say. */
export function saidWrong(of: Saying, d: SayDraft): Partial<Record<Field, string>> {
  const wrong: Partial<Record<Field, string>> = {}
  const title = [...d.title.trim()].length
  if (of.action === 'report') {
    if (title === 0) wrong.title = 'Say in a few words what is in the way.'
    else if (title > 80) wrong.title = `That has ${title} characters: write at most 80, the rest belongs into the note.`
    if (!d.category) wrong.category = 'Choose of what kind it is.'
  }
  const minutes = numberOf(d.minutes)
  if (d.minutes.trim() !== '' && minutes === null) wrong.minutes = 'Write minutes as a number, such as 90, or leave it empty.'
  else if (minutes !== null && minutes < 0) wrong.minutes = 'Minutes can not be negative.'
  const note = [...d.note.trim()].length
  if (note > 2000) wrong.note = `That has ${note} characters: write at most 2000.`
  return wrong
}

export function sayOf(of: Saying, d: SayDraft, category: string | null): BarrierRequest {
  const costs = of.action === 'report' || of.action === 'support'
  return {
    id: d.id, action: of.action,
    ...(of.barrier === null ? { title: d.title.trim(), category: d.category as BarrierCategory } : { barrier: of.barrier, category: category as BarrierCategory | null }),
    ...(costs ? { minutes_lost: numberOf(d.minutes) } : {}),
    note: d.note.trim() || null,
  }
}

const pointers: Record<string, Field> = { '/title': 'title', '/category': 'category', '/minutes_lost': 'minutes', '/note': 'note' }

export const saidAt = (problems: { pointer: string; message: string }[]) => byField(problems, pointers)
