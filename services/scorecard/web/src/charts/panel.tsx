/** What belongs to one chart: its table, and its files. Fetched when it is first opened. */
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { ChartTable } from '../components/chart'
import { CsvLink, Table } from '../components/table'
import { pictureOf, pngOf } from './picture'

export interface PanelProps {
  id: string
  /** The name of the files, without their ends. */
  name: string
  title: string
  caption: string[]
  table: () => ChartTable | Promise<ChartTable>
  button: RefObject<HTMLButtonElement | null>
  close: () => void
}

export function Panel({ id, name, title, caption, table, button, close }: PanelProps) {
  const panel = useRef<HTMLDivElement>(null)
  const [shown, setShown] = useState<ChartTable | null>(null)
  const [trouble, setTrouble] = useState('')
  useEffect(() => {
    let gone = false
    void Promise.resolve(table()).then((t) => !gone && setShown(t))
    return () => {
      gone = true
    }
  }, [])
  useLayoutEffect(() => {
    const element = panel.current
    if (!element) return
    // The button is its anchor; the types do not know the option yet, and a browser that does not shows it in the middle.
    ;(element as { showPopover(options?: { source: HTMLElement | null }): void }).showPopover(button.current ? { source: button.current } : undefined)
    element.focus()
    const toggled = (e: Event) => (e as ToggleEvent).newState === 'closed' && close()
    element.addEventListener('toggle', toggled)
    return () => element.removeEventListener('toggle', toggled)
  }, [])
  const save = async (kind: 'svg' | 'png') => {
    const chart = button.current?.closest('[data-chart]')
    if (!chart) return
    try {
      const picture = pictureOf(chart, { title, caption })
      offer(kind === 'svg' ? new Blob([picture.svg], { type: 'image/svg+xml' }) : await pngOf(picture), `${name}.${kind}`)
      setTrouble('')
    } catch (cause) {
      setTrouble(`The picture could not be made (${cause instanceof Error ? cause.message : String(cause)}). The other files may still work.`)
    }
  }
  return (
    <div ref={panel} id={id} popover="auto" class="tip chart-panel" role="dialog" aria-label={`Table and files of ${title}`} tabindex={-1}>
      <p class="actions">
        <button type="button" class="button" onClick={() => void save('svg')}>
          SVG
        </button>
        <button type="button" class="button" onClick={() => void save('png')}>
          PNG
        </button>
        {shown && <CsvLink name={name} columns={shown.columns} rows={shown.rows} />}
      </p>
      {trouble && (
        <p class="callout" role="alert">
          {trouble}
        </p>
      )}
      {shown && <Table caption={title} columns={shown.columns} rows={shown.rows} />}
    </div>
  )
}

/** Gives a file to the browser as a download. */
function offer(file: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
  // The browser has begun to read it by the next turn of its loop at the latest some seconds later.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
}
