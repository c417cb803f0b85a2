/** The table behind the marks of a measure: value, range, what it is compared with, and its weeks or months. */
import type { Measure } from '../api/types'
import { tableOf, type ChartTable } from '../components/chart'
import type { Column } from '../components/table'
import { exactText } from '../exact'
import * as format from '../format'

export interface MeasureRow {
  what: string
  from: string | null
  to: string | null
  value: number | null
  /** The exact digits; null where nothing is known. */
  digits: string | null
  /** Why there is no value. */
  status: string
}

const missing = (status: string) => (status === 'withheld' ? 'withheld' : 'no data')

export function measureRows(m: Measure): MeasureRow[] {
  const row = <T extends object>(what: string, holder: T, key: keyof T & string, days?: { from: string; to: string }, status: string = m.status): MeasureRow => ({
    what, from: days?.from ?? null, to: days?.to ?? null, value: (holder[key] as number | null) ?? null, digits: exactText(holder, key), status,
  })
  const rows = [row('This period', m, 'value', m.covers ?? undefined)]
  if (m.low !== null && m.high !== null) {
    const level = m.level === null ? '' : ` (${format.chance(m.level)} sure)`
    rows.push(row(`Lower end of the range${level}`, m, 'low'), row(`Upper end of the range${level}`, m, 'high'))
  }
  if (m.previous) rows.push(row('Period compared with', m.previous, 'value', m.previous, m.previous.status))
  if (m.target) rows.push(row('Target', m.target, 'value'))
  if (m.benchmark) rows.push(row(`Benchmark: ${m.benchmark.label}`, m.benchmark, 'value'))
  for (const point of m.series ?? []) rows.push(row(format.daysBetween(point.from, point.to) > 7 ? 'Month' : 'Week', point, 'value', point, 'no_data'))
  return rows
}

/** `to` is the last day of the row, as people write one. */
const last = (r: MeasureRow) => (r.to === null ? null : format.addDays(r.to, -1))

export function measureTable(m: Measure): ChartTable {
  const columns: Column<MeasureRow>[] = [
    { name: 'what', title: 'What', cell: (r) => r.what, csv: (r) => r.what },
    { name: 'from', title: 'From', cell: (r) => (r.from === null ? '' : format.day(r.from)), csv: (r) => r.from },
    { name: 'to', title: 'To', cell: (r) => (r.to === null ? '' : format.day(last(r)!)), csv: last },
    { name: `value (${m.unit})`, title: 'Value', numeric: true, cell: (r) => (r.value === null ? <span class="missing small">{missing(r.status)}</span> : format.value(r.value, m.unit)), csv: (r) => r.digits },
    { name: 'status', title: 'Status', csvOnly: true, cell: () => null, csv: (r) => (r.value === null ? missing(r.status) : 'ok') },
  ]
  return tableOf(columns, measureRows(m))
}
