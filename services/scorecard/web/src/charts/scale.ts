/** Scales of the chart kit: pure, so that they are tested without drawing. */
import { extent } from 'd3-array'
import { scaleLinear } from 'd3-scale'

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
  const scale = scaleLinear().domain([low, high]).nice(ticks).range([0, 100])
  const domain = scale.domain() as [number, number]
  return Object.assign((v: number) => scale(v), { domain, ticks: scale.ticks(ticks) })
}

/** Percent text for an SVG attribute. */
export const pct = (v: number): string => `${Math.round(v * 1000) / 1000}%`
