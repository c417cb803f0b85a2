/** What is being set: kept in the tab until the registry has it. Numbers stay text, so that no digit is lost on the way. */
import { sameExact } from '../../exact'
import { byField, forgetDraft, keepDraft, keptDraft, numberOf } from '../../state/drafts'
import { fieldsOf, textAt, type Kind, type Value } from './kinds'

/** What the address asks to do: "add", "add realisation", "change writer", "end writer", "history writer". */
export interface Doing {
  action: 'add' | 'change' | 'end' | 'history'
  /** "" where the key is still to be typed. */
  key: string
}

export function readDoing(text: string | null): Doing | null {
  const [, action, key = ''] = /^(add|change|end|history)(?: (.+))?$/.exec(text ?? '') ?? []
  if (!action || (action !== 'add' && !key)) return null
  return { action: action as Doing['action'], key }
}

/** Texts by the names of the fields, with key, valid_from (a day) and tag, the version that is changed; "" of a new entry. */
export type Draft = Record<string, string>

export function draftOf(kind: Kind, key: string, value: Value | null, validFrom: string, tag: string): Draft {
  const draft: Draft = { key, valid_from: validFrom, tag }
  for (const f of fieldsOf(kind, key)) draft[f.name] = value ? textAt(value, f.name) : ''
  return draft
}

const place = (kind: Kind, of: Doing) => `plumbline.setting.${kind} ${of.action} ${of.key}`

export const keep = (kind: Kind, of: Doing, draft: Draft): void => keepDraft(place(kind, of), draft)

export const kept = (kind: Kind, of: Doing): Draft | null => keptDraft<Draft>(place(kind, of), ['key', 'valid_from', 'tag', ...fieldsOf(kind, of.key).map((f) => f.name)])

export const forget = (kind: Kind, of: Doing): void => forgetDraft(place(kind, of))

/** A number as people type it, as JSON has it, digit by digit; null where it is none. */
export function plainNumber(text: string): string | null {
  if (numberOf(text) === null) return null
  const [, sign = '', whole = '', fraction = ''] = /^([+-]?)(\d*)\.?(\d*)$/.exec(text.replace(/[\s\u00a0\u202f]/g, '').replace(',', '.')) ?? []
  return `${sign === '-' ? '-' : ''}${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction && `.${fraction}`}`
}

/** What is wrong before anything is asked of the server: the rest is the server's to say. */
export function complaints(kind: Kind, of: Doing, d: Draft): Partial<Record<string, string>> {
  const wrong: Partial<Record<string, string>> = {}
  if (!d['key']?.trim()) wrong['key'] = 'Say what it is of.'
  if (!d['valid_from']) wrong['valid_from'] = 'Choose the day from which it holds.'
  if (of.action === 'end') return wrong
  for (const f of fieldsOf(kind, d['key'] ?? '')) {
    const text = d[f.name]?.trim() ?? ''
    if (!text) {
      if (!f.optional && f.type !== 'flag') wrong[f.name] = f.type === 'measure' || f.type === 'choice' ? 'Choose one.' : 'This is needed.'
    } else if ((f.type === 'number' || f.type === 'decimal') && plainNumber(text) === null) wrong[f.name] = 'Write a number, such as 48.50.'
  }
  return wrong
}

/** The JSON text of what is written; of one that ends, as the preview takes it. */
export function bodyOf(kind: Kind, of: Doing, d: Draft): string {
  const text = (name: string) => d[name]?.trim() ?? ''
  if (of.action === 'end') return JSON.stringify({ valid_from: text('valid_from'), deleted: true })
  const parts = new Map<string, string[]>([['', [`"valid_from":${JSON.stringify(text('valid_from'))}`]]])
  for (const f of fieldsOf(kind, text('key'))) {
    if (!text(f.name) && f.type !== 'flag') continue
    const [first = '', rest] = f.name.split('/')
    const group = rest === undefined ? '' : first
    const list = parts.get(group) ?? []
    parts.set(group, [...list, `${JSON.stringify(rest ?? first)}:${jsonOf(kind, f.type, f.name, text(f.name))}`])
  }
  const grouped = [...parts].flatMap(([group, list]) => (group ? [`${JSON.stringify(group)}:{${list.join(',')}}`] : list))
  return `{${grouped.join(',')}}`
}

const listOf = (text: string): string[] => text.split(/[\s,;]+/).filter(Boolean)

function jsonOf(kind: Kind, type: string, name: string, text: string): string {
  if (type === 'flag') return String(text === 'true')
  if (type === 'switch') return String(text !== 'false')
  if (type === 'list') return JSON.stringify(listOf(text))
  if (type === 'number' || (kind === 'calendar' && name === 'fiscal_year_start')) return plainNumber(text) ?? JSON.stringify(text)
  return JSON.stringify(type === 'decimal' ? (plainNumber(text) ?? text) : text)
}

/** Whether a version that is there says what is typed: then it is saved already, and only its answer was lost. */
export function saysSame(kind: Kind, of: Doing, d: Draft, version: { value: Value | null; deleted: boolean }, day: string): boolean {
  if (day !== d['valid_from'] || version.deleted !== (of.action === 'end')) return false
  if (of.action === 'end') return true
  return fieldsOf(kind, d['key'] ?? '').every((f) => {
    const [typed, there] = [d[f.name]?.trim() ?? '', textAt(version.value ?? {}, f.name)]
    if (f.type === 'flag') return (typed === 'true') === (there === 'true')
    if (f.type === 'switch') return (typed === 'false') === (there === 'false')
    if (f.type === 'list') return listOf(typed).join() === listOf(there).join()
    const [a, b] = [plainNumber(typed), plainNumber(there)]
    return typed === there || (a !== null && b !== null && f.type !== 'text' && sameExact(a, b))
  })
}

interface Wrong {
  pointer: string
  message: string
  code?: string
}

/** The server's words by field: those of a preview stand below the entry that was assumed. */
export function atFields(kind: Kind, d: Draft, problems: Wrong[]): Partial<Record<string, string>> {
  const entry = `/registry/${kind}/${(d['key'] ?? '').trim().replaceAll('~', '~0').replaceAll('/', '~1')}`
  const names = ['valid_from', ...fieldsOf(kind, d['key'] ?? '').map((f) => f.name)]
  const inside = problems.map((p) => ({ ...p, pointer: p.pointer.startsWith(entry) ? p.pointer.slice(entry.length) : p.pointer }))
  // A whole range, or a list by grade, is wrong at its first field; an entry without a field of its own at its key.
  const of = (pointer: string) => (pointer === '' ? 'key' : (names.find((n) => `/${n}` === pointer) ?? names.find((n) => `/${n}`.startsWith(`${pointer}/`))))
  return byField(inside, Object.fromEntries(inside.flatMap((p) => (of(p.pointer) ? [[p.pointer, of(p.pointer)!]] : []))))
}

/** What the privacy floor says to a preview; null where it says nothing. */
export const floorOf = (problems: Wrong[]): string | null => problems.find((p) => p.code === 'privacy_floor' || p.code === 'privacy_cells')?.message ?? null
