/** A measure by itself: figure, range, what it is made of, evidence and warnings. */
import type { ComponentChildren } from 'preact'
import type { Measure } from '../api/types'
import * as format from '../format'
import { Warnings } from './asof'
import { measureTable, SaveChart } from './chart'
import { Grade } from './grade'
import { Counts, Covered, Figure, IntervalText } from './number'

export function Tile({ title, note, noun, measure, chart, parts = true }: {
  title: string
  note: string
  /** What is counted. */
  noun: [string, string]
  measure: Measure
  chart?: ComponentChildren
  /** Whether the parts are listed. */
  parts?: boolean
}) {
  const counts = (measure.parts ?? []).filter((part) => part.value !== null)
  return (
    <article class="tile" data-chart={chart ? true : undefined}>
      <h3>{title}</h3>
      <p class="figure-line">
        <Figure measure={measure} />
      </p>
      <p class="interval">
        <IntervalText of={measure} /> <Covered measure={measure} />
      </p>
      {chart}
      <p class="meta">
        {note}. <Counts measure={measure} noun={noun} />
      </p>
      {parts && counts.length > 0 && (
        <ul class="parts">
          {counts.map((part) => (
            <li key={part.key}>
              {part.title}: {format.value(part.value ?? 0, part.unit)}
            </li>
          ))}
        </ul>
      )}
      <Grade grade={measure.grade} />
      {chart && measure.value !== null && <SaveChart name={measure.key} title={title} table={measureTable(measure)} />}
      <Warnings of={measure.warnings} />
    </article>
  )
}
