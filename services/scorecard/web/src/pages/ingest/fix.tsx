/** Try a fix, see what would happen, then do it. */
import { useId, useState } from 'preact/hooks'
import { api, asProblem, type ReplayFilter } from '../../api/api'
import type { RejectDetail, ReplayReport } from '../../api/types'
import * as format from '../../format'
import { complaint, fixText, line, opWords, suggested, type Line, type Op } from './operations'
import { sourceWords, stateWords, totalsWords } from './words'

type Chosen = { ids: string[] } | { filter: ReplayFilter }

export function FixForm({ r, changed }: { r: RejectDetail; changed: () => void }) {
  const [lines, setLines] = useState<Line[]>(() => suggested(r))
  const [all, setAll] = useState(false)
  const [report, setReport] = useState<ReplayReport | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const name = useId()
  // What was tried is what the button does; any change makes it untried.
  const edit = (next: Line[]) => {
    setLines(next)
    setReport(null)
  }
  const chosen = (): Chosen => (all ? { filter: { status: 'open', code: r.code, source: r.source } } : { ids: [r.id] })
  const send = async (dry: boolean) => {
    const wrong = lines.map(complaint).find((c) => c !== null)
    if (busy) return
    if (wrong) {
      setProblem(wrong)
      return
    }
    setBusy(true)
    setProblem(null)
    try {
      setReport(await replayAll(chosen(), fixText(lines), dry))
      if (!dry) changed()
    } catch (cause) {
      setProblem(asProblem(cause).detail)
    }
    setBusy(false)
  }
  return (
    <section aria-labelledby={`${name}h`}>
      <h3 id={`${name}h`}>Fix and replay</h3>
      <form class="fix" onSubmit={(e) => (e.preventDefault(), void send(true))}>
        {lines.length === 0 && <p class="quiet-note">Without a change the event is judged again as it is: right after whatever was wrong elsewhere was put right.</p>}
        {lines.map((l, i) => (
          <LineFields key={i} l={l} n={i + 1} set={(next) => edit(lines.map((old, j) => (j === i ? next : old)))} remove={() => edit(lines.filter((_, j) => j !== i))} />
        ))}
        <p class="actions">
          <button type="button" class="button" onClick={() => edit([...lines, line('set', '/data/')])}>
            Add a change
          </button>
        </p>
        <fieldset>
          <legend>For which events</legend>
          <label>
            <input type="radio" name={name} checked={!all} onChange={() => (setAll(false), setReport(null))} /> this one
          </label>
          {r.source !== '' && (
            <label>
              <input type="radio" name={name} checked={all} onChange={() => (setAll(true), setReport(null))} /> all of {sourceWords(r.source)} that are not counted for the same reason
            </label>
          )}
        </fieldset>
        <p class="actions">
          <button type="submit" class="button" aria-disabled={busy}>
            Try it
          </button>
          <span class="meta">Nothing changes: you see what would happen.</span>
        </p>
      </form>
      <div role="status">
        {problem && <p class="callout">{problem}</p>}
        {report && <Report report={report} busy={busy} send={() => void send(false)} />}
      </div>
    </section>
  )
}

/** All pages of a replay as one report. */
async function replayAll(chosen: Chosen, fix: string | null, dry: boolean): Promise<ReplayReport> {
  const first = await api.replay(chosen, fix, dry)
  let next = first.next
  while (next) {
    const page = await api.replay(chosen, fix, dry, next)
    for (const state of Object.keys(first.totals) as (keyof ReplayReport['totals'])[]) first.totals[state] += page.totals[state]
    first.results.push(...page.results)
    first.unrecorded += page.unrecorded
    next = page.next
  }
  return first
}

const mostResults = 20

function Report({ report, busy, send }: { report: ReplayReport; busy: boolean; send: () => void }) {
  const n = report.totals.accepted
  return (
    <div class="report">
      <p>
        <strong>{report.dry_run ? 'If you replay' : 'Done'}:</strong> {totalsWords(report)}.
      </p>
      <ul class="rejects">
        {report.results.slice(0, mostResults).map((result) => (
          <li key={result.id}>
            <p class="wrap-any">
              {result.event_id || result.id}: {stateWords[result.state][report.dry_run ? 0 : 1]}
              {result.fixed && ', fixed'}
              {result.receipt && ` at ${result.receipt} of the log`}
            </p>
            {result.message && (
              <p class="meta">
                {result.message}
                {result.pointer && ` (at ${result.pointer})`}
              </p>
            )}
          </li>
        ))}
      </ul>
      {report.results.length > mostResults && <p class="meta">and {format.count(report.results.length - mostResults)} more</p>}
      {report.unrecorded > 0 && <p class="callout">Of {format.count(report.unrecorded)} there is no record that they were replayed: the log did not take it.</p>}
      {report.dry_run && n > 0 && (
        <p class="actions">
          <button type="button" class="button primary" aria-disabled={busy} onClick={send}>
            Replay {format.counted(n, 'event', 'events')} now
          </button>
        </p>
      )}
      {!report.dry_run && n > 0 && <p class="quiet-note">They stand in the numbers in a few seconds. Replaying them again changes nothing.</p>}
    </div>
  )
}

function LineFields({ l, n, set, remove }: { l: Line; n: number; set: (l: Line) => void; remove: () => void }) {
  const valued = l.op === 'set' || l.op === 'default'
  return (
    <fieldset class="change">
      <legend>Change {n}</legend>
      <label>
        <span>What to do</span>
        <select value={l.op} onChange={(e) => set({ ...l, op: e.currentTarget.value as Op })}>
          {(Object.keys(opWords) as Op[]).map((op) => (
            <option key={op} value={op} selected={op === l.op}>
              {opWords[op]}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Where</span>
        <input type="text" class="digits" value={l.path} onInput={(e) => set({ ...l, path: e.currentTarget.value })} />
      </label>
      {valued && (
        <>
          <label>
            <span>Value</span>
            <input type="text" value={l.value} onInput={(e) => set({ ...l, value: e.currentTarget.value })} />
          </label>
          <label>
            <span>The value is</span>
            <select value={l.as} onChange={(e) => set({ ...l, as: e.currentTarget.value as Line['as'] })}>
              <option value="text" selected={l.as === 'text'}>a text (also money)</option>
              <option value="json" selected={l.as === 'json'}>a number, true, false or other JSON</option>
            </select>
          </label>
        </>
      )}
      {l.op === 'rename' && (
        <label>
          <span>New place</span>
          <input type="text" class="digits" value={l.to} onInput={(e) => set({ ...l, to: e.currentTarget.value })} />
        </label>
      )}
      {l.op === 'translate' && (
        <label class="wide">
          <span>From = to, one a line</span>
          <textarea rows={3} value={l.table} onInput={(e) => set({ ...l, table: e.currentTarget.value })} />
        </label>
      )}
      <button type="button" class="button" onClick={remove}>
        Leave out change {n}
      </button>
    </fieldset>
  )
}
