/** A data table that scrolls by itself on narrow screens, and the CSV of exactly what it shows. */
import type { ComponentChildren } from 'preact'
import { useMemo } from 'preact/hooks'

export interface Column<Row> {
  title: ComponentChildren
  /** Plain title, for CSV. */
  name: string
  numeric?: boolean
  cell: (row: Row) => ComponentChildren
  /** What the CSV holds: the exact value, not its display. Null is an empty field. */
  csv: (row: Row) => string | number | null
  /** In the CSV only: on screen it stands inside another cell. */
  csvOnly?: boolean
}

export function Table<Row>({ caption, columns: all, rows, foot, hideCaption = false }: {
  caption: string
  columns: Column<Row>[]
  rows: Row[]
  foot?: ComponentChildren
  hideCaption?: boolean
}) {
  const columns = all.filter((c) => !c.csvOnly)
  return (
    <div class="scroll" role="region" aria-label={caption} tabindex={0}>
      <table>
        <caption class={hideCaption ? 'sr' : ''}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.name} scope="col" class={c.numeric ? 'num' : ''}>
                {c.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, i) => (
            <tr key={i}>
              {columns.map((c, j) =>
                j === 0 ? (
                  <th key={c.name} scope="row" class={c.numeric ? 'num' : ''}>
                    {c.cell(row)}
                  </th>
                ) : (
                  <td key={c.name} class={c.numeric ? 'num' : ''}>
                    {c.cell(row)}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
        {foot && <tfoot>{foot}</tfoot>}
      </table>
    </div>
  )
}

/** Rows as CSV text (RFC 4180). A leading =, +, - or @ in text is made harmless for spreadsheets. */
export function csvOf<Row>(columns: Column<Row>[], rows: Row[]): string {
  const field = (v: string | number | null): string => {
    if (v === null) return ''
    const text = typeof v === 'string' && /^[=+@\t\r]|^-(?![\d.])/.test(v) ? `'${v}` : String(v)
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  const lines = [columns.map((c) => field(c.name)), ...rows.map((row) => columns.map((c) => field(c.csv(row))))]
  return lines.map((line) => line.join(',')).join('\r\n') + '\r\n'
}

export function CsvLink<Row>({ name, columns, rows }: { name: string; columns: Column<Row>[]; rows: Row[] }) {
  const href = useMemo(() => URL.createObjectURL(new Blob([csvOf(columns, rows)], { type: 'text/csv' })), [columns, rows])
  return (
    <a class="quiet" href={href} download={`${name}.csv`}>
      Download CSV
    </a>
  )
}

/** The table behind a chart, folded away until it is wanted. */
export function TableOf<Row>({ title = 'Show as a table', name, caption, columns, rows }: {
  title?: string
  name: string
  caption: string
  columns: Column<Row>[]
  rows: Row[]
}) {
  return (
    <details class="table-of">
      <summary>{title}</summary>
      <Table caption={caption} columns={columns} rows={rows} />
      <p>
        <CsvLink name={name} columns={columns} rows={rows} />
      </p>
    </details>
  )
}
