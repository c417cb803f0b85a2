/**
 * Exact decimals in JSON.
 *
 * The API writes decimals as JSON numbers, exact to the last digit; a JavaScript number keeps about 16 of them. `parseExact` reads
 * the numbers as usual, for drawing and display, and remembers beside them the text of each one that a number can't hold.
 * `exactText` gives that text back and `sumExact` adds without rounding, so that a table can prove that it adds up.
 * Not for arithmetic in general: the numbers are computed by the server.
 */

const mark = '\ue000'
const token = /"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*/g
const number = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/

const texts = new WeakMap<object, Map<string, string>>()

/** Parses JSON; throws SyntaxError like JSON.parse. */
export function parseExact(json: string): unknown {
  let marked = false
  const safe = json.replace(token, (t) => {
    if (t[0] === '"' || !number.test(t) || String(Number(t)) === t) return t
    marked = true
    return `"${mark}${t}"`
  })
  if (!marked) return JSON.parse(json)
  return JSON.parse(safe, function (this: object, key: string, value: unknown) {
    if (typeof value !== 'string' || value[0] !== mark || !number.test(value.slice(1))) return value
    const text = value.slice(1)
    const known = texts.get(this) ?? new Map<string, string>()
    known.set(key, text)
    texts.set(this, known)
    return Number(text)
  })
}

/** The digits of a number property as the server sent them; null where the value is null or absent. */
export function exactText<T extends object>(holder: T, key: keyof T & string): string | null {
  const value: unknown = holder[key]
  if (typeof value !== 'number') return null
  return plain(texts.get(holder)?.get(key) ?? String(value))
}

/** Writes a decimal without an exponent: 1.5e-7 is 0.00000015. */
export function plain(text: string): string {
  const parts = /^(-?)(\d+)(?:\.(\d+))?[eE]([+-]?\d+)$/.exec(text)
  if (!parts) return text
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = parts
  const digits = whole + fraction
  const point = whole.length + Number(exponent)
  if (point <= 0) return `${sign}0.${'0'.repeat(-point)}${digits}`
  if (point >= digits.length) return sign + digits + '0'.repeat(point - digits.length)
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** The sum of decimals given as text, to the last digit, without trailing zeros. */
export function sumExact(values: string[]): string {
  const plains = values.map(plain)
  const scale = Math.max(0, ...plains.map((v) => v.split('.')[1]?.length ?? 0))
  let total = 0n
  for (const v of plains) {
    const [whole = '0', fraction = ''] = v.split('.')
    total += BigInt(whole + fraction.padEnd(scale, '0'))
  }
  const sign = total < 0n ? '-' : ''
  const digits = (total < 0n ? -total : total).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale)
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '')
  return sign + whole + (fraction ? `.${fraction}` : '')
}

/** Whether two decimals given as text are the same number: 1.50 is 1.5. */
export function sameExact(a: string, b: string): boolean {
  return sumExact([a]) === sumExact([b])
}
