/** The rows behind a number, page by page, with their total and the CSV of all of them. */
import { useState } from 'preact/hooks'
import { api, asProblem, type EvidenceQuery, Problem } from '../api/api'
import type { Evidence } from '../api/types'
import { Show } from '../components/notice'
import { StatusWords } from '../components/number'
import { Table, type Column } from '../components/table'
import { exactText, sameExact } from '../exact'
import * as format from '../format'
import { useData } from '../state/data'
import { reasonWords } from '../words'

type Row = Evidence['rows'][number]

/** `claimed` is the value of the claim, exact, to be compared with the total of the rows. */
export function EvidenceRows({ query, claimed }: { query: EvidenceQuery; claimed: string | null }) {
  const loaded = useData(`evidence ${JSON.stringify(query)}`, (signal) => api.evidence({ ...query, limit: 50 }, signal))
  return (
    <section aria-labelledby="evidence-rows">
      <h3 id="evidence-rows">The evidence</h3>
      <Show loaded={loaded} what="the evidence">{(e) => <Rows key={JSON.stringify(query)} first={e} query={query} claimed={claimed} />}</Show>
    </section>
  )
}

const kinds: Record<Evidence['rows_are'], string> = {
  events: 'Each row is an event.',
  deals: 'Each row is a deal.',
  touches: 'Each row is a touch of a deal, with its credit.',
  cells: 'Each row is a group of at least five people in one week: rows of single people are never listed.',
}

function Rows({ first, query, claimed }: { first: Evidence; query: EvidenceQuery; claimed: string | null }) {
  const [rows, setRows] = useState(first.rows)
  const [next, setNext] = useState(first.next)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [loading, setLoading] = useState(false)
  const more = async () => {
    // A second press while the page is on its way would ask for the same page.
    if (loading) return
    setLoading(true)
    try {
      const page = await api.evidence({ ...query, limit: 200, cursor: next ?? undefined })
      setRows([...rows, ...page.rows])
      setNext(page.next)
      setProblem(null)
    } catch (cause) {
      setProblem(asProblem(cause))
    }
    setLoading(false)
  }
  return (
    <>
      <p class="quiet-note">{kinds[first.rows_are]}</p>
      <Total e={first} claimed={claimed} />
      {rows.length > 0 && <Table caption={`Evidence of ${first.measure.replaceAll('_', ' ')}`} hideCaption columns={columnsOf(first)} rows={rows} />}
      {problem && (
        <p class="callout" role="alert">
          {problem.detail}
        </p>
      )}
      <p class="actions">
        <span class="meta">
          {format.counted(rows.length, 'row', 'rows')} of {format.count(first.total.rows)} shown
        </span>
        {next && (
          <button type="button" class="button" aria-disabled={loading} onClick={() => void more()}>
            Show more
          </button>
        )}
        <a class="quiet" href={first.csv} download>
          Download all rows as CSV
        </a>
      </p>
    </>
  )
}

function Total({ e, claimed }: { e: Evidence; claimed: string | null }) {
  const total = exactText(e.total, 'value')
  if (total === null) {
    return (
      <p>
        <StatusWords status={e.total.status} reason={e.total.reason} /> {e.total.status === 'no_data' && !e.total.reason && reasonWords('no_data')}
      </p>
    )
  }
  const says = e.adds === 'sum' ? 'The rows add up to' : 'The formula over the rows gives'
  return (
    <p class="total">
      {says} <strong class="digits">{format.exact(total, e.unit)}</strong>
      {claimed !== null && (sameExact(total, claimed) ? ', exactly the number above.' : `, which differs from the number above (${format.exact(claimed, e.unit)}).`)}
    </p>
  )
}

function columnsOf(e: Evidence): Column<Row>[] {
  return e.columns.map((c) => ({
    name: c.title,
    title: c.unit && c.unit !== c.title.toLowerCase() ? `${c.title} (${c.unit})` : c.title,
    numeric: c.type === 'number',
    cell: (row) => {
      const text = cellText(row, c, e.period.zone)
      return text.length <= 24 ? <span class="nowrap">{text}</span> : text
    },
    csv: (row) => (typeof row[c.key] === 'boolean' ? String(row[c.key]) : (row[c.key] as string | number | null)),
  }))
}

export function cellText(row: Row, column: Evidence['columns'][number], zone: string): string {
  const v = row[column.key]
  if (v === null || v === undefined) return ''
  if (typeof v === 'number') return format.digitsOf(exactText(row as Record<string, number>, column.key) ?? '0')
  if (typeof v === 'boolean') return v ? 'yes' : 'no'
  if (column.type === 'day') return format.day(v)
  if (column.type === 'time') return format.instant(v, zone)
  return v
}
