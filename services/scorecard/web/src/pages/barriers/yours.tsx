/** What one has said and done about barriers oneself: at once, and seen by nobody else. */
import { useState } from 'preact/hooks'
import { api, asProblem } from '../../api/api'
import type { Barriers, BarrierSaid } from '../../api/types'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { headingOf } from '../../words'
import { newId } from '../../state/drafts'
import { saidWords } from './draft'

export function Yours({ b, again }: { b: Barriers; again: () => void }) {
  const [busy, setBusy] = useState<string | null>(null)
  const [said, setSaid] = useState<{ words: string; wrong: boolean } | null>(null)
  if (b.yours.length === 0) return null
  const takeBack = async (row: BarrierSaid) => {
    if (busy) return
    setBusy(row.id)
    setSaid(null)
    try {
      await api.takeBackBarrier(row.id, newId())
      setSaid({ words: `Taken back: what you ${saidWords[row.action]} of ${headingOf(row.barrier)} counts nowhere.`, wrong: false })
      again()
    } catch (cause) {
      setSaid({ words: `It was not taken back. ${asProblem(cause).detail}`, wrong: true })
    }
    setBusy(null)
  }
  const columns: Column<BarrierSaid>[] = [
    { name: 'barrier', title: 'Barrier', cell: (r) => headingOf(r.barrier), csv: (r) => r.barrier },
    { name: 'day', title: 'Day', cell: (r) => format.day(r.day), csv: (r) => r.day },
    { name: 'action', title: 'You', cell: (r) => saidWords[r.action], csv: (r) => r.action },
    { name: 'minutes_lost', title: 'Minutes', numeric: true, cell: (r) => (r.minutes_lost === null ? 'not said' : format.plainNumber(r.minutes_lost)), csv: (r) => exactText(r, 'minutes_lost') },
    { name: 'note', title: 'Note', cell: (r) => r.note ?? '', csv: (r) => r.note },
    { name: 'state', title: 'State', cell: (r) => (r.state === 'withdrawn' ? 'taken back' : 'counts'), csv: (r) => r.state },
    {
      name: 'change', title: 'Change', csv: () => null,
      cell: (r) =>
        r.state !== 'counted' ? '' : !r.editable ? 'where it came from' : (
          <button type="button" class="button small" aria-disabled={busy !== null} onClick={() => void takeBack(r)}>
            {busy === r.id ? 'Taking back…' : 'Take back'}
            <span class="sr">: {headingOf(r.barrier)}</span>
          </button>
        ),
    },
  ]
  const plain = columns.filter((c) => c.name !== 'change')
  return (
    <section aria-labelledby="yours">
      <h2 id="yours">What you have said and done</h2>
      <Table caption="What you have said and done about barriers in the period" hideCaption columns={columns} rows={b.yours} />
      <p role={said?.wrong ? 'alert' : 'status'} class={said?.wrong ? 'callout' : 'said'}>
        {said?.words}
      </p>
      <p class="quiet-note">
        Nobody else sees what you report and support. <CsvLink name={`plumbline-my-barriers-${b.period.from}-${b.period.to}`} columns={plain} rows={b.yours} />
      </p>
    </section>
  )
}
