/**
 * Every number and date on the screen passes through here, in the reader's locale. Nothing here decides what is known: a value
 * that is null is said in words by the caller (words.ts), never written as 0 or as a dash.
 */
import { plain } from './exact'

/** Locale of numbers and dates; undefined is the browser's own. */
let locale: string | undefined

/** The locales to choose from, by the names that their readers use. The texts are English in all of them. */
export const locales = [
  { tag: 'en', name: 'English' },
  { tag: 'de', name: 'Deutsch' },
  { tag: 'ja', name: '日本語' },
] as const

/** Sets the locale; tests use it to be the same on every machine. */
export function setLocale(tag: string | undefined): void {
  locale = tag
  formats.clear()
}

const kept = 'plumbline.locale'

/** The locale that the reader chose last, if it is one of ours; else the browser's own holds. */
export function rememberedLocale(): string | undefined {
  try {
    const tag = localStorage.getItem(kept)
    return locales.find((l) => l.tag === tag)?.tag
  } catch {
    return undefined // storage is blocked
  }
}

/** Sets the locale and keeps it on this device; undefined goes back to the browser's own. */
export function chooseLocale(tag: string | undefined): void {
  setLocale(tag)
  try {
    if (tag) localStorage.setItem(kept, tag)
    else localStorage.removeItem(kept)
  } catch {
    // Storage is blocked: the choice holds until the page is closed.
  }
}

const formats = new Map<string, Intl.NumberFormat>()

function numberFormat(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options)
  const made = formats.get(key) ?? new Intl.NumberFormat(locale, options)
  formats.set(key, made)
  return made
}

/** Intl writes a hyphen for minus in some locales; figures read better with the true sign. */
function write(value: number, options: Intl.NumberFormatOptions): string {
  return numberFormat(options).format(value).replace('-', '−')
}

/** Digits after the point so that about three figures show: 612, 61.2, 6.12. */
function places(value: number): number {
  const size = Math.abs(value)
  if (size >= 100 || size === 0) return 0
  return size >= 10 ? 1 : 2
}

/** Units of measures: h, share (of 1), days, index, a currency code; anything else is written after the number. */
export type Unit = string

export function isCurrency(unit: Unit): boolean {
  return /^[A-Z]{3}$/.test(unit)
}

/** Units of things that are counted whole. */
const countable = new Set(['', 'deals', 'events', 'people', 'teams', 'workflows', 'reviews', 'barriers', 'kinds'])

interface Style {
  /** Show + on positive values. */
  signed?: boolean
  /** Digits after the point, in the unit shown; otherwise chosen by size. */
  digits?: number
}

/** A value of a measure with its unit: "612 h", "61.7%", "51.0 days", "$60,500". */
export function value(v: number, unit: Unit, style: Style = {}): string {
  const signDisplay = style.signed ? 'exceptZero' : 'auto'
  const fixed = (digits: number): Intl.NumberFormatOptions => {
    const d = style.digits ?? digits
    return { minimumFractionDigits: d, maximumFractionDigits: d, signDisplay }
  }
  if (unit === 'share') return write(v, { style: 'percent', ...fixed(1) })
  if (isCurrency(unit)) return write(v, { style: 'currency', currency: unit, currencyDisplay: 'narrowSymbol', ...fixed(Math.abs(v) >= 1000 ? 0 : 2) })
  if (unit === 'days') return `${write(v, fixed(1))} days`
  if (countable.has(unit)) return unit === '' ? write(v, fixed(0)) : `${write(v, fixed(0))} ${unit}`
  if (unit === 'index') return write(v, fixed(places(v)))
  if (unit === 'level') return `level ${write(v, fixed(0))}`
  return `${write(v, fixed(places(v)))}\u00a0${unit}`
}

/** The number alone, for a figure whose unit stands beside it. */
export function figure(v: number, unit: Unit): { number: string; unit: string } {
  const text = value(v, unit)
  const parts = /^(.*?)[\u00a0 ](h|days|min|minutes)$/.exec(text)
  return parts ? { number: parts[1] ?? text, unit: parts[2] ?? '' } : { number: text, unit: '' }
}

/** Difference of two values: shares differ in percentage points. */
export function difference(v: number, unit: Unit): string {
  return unit === 'share' ? points(v) : value(v, unit, { signed: true })
}

/** A share difference in percentage points: 0.0068 is "+0.68 pp". */
export function points(v: number, digits = Math.abs(v) < 0.1 ? 2 : 1): string {
  return `${write(v * 100, { minimumFractionDigits: digits, maximumFractionDigits: digits, signDisplay: 'exceptZero' })}\u00a0pp`
}

