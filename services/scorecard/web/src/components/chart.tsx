/**
 * The way from a chart to its table and its files. What is pictured is the element around that has `data-chart`; the table, and with
 * it the CSV, is what the caller gives. All of it is fetched when it is asked for.
 */
import { useContext, useId, useRef, useState } from 'preact/hooks'
import type { Measure } from '../api/types'
import { About } from './about'
import { lazy } from './lazy'
import type { Column } from './table'

/** A table of rows of any kind. */
export interface ChartTable {
  columns: Column<unknown>[]
  rows: unknown[]
}

export function tableOf<Row>(columns: Column<Row>[], rows: Row[]): ChartTable {
  return { columns: columns as Column<unknown>[], rows }
}

/** The table of a measure: its marks and its weeks or months. */
export const measureTable = (measure: Measure) => async (): Promise<ChartTable> => (await import('../charts/measure-table')).measureTable(measure)

const Panel = lazy(async () => (await import('../charts/panel')).Panel, 'the table', true)

export function SaveChart({ name, title, table }: { name: string; title: string; table: () => ChartTable | Promise<ChartTable> }) {
  const about = useContext(About)
  const id = useId()
  const button = useRef<HTMLButtonElement>(null)
  const [open, setOpen] = useState(false)
  return (
    <span class="save" data-not-drawn>
      <button ref={button} type="button" class="quiet link" aria-haspopup="dialog" aria-expanded={open} onClick={() => setOpen(true)}>
        Table and files<span class="sr"> of {title}</span>
      </button>
      {open && <Panel id={id} name={`plumbline-${name}${about.file && `-${about.file}`}`} title={title} caption={about.caption} table={table} button={button} close={() => setOpen(false)} />}
    </span>
  )
}
