/** Builds the mapping of a webhook from a sample of what the tool sends: pure, so that it can be tested without a page. */

/** The parts of JSON Schema that the kinds use. */
export interface Schema {
  type?: string
  description?: string
  enum?: unknown[]
  $ref?: string
  properties?: Record<string, Schema>
  required?: string[]
  examples?: Record<string, unknown>[]
}

/** A member of a call, by its dotted name, with the value of the sample. */
export interface Member {
  path: string
  value: string
}

/** All members of a sample that hold one value, in the order of the sample. */
export function membersOf(text: string): Member[] {
  const out: Member[] = []
  const walk = (value: unknown, path: string): void => {
    if (Array.isArray(value) || value === null || value === undefined) return
    if (typeof value === 'object') {
      for (const [name, part] of Object.entries(value)) {
        // A dot in a name would be read as a step.
        if (!name.includes('.')) walk(part, path ? `${path}.${name}` : name)
      }
      return
    }
    out.push({ path, value: String(value) })
  }
  walk(JSON.parse(text), '')
  return out
}

/** What is wrong with a sample, as a sentence; null where nothing is. */
export function sampleProblem(text: string): string | null {
  try {
    const read: unknown = JSON.parse(text)
    return typeof read === 'object' && read !== null && !Array.isArray(read) ? null : 'Paste one call, a JSON object in braces; of several that come together one will do.'
  } catch (cause) {
    return `This is no JSON: ${cause instanceof Error ? cause.message : String(cause)}.`
  }
}

/** What is said of one field: a member of the call, or the same text every time. */
export interface Said {
  from: 'member' | 'value'
  text: string
}

export interface Draft {
  kind: string
  /** The member that names what has happened, and the name that this holds for; both empty for every call. */
  nameMember: string
  name: string
  id: string
  time: string
  fields: Record<string, Said>
}

/** The connection as it is written to the registry. */
export function connectionOf(d: Draft): Record<string, unknown> {
  const fields: Record<string, unknown> = {}
  for (const [field, said] of Object.entries(d.fields)) {
    if (said.text === '') continue
    fields[field] = said.from === 'member' ? { column: said.text } : { value: said.text }
  }
  const event: Record<string, unknown> = { kind: d.kind }
  if (d.name) event['event'] = d.name
  if (d.id) event['id'] = `{${d.id}}`
  if (d.time) event['time'] = { column: d.time }
  event['fields'] = fields
  return { via: 'webhook', ...(d.name && d.nameMember ? { event_column: d.nameMember } : {}), events: [event] }
}

const spoken = (path: string) => path.toLowerCase().replace(/[^a-z0-9]/g, '')

/** Fields whose name a member has: proposed, and shown to be changed. */
export function proposed(members: Member[], schema: Schema): Record<string, Said> {
  const out: Record<string, Said> = {}
  for (const field of Object.keys(schema.properties ?? {})) {
    const found = members.find((m) => spoken(m.path.split('.').pop() ?? '') === spoken(field)) ?? members.find((m) => spoken(m.path) === spoken(field))
    if (found) out[field] = { from: 'member', text: found.path }
  }
  return out
}

/** The first member that looks like a time, and the first that is called an id. */
export function proposedTime(members: Member[]): string {
  return members.find((m) => /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(m.value))?.path ?? ''
}

export function proposedId(members: Member[]): string {
  return members.find((m) => /(^|\.)(event_?id|message_?id|id|uuid)$/i.test(m.path))?.path ?? ''
}

/**
 * The fields of a kind, those first that it needs, then those that most events have: what its examples have. Lists and objects are not
 * built here: a mapping file can.
 */
export function fieldsOf(schema: Schema): { name: string; required: boolean; usual: boolean; about: string; choices: string[] }[] {
  const required = new Set(schema.required ?? [])
  const usual = new Set((schema.examples ?? []).flatMap((example) => Object.keys(example)))
  return Object.entries(schema.properties ?? {})
    .filter(([, s]) => s.type !== 'array' && s.type !== 'object')
    .map(([name, s]) => ({ name, required: required.has(name), usual: required.has(name) || usual.has(name), about: s.description ?? '', choices: (s.enum ?? []).map(String) }))
    .sort((a, b) => Number(b.required) - Number(a.required) || Number(b.usual) - Number(a.usual))
}
