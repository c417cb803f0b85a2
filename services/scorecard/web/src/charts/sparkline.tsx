/** A measure by week or month, without axes: its shape only. A span without a value is a gap, not a zero. */
import { line } from 'd3-shape'
import type { Annotation, SeriesPoint } from '../api/types'
import { daysBetween } from '../format'
import { percentScale } from './scale'

export function Sparkline({ series, label, notes = [] }: {
  series: SeriesPoint[]
  label: string
  /** Notes on days, numbered in this order: what they say stands elsewhere on the page. */
  notes?: Annotation[]
}) {
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
  const marks = marksOf(series, notes)
  const noted = marks.length === 0 ? '' : `, with the notes ${marks.map((m) => m.words).join(', ')}`
  const curve = (
    <svg class="sparkline" role="img" aria-label={label + noted} width="100%" height={height} viewBox={`-1 0 104 ${height}`} preserveAspectRatio="none">
      {marks.map((m) => (
        <line key={m.words} class="noted" x1={m.x} x2={m.x} y1={0} y2={height} />
      ))}
      {low < 0 && <line class="zero" x1="0" x2="100" y1={yOf(0)} y2={yOf(0)} />}
      {path && <path d={path} class="curve" />}
      {/* A point is a line of no length: round however the picture is stretched. */}
      {alone(series).map((i) => (
        <path key={i} d={`M${i * step},${yOf(series[i]?.value ?? 0)}h0.001`} class="lone" />
      ))}
      {lastPoint && <path d={`M${last * step},${yOf(lastPoint.value ?? 0)}h0.001`} class="dot" />}
    </svg>
  )
  if (marks.length === 0) return curve
  return (
    <div class="noted-curve">
      {curve}
      {/* A picture of its own: the numbers are not stretched with the curve. */}
      <svg class="note-numbers" width="100%" height="12" aria-hidden="true">
        {marks.map((m) => (
          <text key={m.words} x={`${((m.x + 1) / 104) * 100}%`} y="10">
            {m.words}
          </text>
        ))}
      </svg>
    </div>
  )
}

export interface Mark {
  /** Where along the curve, of 100. */
  x: number
  /** The number of the note, or of the first and last of several that are too close to be told apart. */
  words: string
}

/** Numbers that are closer than this would stand on each other. */
const apart = 9

/** Where the notes stand along a series, whose points are the middles of their spans. Days of no span have no place. */
export function marksOf(series: SeriesPoint[], notes: Annotation[]): Mark[] {
  const out: { x: number; first: number; last: number }[] = []
  notes.forEach((note, n) => {
    const i = series.findIndex((p) => p.from <= note.day && note.day < p.to)
    const span = series[i]
    if (!span || series.length < 2) return
    const within = (daysBetween(span.from, note.day) + 0.5) / daysBetween(span.from, span.to)
    const x = Math.min(100, Math.max(0, ((i + within - 0.5) / (series.length - 1)) * 100))
    const before = out.at(-1)
    if (before && x - before.x < apart) before.last = n + 1
    else out.push({ x, first: n + 1, last: n + 1 })
  })
  return out.map((m) => ({ x: m.x, words: m.first === m.last ? `${m.first}` : `${m.first} to ${m.last}` }))
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
