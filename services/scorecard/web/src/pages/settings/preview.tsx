/** What a change would move, before it is saved: asked of the server with exactly what would be written. */
import { useEffect, useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { Catalogue, Status, WhatIf } from '../../api/types'
import { Covered, StatusWords } from '../../components/number'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { floorOf } from './draft'
import type { Section } from './kinds'

export interface Asked {
  section: Section
  key: string
  /** The JSON text of the entry; null while it is not complete. */
  body: string | null
  from: string | null
  to: string | null
}

export interface Previewed {
  answer: WhatIf | null
  problem: Problem | null
  waiting: boolean
}

/** Asked a moment after the typing stops. */
export function usePreview({ section, key, body, from, to }: Asked): Previewed {
  const [state, setState] = useState<{ of: string; answer: WhatIf | null; problem: Problem | null }>({ of: '', answer: null, problem: null })
  const of = section.does || body === null || !from || !to ? '' : [section.kind, key, body, from, to].join(' ')
  useEffect(() => {
    if (!of) return
    const stop = new AbortController()
    const timer = setTimeout(() => {
      api.whatIf({ from: from!, to: to! }, section.kind, key, body!, stop.signal).then(
        (answer) => !stop.signal.aborted && setState({ of, answer, problem: null }),
        (cause: unknown) => !stop.signal.aborted && setState({ of, answer: null, problem: asProblem(cause) }),
      )
    }, 400)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [of])
  const current = state.of === of && of !== ''
  return { answer: current ? state.answer : null, problem: current ? state.problem : null, waiting: of !== '' && !current }
}

/** One number that moves, or that stands beside one. */
export interface Row {
  name: string
  unit: string
  before: number | null
  after: number | null
  /** The digits, for the CSV. */
  digits: { before: string | null; after: string | null; difference: string | null }
  difference: number | null
  intervals: { before: [number, number] | null; after: [number, number] | null }
  status: { before: Status; after: Status }
  measure: WhatIf['scorecard']['measures'][string] | null
}

const pair = (low: number | null, high: number | null): [number, number] | null => (low === null || high === null || low === high ? null : [low, high])

/** What moves, in the order of the catalogue: each measure, and what is left of it after the haircut for risk. */
export function moved(answer: WhatIf, metrics: Catalogue['metrics']): Row[] {
  return metrics.flatMap(({ key, title }): Row[] => {
    const measure = answer.scorecard.measures[key] ?? null
    const d = answer.difference[key]
    const risk = answer.risk_adjusted[key]
    const rows: Row[] = []
    if (d) {
      rows.push({
        name: title, unit: d.unit, before: d.before, after: d.after, difference: d.difference, measure,
        digits: digitsOf(d),
        intervals: { before: pair(d.before_low, d.before_high), after: pair(d.after_low, d.after_high) }, status: { before: d.status_before, after: d.status_after },
      })
    }
    if (risk) {
      rows.push({
        name: `${title}, after the haircut for risk`, unit: measure?.unit ?? '', before: risk.before, after: risk.after, difference: risk.difference, measure: null,
        digits: digitsOf(risk), intervals: { before: null, after: null }, status: { before: d?.status_before ?? 'ok', after: measure?.status ?? 'no_data' },
      })
    }
    return rows
  })
}

const digitsOf = (d: { before: number | null; after: number | null; difference: number | null }): Row['digits'] => ({
  before: exactText(d, 'before'), after: exactText(d, 'after'), difference: exactText(d, 'difference'),
})

/** The words are read out as they change; the table is there to be read. */
export function Preview({ asked, previewed, metrics, ending }: { asked: Asked; previewed: Previewed; metrics: Catalogue['metrics']; ending: boolean }) {
  const { kind } = asked.section
  const rows = previewed.answer && moved(previewed.answer, metrics)
  return (
    <>
      <p role="status">{previewWords(asked, previewed, rows, ending ? 'withdrawn' : 'saved', metrics)}</p>
      {rows && rows.length > 0 && <Moves rows={rows} />}
      {previewed.answer && (kind === 'targets' || kind === 'benchmarks') && <Beside answer={previewed.answer} kind={kind} metrics={metrics} />}
    </>
  )
}

const overOnly = 'What others did in the month that is not over is no part of a preview'

function previewWords({ section, key, body, from, to }: Asked, { answer, problem, waiting }: Previewed, rows: Row[] | null, done: string, metrics: Catalogue['metrics']): string {
  if (section.does) return section.does
  if (body === null) return 'Once the form is complete, what it moves stands here.'
  if (waiting) return 'Working out what it moves…'
  const floor = problem && floorOf(problem.fields)
  if (floor) return `There is no preview of this: ${floor}. It can be ${done} all the same, and numbers may move then.`
  if (problem?.status === 400) return 'What is marked is to be mended; then what it moves stands here.'
  if (problem) return `What it moves is not known just now: ${problem.detail} It can be ${done} all the same.`
  if (!answer || !rows || !from || !to) return ''
  const period = `the whole organisation, ${format.period(from, to)}`
  if (section.kind === 'targets' || section.kind === 'benchmarks') {
    const one = section.one
    return metrics.some((m) => answer[section.kind as 'targets'][m.key])
      ? `${one[0]!.toUpperCase()}${one.slice(1)} changes no number. Of ${period}:`
      : `Nothing changes of ${period}: another of the measure stands before it, its scope is another, or it holds later. It changes no number anyway.`
  }
  if (rows.length === 0) {
    const measured = key === 'realisation' ? ' Months in which realisation is measured assume none.' : ''
    return `Nothing moves: no number of ${period}, depends on it.${measured} ${overOnly}; to see other days, choose another period above.`
  }
  return `${format.counted(rows.length, 'number moves', 'numbers move')}, of ${period}. ${overOnly}.`
}

function Moves({ rows }: { rows: Row[] }) {
  const columns: Column<Row>[] = [
    { name: 'measure', title: 'Number', csv: (r) => r.name, cell: (r) => <Name row={r} /> },
    { name: 'before', title: 'Before', numeric: true, csv: (r) => r.digits.before, cell: (r) => <Side row={r} side="before" /> },
    { name: 'after', title: 'After', numeric: true, csv: (r) => r.digits.after, cell: (r) => <Side row={r} side="after" /> },
    { name: 'difference', title: 'Difference', numeric: true, csv: (r) => r.digits.difference, cell: (r) => differenceWords(r) },
    { name: 'unit', title: 'Unit', csv: (r) => r.unit, cell: (r) => r.unit, csvOnly: true },
  ]
  return (
    <>
      <Table caption="What it moves" hideCaption columns={columns} rows={rows} />
      <p>
        <CsvLink name="what-it-moves" columns={columns} rows={rows} />
      </p>
    </>
  )
}

export function differenceWords(r: Row): string {
  if (r.difference === null) return 'none can be given'
  return r.difference === 0 ? 'only its range' : format.difference(r.difference, r.unit)
}

/** What the number is, how sure its ranges are, and of which days it is. */
function Name({ row: { name, measure, intervals } }: { row: Row }) {
  const ranged = (intervals.before ?? intervals.after) !== null && measure?.level != null
  return (
    <>
      <span class="sentence">{name}</span>
      {measure && (
        <span class="sub wraps">
          {ranged && `Ranges: ${format.chance(measure.level!)} sure`} <Covered measure={measure} />
        </span>
      )}
    </>
  )
}

function Side({ row, side }: { row: Row; side: 'before' | 'after' }) {
  const [v, interval] = [row[side], row.intervals[side]]
  if (v === null) return <StatusWords status={row.status[side]} reason={side === 'after' ? (row.measure?.reason ?? null) : null} />
  return (
    <>
      {format.value(v, row.unit)}
      {interval && <span class="sub wraps">{format.range(...interval, row.unit)}</span>}
    </>
  )
}

/** Which target or benchmark stands beside a measure, and whether a target is reached. */
function Beside({ answer, kind, metrics }: { answer: WhatIf; kind: 'targets' | 'benchmarks'; metrics: Catalogue['metrics'] }) {
  const none = kind === 'targets' ? 'no target' : 'no benchmark'
  return (
    <ul>
      {metrics.filter((m) => answer[kind][m.key]).map((m) => {
        const { before, after } = answer[kind][m.key]!
        const { value = null, unit = '' } = answer.scorecard.measures[m.key] ?? {}
        const said = (v: number | null) => (v === null ? none : format.value(v, unit))
        return (
          <li key={m.key}>
            {m.title}: {said(before)} → {said(after)}
            {value !== null && `; it is ${format.value(value, unit)}`}
            {kind === 'targets' && value !== null && after !== null && m.direction !== 'none' && `, ${reached(value, after, m.direction) ? 'which reaches it' : 'which is short of it'}`}.
          </li>
        )
      })}
    </ul>
  )
}

export const reached = (v: number, target: number, direction: 'up' | 'down' | 'none'): boolean => (direction === 'down' ? v <= target : v >= target)
