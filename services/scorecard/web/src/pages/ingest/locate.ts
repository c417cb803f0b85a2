/** Finds the place of a JSON pointer in JSON text that may be broken, so that the page can mark it. */

export interface Span {
  from: number
  to: number
}

/** The span of the value at a pointer, or of the object that should have it; null where neither can be found. */
export function locate(text: string, pointer: string): Span | null {
  if (!pointer.startsWith('/')) return null
  const tokens = pointer.slice(1).split('/').map((t) => t.replaceAll('~1', '/').replaceAll('~0', '~'))
  const reader = new Reader(text)
  return reader.find(tokens)
}

class Reader {
  private at = 0
  constructor(private readonly text: string) {}

  find(tokens: string[]): Span | null {
    this.space()
    const [token, ...rest] = tokens
    if (token === undefined) return this.value()
    const open = this.text[this.at]
    if (open !== '{' && open !== '[') return null
    const start = this.at
    this.at++
    for (let i = 0; ; i++) {
      this.space()
      const next = this.text[this.at]
      // Missing: the brace of the object that should have it.
      if (next === undefined || next === '}' || next === ']') return rest.length === 0 ? { from: start, to: start + 1 } : null
      const begin = this.at
      let name = String(i)
      if (open === '{') {
        const key = this.string()
        if (key === null) return null
        name = key
        this.space()
        if (this.text[this.at] !== ':') return null
        this.at++
        this.space()
      }
      if (name === token) {
        if (rest.length > 0) return this.find(rest)
        const value = this.value()
        return value && { from: begin, to: value.to }
      }
      if (!this.value()) return null
      this.space()
      if (this.text[this.at] === ',') this.at++
      else if (this.text[this.at] !== '}' && this.text[this.at] !== ']') return null
    }
  }

  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++
  }

  private string(): string | null {
    const from = this.at
    if (this.text[this.at] !== '"') return null
    for (this.at++; this.at < this.text.length; this.at++) {
      if (this.text[this.at] === '\\') this.at++
      else if (this.text[this.at] === '"') {
        this.at++
        try {
          return JSON.parse(this.text.slice(from, this.at)) as string
        } catch {
          return null
        }
      }
    }
    return null
  }

  /** Passes over one value. */
  private value(): Span | null {
    const from = this.at
    const first = this.text[this.at]
    if (first === '"') return this.string() === null ? null : { from, to: this.at }
    if (first !== '{' && first !== '[') {
      while (this.at < this.text.length && !/[\s,\]}]/.test(this.text[this.at] ?? '')) this.at++
      return this.at > from ? { from, to: this.at } : null
    }
    let depth = 0
    while (this.at < this.text.length) {
      const c = this.text[this.at]
      if (c === '"') {
        if (this.string() === null) return null
        continue
      }
      this.at++
      if (c === '{' || c === '[') depth++
      else if ((c === '}' || c === ']') && --depth === 0) return { from, to: this.at }
    }
    return null
  }
}
