/** What is being typed: kept in the tab until the server has it, so that no error, no reload and no signing in loses it. */

/** A UUID of version 7: it says when it was made. Works without a secure context, where crypto.randomUUID is not. */
export function newId(now = Date.now(), random = crypto.getRandomValues(new Uint8Array(16))): string {
  const bytes = random.slice()
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now / 2 ** (8 * (5 - i))) % 256
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  const hex = [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

/** A number as people type it: "48", "47,5", " 1 200 ". Null where it is none. */
export function numberOf(text: string): number | null {
  const plain = text.replace(/[\s\u00a0\u202f]/g, '').replace(',', '.')
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? Number(plain) : null
}

export function keepDraft(place: string, draft: object): void {
  try {
    sessionStorage.setItem(place, JSON.stringify(draft))
  } catch {
    // Storage is blocked or full: the draft lives as long as the page.
  }
}

/** The draft at a place; null where there is none with texts of all these names. */
export function keptDraft<Draft>(place: string, texts: (keyof Draft & string)[]): Draft | null {
  try {
    const found: unknown = JSON.parse(sessionStorage.getItem(place) ?? 'null')
    if (typeof found !== 'object' || found === null) return null
    const d = found as Record<string, unknown>
    return texts.every((name) => typeof d[name] === 'string') ? (found as Draft) : null
  } catch {
    return null
  }
}

export function forgetDraft(place: string): void {
  try {
    sessionStorage.removeItem(place)
  } catch {
    // There is nothing to forget.
  }
}

/** The server's words by field; what belongs to none is under "". */
export function byField<Field extends string>(problems: { pointer: string; message: string }[], pointers: Record<string, Field>): Partial<Record<Field | '', string>> {
  const out: Partial<Record<Field | '', string>> = {}
  for (const p of problems) {
    const field: Field | '' = pointers[p.pointer] ?? ''
    out[field] ??= `${p.message.slice(0, 1).toUpperCase()}${p.message.slice(1)}.`.replace(/\.\.$/, '.')
  }
  return out
}
