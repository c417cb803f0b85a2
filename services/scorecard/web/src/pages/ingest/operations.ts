/** The fix form as data: what is typed, the fix that it makes, and the fix that suggests itself for a reason. */
import type { Reject } from '../../api/types'

export type Op = 'set' | 'default' | 'rename' | 'remove' | 'translate'

/** One line of the form, as it is typed. */
export interface Line {
  op: Op
  path: string
  /** For set and default. */
  value: string
  /** Whether the value is a text or JSON: 10.50 is a text where money is meant. */
  as: 'text' | 'json'
  /** For rename. */
  to: string
  /** For translate, one "from = to" a line. */
  table: string
}

export const opWords: Record<Op, string> = {
  set: 'Set the value', default: 'Set where there is none', rename: 'Rename or move', remove: 'Remove', translate: 'Translate values',
}

export function line(op: Op, path: string, rest: Partial<Line> = {}): Line {
  return { op, path, value: '', as: 'text', to: '', table: '', ...rest }
}

/** What is wrong with a line, in words; null when nothing is. */
export function complaint(l: Line): string | null {
  if (!l.path.startsWith('/')) return 'The place is a JSON pointer: it begins with a slash, as /data/currency.'
  if (l.op === 'rename' && !l.to.startsWith('/')) return 'The new place is a JSON pointer: it begins with a slash.'
  if ((l.op === 'set' || l.op === 'default') && l.as === 'json' && !isJSON(l.value)) return 'The value is not valid JSON.'
  if (l.op === 'translate' && pairs(l.table).length === 0) return 'Write at least one line such as: Agency = agency'
  return null
}

function isJSON(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The pairs of a translation; a line without an equals sign is none. */
export function pairs(table: string): [string, string][] {
  return table.split('\n').flatMap((row): [string, string][] => {
    const at = row.indexOf('=')
    return row.slice(0, Math.max(at, 0)).trim() !== '' ? [[row.slice(0, at).trim(), row.slice(at + 1).trim()]] : []
  })
}

/** The fix as JSON text; values that are JSON keep every digit that was typed. Null without lines. */
export function fixText(lines: Line[]): string | null {
  if (lines.length === 0) return null
  return `{"operations":[${lines.map(operation).join(',')}]}`
}

function operation(l: Line): string {
  const head = `{"op":${JSON.stringify(l.op)},"path":${JSON.stringify(l.path)}`
  if (l.op === 'set' || l.op === 'default') return `${head},"value":${l.as === 'json' ? l.value : JSON.stringify(l.value)}}`
  if (l.op === 'rename') return `${head},"to":${JSON.stringify(l.to)}}`
  if (l.op === 'translate') return `${head},"table":${JSON.stringify(Object.fromEntries(pairs(l.table)))}}`
  return `${head}}`
}

/** The line that suggests itself: the name that was meant, the value that is missing. */
export function suggested(r: Pick<Reject, 'code' | 'pointer' | 'message'>): Line[] {
  if (!r.pointer) return []
  const meant = /did you mean ([^\s?]+)\?/.exec(r.message)?.[1]
  if (r.code === 'unknown_field') {
    if (meant) return [line('rename', r.pointer, { to: `${r.pointer.slice(0, r.pointer.lastIndexOf('/'))}/${meant}` })]
    return [line('remove', r.pointer)]
  }
  if (r.code === 'unknown_type') return [line('set', r.pointer, { value: meant ?? '' })]
  if (r.code === 'missing_field' || r.code === 'missing_time') return [line('default', r.pointer)]
  if (['bad_value', 'wrong_type', 'out_of_range', 'bad_text', 'too_long', 'duplicate_field', 'id_conflict', 'unknown_workspace'].includes(r.code)) {
    return [line('set', r.pointer)]
  }
  return []
}
