/** What is not in the numbers, and why. */
import type { Excluded } from '../api/types'
import * as format from '../format'
import { Table, type Column } from './table'

export function amountWords(e: Excluded): string {
  if (e.amount === null) return 'not known'
  return format.value(e.amount, e.unit)
}

export function ExcludedTable({ excluded, titles }: { excluded: Excluded[]; titles: Map<string, string> }) {
  const columns: Column<Excluded>[] = [
    { name: 'measure', title: 'Measure', cell: (e) => titles.get(e.measure) ?? e.measure, csv: (e) => e.measure },
    { name: 'reason', title: 'Why', cell: (e) => e.message, csv: (e) => e.reason },
    { name: 'where', title: 'Where', cell: (e) => e.workflow ?? e.team ?? 'anywhere', csv: (e) => e.workflow ?? e.team ?? '' },
    { name: 'n', title: 'Events', numeric: true, cell: (e) => (e.n === null ? 'not shown' : format.count(e.n)), csv: (e) => e.n },
    { name: 'amount', title: 'Amount', numeric: true, cell: amountWords, csv: (e) => e.amount },
  ]
  return <Table caption="Not counted" hideCaption columns={columns} rows={excluded} />
}
