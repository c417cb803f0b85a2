/** The waves of the survey, for administrators: open one, and close one for good. */
import { useState } from 'preact/hooks'
import { api, Problem } from '../../api/api'
import type { WaveState } from '../../api/types'
import { Show } from '../../components/notice'
import { Table, type Column } from '../../components/table'
import * as format from '../../format'
import { useData } from '../../state/data'

export function WaveDesk({ zone, today }: { zone: string; today: string }) {
  const loaded = useData('all waves', api.waves)
  const [said, setSaid] = useState<{ text: string; bad: boolean } | null>(null)
  const put = async (wave: string, closes: string | null): Promise<boolean> => {
    try {
      const w = await api.putWave(wave, closes)
      setSaid({ text: w.state === 'closed' ? `${wave} is closed for good: its secret is destroyed, and nobody can tell any more whose an answer is.` : `${wave} is open until ${format.instant(w.closes_at, zone)}.`, bad: false })
      loaded.again()
      return true
    } catch (cause) {
      setSaid({ text: cause instanceof Problem ? (cause.fields[0]?.message ?? cause.detail) : String(cause), bad: true })
      return false
    }
  }
  const columns: Column<WaveState>[] = [
    { name: 'wave', title: 'Wave', cell: (w) => w.wave, csv: (w) => w.wave },
    { name: 'state', title: 'State', cell: (w) => w.state, csv: (w) => w.state },
    { name: 'opened', title: 'Opened', cell: (w) => (w.opened_at ? format.instant(w.opened_at, zone) : 'not known'), csv: (w) => w.opened_at },
    { name: 'closes', title: 'Closes', cell: (w) => (w.closed_at ? `closed ${format.instant(w.closed_at, zone)}` : format.instant(w.closes_at, zone)), csv: (w) => w.closed_at ?? w.closes_at },
    { name: 'act', title: <span class="sr">Close</span>, cell: (w) => w.state === 'open' && <Close wave={w.wave} close={() => void put(w.wave, new Date(0).toISOString())} />, csv: () => null },
  ]
  return (
    <section aria-labelledby="wave-desk">
      <h2 id="wave-desk">Waves of the survey</h2>
      <p>A wave takes one answer of each person. While it is open its secret keeps answers apart; closed, it is destroyed, and no answer can be tied to anybody. It never opens again.</p>
      <Show loaded={loaded} what="the waves">
        {(list) => (list.waves.length === 0 ? <p class="quiet-note">There was none yet. Its first answer opens a wave, too.</p> : <Table caption="Waves of the survey" hideCaption columns={columns} rows={list.waves} />)}
      </Show>
      <Open today={today} open={put} />
      <div role="status">{said && <p class={said.bad ? 'callout' : 'quiet-note'}>{said.text}</p>}</div>
    </section>
  )
}

function Open({ today, open }: { today: string; open: (wave: string, closes: string | null) => Promise<boolean> }) {
  const [wave, setWave] = useState('')
  const [until, setUntil] = useState('')
  const [busy, setBusy] = useState(false)
  const submit = async (e: Event) => {
    e.preventDefault()
    if (busy || wave.trim() === '') return
    setBusy(true)
    // Until the day means: to its end, wherever the day is.
    if (await open(wave.trim(), until === '' ? null : `${format.addDays(until, 1)}T00:00:00Z`)) {
      setWave('')
      setUntil('')
    }
    setBusy(false)
  }
  return (
    <form class="controls" aria-label="Open a wave" onSubmit={(e) => void submit(e)}>
      <label>
        <span>Name, such as 2026-q4</span>
        <input type="text" name="wave" autocomplete="off" maxLength={128} value={wave} onInput={(e) => setWave(e.currentTarget.value)} />
      </label>
      <label>
        <span>Until the end of (62 days at most)</span>
        <input type="date" name="until" min={today} value={until} onInput={(e) => setUntil(e.currentTarget.value)} />
      </label>
      <div class="control">
        <span aria-hidden="true">&nbsp;</span>
        <button type="submit" class="button" aria-disabled={busy || wave.trim() === ''}>
          Open the wave
        </button>
      </div>
    </form>
  )
}

/** It can not be taken back: it is asked for twice. */
function Close({ wave, close }: { wave: string; close: () => void }) {
  const [sure, setSure] = useState(false)
  return sure ? (
    <button type="button" class="button" onClick={() => (setSure(false), close())} aria-label={`For good: close ${wave}`}>
      For good
    </button>
  ) : (
    <button type="button" class="button" onClick={() => setSure(true)} aria-label={`Close ${wave}`}>
      Close
    </button>
  )
}
