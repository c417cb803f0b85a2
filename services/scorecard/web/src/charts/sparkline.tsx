/** A measure by week or month, without axes: its shape only. A span without a value is a gap, not a zero. */
import { line } from 'd3-shape'
import type { SeriesPoint } from '../api/types'
import { daysBetween } from '../format'
import { percentScale } from './scale'

export function Sparkline({ series, label }: { series: SeriesPoint[]; label: string }) {
  const known = series.filter((p) => p.value !== null)
  if (known.length < 3) return null
  const y = percentScale(known.map((p) => p.value), { zero: known.some((p) => (p.value ?? 0) < 0) })
  const step = 100 / (series.length - 1)
  const height = 30
  const yOf = (v: number) => height - 3 - (y(v) / 100) * (height - 6)
  const path = line<SeriesPoint>()
    .defined((p) => p.value !== null)
    .x((_, i) => i * step)
    .y((p) => yOf(p.value ?? 0))(series)
  const [low] = y.domain
  const last = series.findLastIndex((p) => p.value !== null)
  const lastPoint = series[last]
  return (
    <svg class="sparkline" role="img" aria-label={label} width="100%" height={height} viewBox={`-1 0 104 ${height}`} preserveAspectRatio="none">
      {low < 0 && <line class="zero" x1="0" x2="100" y1={yOf(0)} y2={yOf(0)} />}
      {path && <path d={path} class="curve" />}
      {/* A point is a line of no length: round however the picture is stretched. */}
      {alone(series).map((i) => (
        <path key={i} d={`M${i * step},${yOf(series[i]?.value ?? 0)}h0.001`} class="lone" />
      ))}
      {lastPoint && <path d={`M${last * step},${yOf(lastPoint.value ?? 0)}h0.001`} class="dot" />}
    </svg>
  )
}

/** What the points of a series are: weeks, or months of others' work. */
export function spanOf(series: SeriesPoint[]): 'week' | 'month' {
  return series.some((p) => daysBetween(p.from, p.to) > 7) ? 'month' : 'week'
}

/** Spans with a value between weeks without one: a line can't show them. */
export function alone(series: SeriesPoint[]): number[] {
  const known = (i: number) => (series[i]?.value ?? null) !== null
  return series.flatMap((_, i) => (known(i) && !known(i - 1) && !known(i + 1) ? [i] : []))
}