/** Both ends of an interval: "480 to 744 h", with the same digits on both ends and a unit that stands behind named once. */
export function range(low: number, high: number, unit: Unit): string {
  const digits = unit === 'share' || unit === 'days' ? undefined : spread(low, high, unit)
  const first = value(low, unit, { digits })
  const behind = [`\u00a0${unit}`, ` ${unit}`].find((end) => unit !== 'share' && first.endsWith(end)) ?? ''
  return `${first.slice(0, first.length - behind.length)} to ${value(high, unit, { digits })}`
}

function spread(low: number, high: number, unit: Unit): number {
  const largest = Math.max(Math.abs(low), Math.abs(high))
  return isCurrency(unit) ? (largest >= 1000 ? 0 : 2) : places(largest)
}

/** A relative change: 0.188 is "+18.8%". */
export function relative(v: number): string {
  return value(v, 'share', { signed: true })
}

/** A whole number. */
export function count(n: number): string {
  return write(n, { maximumFractionDigits: 0 })
}

/** A count with its noun: one event, 1,234 events. */
export function counted(n: number, one: string, many: string): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

/** A probability of an interval or a chance, as a whole percentage: 0.9 is "90%"; never rounded up to 100% or down to 0%. */
export function chance(p: number): string {
  if (p > 0.999 && p < 1) return `>${write(0.999, { style: 'percent', maximumFractionDigits: 1 })}`
  if (p < 0.001 && p > 0) return `<${write(0.001, { style: 'percent', maximumFractionDigits: 1 })}`
  return write(p, { style: 'percent', maximumFractionDigits: 1 })
}

/** A p-value: "p = 0.031", "p < 0.001". */
export function pValue(p: number): string {
  return p < 0.001 ? `p < ${write(0.001, { maximumFractionDigits: 3 })}` : `p = ${write(p, { maximumSignificantDigits: 2 })}`
}

/** A bare number with a sensible number of digits, for axes and statistics. */
export function plainNumber(v: number, digits = 2): string {
  return write(v, { maximumFractionDigits: digits })
}

/** Every digit of a decimal, in the reader's separators. Intl takes the text as it is, so that no digit passes through a float. */
export function digitsOf(text: string): string {
  const whole = plain(text)
  const places = whole.split('.')[1]?.length ?? 0
  // More digits than Intl takes do not come from the API; they would be shown as they are.
  if (places > 100) return whole.replace('-', '−')
  return numberFormat({ minimumFractionDigits: places, maximumFractionDigits: places, useGrouping: true }).format(whole as `${number}`).replace('-', '−')
}

/** The exact digits of a decimal, with its unit and nothing rounded. */
export function exact(text: string, unit: Unit): string {
  const digits = digitsOf(text)
  if (unit === 'share') return `${digits} (share of 1)`
  return unit === '' || unit === 'index' ? digits : `${digits} ${unit}`
}

/** A calendar day such as 2026-11-24, in words of the locale. */
export function day(iso: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }).format(utc(iso))
}

/** A month such as 2026-11. */
export function month(iso: string): string {
  return new Intl.DateTimeFormat(locale, { year: 'numeric', month: 'short', timeZone: 'UTC' }).format(utc(`${iso.slice(0, 7)}-01`))
}

/** A period from its first day to the day before `to`, as people write one. */
export function period(from: string, to: string): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' })
  // Intl puts thin spaces around the dash; they break lines badly.
  return format.formatRange(utc(from), utc(addDays(to, -1))).replace(/\u2009/g, ' ')
}

/** The time of day to the second, for what has just happened. */
export function clock(iso: string, zone: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'medium', timeZone: zone }).format(new Date(iso))
}

/** An instant, in the workspace's time zone. */
export function instant(iso: string, zone: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone }).format(new Date(iso))
}

/** Text of the server with its instants written for people; the zone is named where it is UTC. */
export function withInstants(text: string, zone: string): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z/g, (iso) => `${instant(iso, zone)}${zone === 'UTC' ? ' UTC' : ''}`)
}

/** The day `n` days after (before, when negative). */
export function addDays(iso: string, n: number): string {
  const date = utc(iso)
  date.setUTCDate(date.getUTCDate() + n)
  return date.toISOString().slice(0, 10)
}

/** The first day of the month that is so many months after that of a day. */
export function monthStart(iso: string, after: number): string {
  const date = utc(iso)
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + after, 1)).toISOString().slice(0, 10)
}

/** Days from one day to another. */
export function daysBetween(from: string, to: string): number {
  return Math.round((utc(to).getTime() - utc(from).getTime()) / 86_400_000)
}

function utc(iso: string): Date {
  return new Date(`${iso.slice(0, 10)}T00:00:00Z`)
}
