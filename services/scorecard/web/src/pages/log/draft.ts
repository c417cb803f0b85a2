/** What is being typed: kept in the tab until it is logged, so that no error, no reload and no signing in loses it. */
import type { Outcome, OutcomeChange, OutcomePreviewRequest, OutcomeRequest } from '../../api/types'

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

/** A UUID of version 7: it says when it was made. Works without a secure context, where crypto.randomUUID is not. */
export function newId(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(16))): string {
  const bytes = random.slice()
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) % 256
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

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
export function keep(of: string | null, draft: Draft): void {
  try {
    sessionStorage.setItem(place(of), JSON.stringify(draft))
  } catch {
    // Storage is blocked or full: the draft lives as long as the page.
  }
}

export function kept(of: string | null): Draft | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(place(of)) ?? 'null')
    if (typeof found !== 'object' || found === null) return null
    const d = found as Record<string, unknown>
    return ['id', 'workflow', 'minutes', 'units', 'result', 'day'].every((name) => typeof d[name] === 'string') ? (found as Draft) : null
  } catch {
    return null
  }
}

export function forget(of: string | null): void {
  try {
    sessionStorage.removeItem(place(of))
  } catch {
    // There is nothing to forget.
  }
}

/** A number as people type it: "48", "47,5", " 1 200 ". Null where it is none. */
export function numberOf(text: string): number | null {
  const plain = text.replace(/[\s\u00a0\u202f]/g, '').replace(',', '.')
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null
}

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

/** The server's words by field; what belongs to none is under "". */
export function atFields(problems: { pointer: string; message: string }[]): Partial<Record<Field | '', string>> {
  const out: Partial<Record<Field | '', string>> = {}
  for (const p of problems) {
    const field = pointers[p.pointer] ?? ''
    out[field] ??= `${p.message.slice(0, 1).toUpperCase()}${p.message.slice(1)}.`.replace(/\.\.$/, '.')
  }
  return out
}
