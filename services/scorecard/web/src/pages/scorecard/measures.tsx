/** The measures, one row each, grouped by what they answer. */
import type { Annotation, Measure, Metric, Scorecard } from '../../api/types'
import { Bullet, BulletLegend } from '../../charts/bullet'
import { Sparkline, spanOf } from '../../charts/sparkline'
import { Warnings } from '../../components/asof'
import { measureTable, SaveChart } from '../../components/chart'
import { DisputedMark } from '../../components/disputed'
import { Grade } from '../../components/grade'
import { Counts, Covered, Figure, IntervalText } from '../../components/number'
import { TableOf, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { headingOf, pillars } from '../../words'
import { change } from './verdict'

export interface Titled {
  measure: Measure
  title: string
  about: string
  pillar: string
  direction: Metric['direction']
}

/** The measures of the answer with their titles from the catalogue, in the catalogue's order. Measures it does not know come last. */
export function titled(scorecard: Scorecard, metrics: Metric[]): Titled[] {
  const known = new Set(metrics.map((m) => m.key as string))
  const listed = metrics.flatMap((m) => {
    const measure = scorecard.measures[m.key]
    return measure ? [{ measure, title: m.title, about: m.about, pillar: m.pillar as string, direction: m.direction }] : []
  })
  const rest = Object.values(scorecard.measures)
    .filter((m) => !known.has(m.key))
    .map((measure) => ({ measure, title: headingOf(measure.key), about: '', pillar: 'other', direction: 'none' as const }))
  return [...listed, ...rest]
}

/** `headline` is the measure that the answer above shows already; it is in the tables, but has no row of its own. */
export function Measures({ rows, headline, scorecard }: { rows: Titled[]; headline: string | undefined; scorecard: Scorecard }) {
  const groups = [...pillars, { key: 'other', title: 'Further measures', question: '' }]
  return (
    <section aria-labelledby="measures">
      <div class="section-head">
        <h2 id="measures">The measures</h2>
        <BulletLegend />
      </div>
      {groups.map((group) => {
        const belongs = (r: Titled) => r.pillar === group.key || (group.key === 'other' && !pillars.some((p) => p.key === r.pillar))
        const members = rows.filter((r) => belongs(r) && r.measure.key !== headline)
        return members.length === 0 ? null : (
          <section key={group.key} class="pillar" aria-label={group.title}>
            <h3>
              {group.title} {group.question && <span class="question">{group.question}</span>}
            </h3>
            {members.map((row) => (
              <MeasureRow key={row.measure.key} row={row} notes={scorecard.annotations} />
            ))}
          </section>
        )
      })}
      <TableOf name={`plumbline-measures-${scorecard.period.from}-${scorecard.period.to}`} caption="All measures of this page" columns={measureColumns} rows={rows} title="All measures as a table" />
      <TableOf name={`plumbline-weeks-${scorecard.period.from}-${scorecard.period.to}`} caption="All measures by week" columns={weekColumns(rows, scorecard.annotations)} rows={weeks(rows)} title="By week, as a table" />
    </section>
  )
}

function MeasureRow({ row: { measure, title, about, direction }, notes }: { row: Titled; notes: Annotation[] }) {
  const before = change(measure)
  const label = `${title}: ${measure.value === null ? 'not known' : format.value(measure.value, measure.unit)}`
  return (
    <article class="measure" data-chart>
      <div class="measure-name">
        <h4>{title}</h4>
        <p class="about">
          {about} {direction === 'down' ? 'Lower is better.' : direction === 'up' ? 'Higher is better.' : ''}
        </p>
      </div>
      <div class="measure-value">
        <p class="figure-line">
          <Figure measure={measure} />
        </p>
        <p class="interval">
          <IntervalText of={measure} /> <Covered measure={measure} />
        </p>
      </div>
      <div class="measure-chart">
        <Bullet measure={measure} label={`${label}${before ? `; ${before}` : ''}`} />
        <p class="meta">
          {before}
          {measure.target && <span>{before ? ' · ' : ''}target: {format.value(measure.target.value, measure.unit)}</span>}
          {measure.benchmark && <span> · {measure.benchmark.label}: {format.value(measure.benchmark.value, measure.unit)}</span>}
        </p>
      </div>
      <div class="measure-trend">
        {measure.series && <Sparkline series={measure.series} label={`${title} by ${spanOf(measure.series)}, ${format.counted(measure.series.length, spanOf(measure.series), `${spanOf(measure.series)}s`)}`} notes={notes} />}
      </div>
      <div class="measure-proof">
        <Grade grade={measure.grade} />
        <p class="meta">
          <Counts measure={measure} noun={isDeals(measure) ? ['deal', 'deals'] : ['event', 'events']} />
        </p>
        <DisputedMark open={measure.open_disputes} />
        {measure.value !== null && <SaveChart name={measure.key} title={title} table={measureTable(measure)} />}
      </div>
      <Warnings of={measure.warnings} />
    </article>
  )
}

/** Which measures count deals rather than events. */
function isDeals(measure: Measure): boolean {
  return ['win_rate', 'cycle_days', 'pipeline_velocity', 'pipeline_value', 'pipeline_influenced'].includes(measure.key)
}

const measureColumns: Column<Titled>[] = [
  { name: 'measure', title: 'Measure', cell: (r) => r.title, csv: (r) => r.measure.key },
  { name: 'value', title: 'Value', numeric: true, cell: (r) => shown(r.measure, 'value'), csv: (r) => exactText(r.measure, 'value') },
  { name: 'unit', title: 'Unit', cell: (r) => r.measure.unit, csv: (r) => r.measure.unit },
  { name: 'low', title: 'Low', numeric: true, cell: (r) => shown(r.measure, 'low'), csv: (r) => exactText(r.measure, 'low') },
  { name: 'high', title: 'High', numeric: true, cell: (r) => shown(r.measure, 'high'), csv: (r) => exactText(r.measure, 'high') },
  { name: 'level', title: 'Level', numeric: true, cell: (r) => (r.measure.level === null ? 'none' : format.chance(r.measure.level)), csv: (r) => r.measure.level },
  { name: 'n', title: 'n', numeric: true, cell: (r) => (r.measure.n === null ? 'not shown' : format.count(r.measure.n)), csv: (r) => r.measure.n },
  { name: 'people', title: 'People', numeric: true, cell: (r) => (r.measure.people === null ? 'none' : format.count(r.measure.people)), csv: (r) => r.measure.people },
  { name: 'grade', title: 'Grade', numeric: true, cell: (r) => r.measure.grade ?? 'none', csv: (r) => r.measure.grade },
  { name: 'status', title: 'Status', cell: (r) => r.measure.status.replace('_', ' '), csv: (r) => r.measure.status },
  { name: 'open_disputes', title: 'Open disputes', csvOnly: true, cell: () => null, csv: (r) => r.measure.open_disputes ?? 0 },
  {
    name: 'previous', title: 'Before', numeric: true,
    cell: (r) => (r.measure.previous?.value == null ? 'none' : format.value(r.measure.previous.value, r.measure.unit)),
    csv: (r) => (r.measure.previous ? exactText(r.measure.previous, 'value') : null),
  },
]

function shown(measure: Measure, key: 'value' | 'low' | 'high'): string {
  const v = measure[key]
  return v === null ? 'none' : format.value(v, measure.unit)
}

/** Weeks and months of all series, by their first day. */
function weeks(rows: Titled[]): string[] {
  return [...new Set(rows.flatMap((r) => (r.measure.series ?? []).map((p) => p.from)))].sort()
}

function weekColumns(rows: Titled[], notes: Annotation[]): Column<string>[] {
  const columns = rows
    .filter((r) => (r.measure.series ?? []).length > 0)
    .map((r): Column<string> => {
      const points = new Map((r.measure.series ?? []).map((p) => [p.from, p]))
      return {
        name: r.measure.key, title: r.title, numeric: true,
        cell: (week) => {
          const v = points.get(week)?.value
          return v == null ? 'none' : format.value(v, r.measure.unit)
        },
        csv: (week) => {
          const point = points.get(week)
          return point ? exactText(point, 'value') : null
        },
      }
    })
  const spans = rows.flatMap((r) => r.measure.series ?? [])
  // A row may be a week of one measure and a month of another.
  const noted = (week: string) => notes.filter((n) => spans.some((p) => p.from === week && week <= n.day && n.day < p.to)).map((n) => n.text).join('; ')
  const said: Column<string>[] = notes.length === 0 ? [] : [{ name: 'notes', title: 'Notes', cell: noted, csv: (week) => noted(week) || null }]
  return [{ name: 'week_from', title: 'From', cell: (week) => format.day(week), csv: (week) => week }, ...columns, ...said]
}
