/** What is being typed: kept in the tab until it is logged, so that no error, no reload and no signing in loses it. */
import type { Outcome, OutcomeChange, OutcomePreviewRequest, OutcomeRequest } from '../../api/types'
import { byField, forgetDraft, keepDraft, keptDraft, newId, numberOf } from '../../state/drafts'

export interface Draft {
  /** Made once for each draft: however often it is sent, it is one outcome. */
  id: string
  workflow: string
  minutes: string
  units: string
  /** A link to what came of it, or what it was in a few words. */
  result: string
  day: string
  /** The version that is changed; absent of a new outcome. */
  version?: string
}

export type Field = 'workflow' | 'minutes' | 'units' | 'result' | 'day'

export function emptyDraft(today: string, workflow = ''): Draft {
  return { id: newId(), workflow, minutes: '', units: '1', result: '', day: today }
}

/** The same work once more, today. */
export function again(o: Outcome, today: string): Draft {
  return { ...emptyDraft(today, o.workflow ?? ''), minutes: String(o.minutes), units: String(o.units) }
}

/** An outcome as it is edited. The id is that of the change. */
export function edited(o: Outcome): Draft {
  return { id: newId(), workflow: o.workflow ?? '', minutes: String(o.minutes), units: String(o.units), result: o.url ?? o.note ?? '', day: o.day, version: o.version }
}

const place = (of: string | null) => (of ? `plumbline.draft.${of}` : 'plumbline.draft')

/** `of` is the outcome that is edited; null is a new one. */
export const keep = (of: string | null, draft: Draft): void => keepDraft(place(of), draft)

export const kept = (of: string | null): Draft | null => keptDraft<Draft>(place(of), ['id', 'workflow', 'minutes', 'units', 'result', 'day'])

export const forget = (of: string | null): void => forgetDraft(place(of))

/** What is wrong before anything is asked of the server: the rest is the server's to say. */
export function complaints(d: Draft): Partial<Record<Field, string>> {
  const wrong: Partial<Record<Field, string>> = {}
  if (!d.workflow) wrong.workflow = 'Choose the workflow.'
  const minutes = numberOf(d.minutes)
  if (!d.minutes.trim()) wrong.minutes = 'Say how many minutes it took with AI.'
  else if (minutes === null) wrong.minutes = 'Write minutes as a number, such as 48.'
  else if (minutes < 0) wrong.minutes = 'Minutes can not be negative. A loss shows by itself, when it took longer than without AI.'
  const units = numberOf(d.units)
  if (units === null || units <= 0) wrong.units = 'Write how many pieces of work it was, such as 1.'
  if (!isLink(d.result) && [...d.result.trim()].length > 128) wrong.result = `That has ${[...d.result.trim()].length} characters: write at most 128, or a link.`
  if (!d.day) wrong.day = 'Choose the day.'
  return wrong
}

const isLink = (text: string) => /^https?:\/\//i.test(text.trim())

function fields(d: Draft) {
  const result = d.result.trim()
  const link = isLink(result)
  return { workflow: d.workflow, minutes: numberOf(d.minutes) ?? 0, units: numberOf(d.units) ?? 1, url: link ? result : null, note: link || !result ? null : result }
}

export function requestOf(d: Draft): OutcomeRequest {
  return { id: d.id, day: d.day, ...fields(d) }
}

/** A change names what is typed; a link and a note that were there beside each other stay, but for the one that was shown. */
export function changeOf(d: Draft, before: Outcome | null): OutcomeChange {
  const { url, note, ...rest } = fields(d)
  if (before?.url && before.note && url !== null) return { change: d.id, ...rest, url }
  return { change: d.id, ...rest, url, note }
}

export function previewOf(d: Draft, editing: string | null): OutcomePreviewRequest {
  return editing ? { replaces: editing, ...fields(d) } : { day: d.day, ...fields(d) }
}

const pointers: Record<string, Field> = { '/workflow': 'workflow', '/minutes': 'minutes', '/units': 'units', '/url': 'result', '/note': 'result', '/day': 'day' }

export const atFields = (problems: { pointer: string; message: string }[]) => byField(problems, pointers)
