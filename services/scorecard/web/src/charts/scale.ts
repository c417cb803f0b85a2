/** Scales of the chart kit: pure, so that they are tested without drawing. */
import { extent, nice, ticks as ticksOf } from 'd3-array'

/**
 * A linear scale. That of d3-scale brings formats of numbers and colours along, which nothing here uses: a sixth of all the
 * JavaScript of the app. The arithmetic of round ends and ticks is the library's own.
 */
export interface Linear {
  (v: number): number
  domain: [number, number]
  ticks: (about: number) => number[]
}

/** From a domain, which may not be a point, to a range; the ends of the domain are made round for about so many ticks, where asked. */
export function linear([low, high]: [number, number], [from, to]: [number, number], round?: number): Linear {
  const domain: [number, number] = round === undefined ? [low, high] : nice(low, high, round)
  const [a, b] = domain
  return Object.assign((v: number) => from + ((v - a) / (b - a)) * (to - from), { domain, ticks: (about: number) => ticksOf(a, b, about) })
}

/** A scale from data to percent of the width. */
export interface Percent {
  (v: number): number
  domain: [number, number]
  ticks: number[]
}

/** Spans the values and zero, and `upTo` where charts beside each other share a scale, with round ends. Absent values are skipped. */
export function percentScale(values: (number | null | undefined)[], options: { zero?: boolean; ticks?: number; upTo?: number } = {}): Percent {
  const { zero = true, ticks = 5, upTo } = options
  const known = values.filter((v): v is number => typeof v === 'number' && Number.isFinite(v))
  if (zero) known.push(0)
  if (upTo !== undefined) known.push(upTo)
  let [low = 0, high = 1] = extent(known) as [number | undefined, number | undefined]
  if (low === high) [low, high] = low === 0 ? [0, 1] : [Math.min(0, low * 1.1), Math.max(0, high * 1.1)]
  const scale = linear([low, high], [0, 100], ticks)
  return Object.assign((v: number) => scale(v), { domain: scale.domain, ticks: scale.ticks(ticks) })
}

/** Percent text for an SVG attribute. */
export const pct = (v: number): string => `${Math.round(v * 1000) / 1000}%`
