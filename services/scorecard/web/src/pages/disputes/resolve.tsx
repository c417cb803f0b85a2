/** Where a dispute is decided: what accepting it would change is shown before. */
import { useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { Dispute, WhatIf } from '../../api/types'
import { Refused } from '../../components/refused'
import { Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { usePlace, viewOf } from '../../state/url'
import { emptyResolve, forgetResolve, keepResolve, keptResolve, minutesOf, resolvedAt, resolveOf, resolveWrong, type ResolveDraft, type ResolveField } from './draft'
import { useForm } from './form'
import { MinutesFields } from './minutes'

export function Resolve({ d, changed, reload }: { d: Dispute; changed: (d: Dispute) => void; reload: () => void }) {
  const { draft, busy, local, wrong, refused, fields, attributes } = useForm<ResolveDraft, ResolveField>({
    start: () => keptResolve(d.id) ?? emptyResolve(d),
    keep: (typed) => keepResolve(d.id, typed),
    wrongOf: resolveWrong,
    at: resolvedAt,
    send: async (typed) => {
      const after = await api.resolveDispute(d.id, d.version, resolveOf(typed))
      forgetResolve(d.id)
      changed(after)
    },
  })
  const { id, said, typed, why } = fields
  const accepts = draft.decision === 'accept'
  return (
    <section aria-labelledby="decide">
      <h3 id="decide">Decide</h3>
      <form {...attributes}>
        <div class="field wide">
          <label for={`${id}decision`}>Decision</label>
          <select {...said('decision')} value={draft.decision} onChange={typed('decision')}>
            <option value="accept" selected={accepts}>
              Accept: another baseline holds
            </option>
            <option value="reject" selected={!accepts}>
              Reject: it stays as it is
            </option>
          </select>
          {why('decision')}
        </div>
        {accepts && (
          <>
            <MinutesFields draft={draft} unit={d.unit} fields={fields} />
            <div class="field">
              <label for={`${id}from`}>From which day on</label>
              <input {...said('from')} type="date" value={draft.from} onInput={typed('from')} />
              {why('from')}
            </div>
          </>
        )}
        <div class="field wide">
          <label for={`${id}text`}>{accepts ? 'Why (optional)' : 'Why'}</label>
          <textarea {...said('text')} rows={2} value={draft.text} onInput={typed('text')} />
          {why('text')}
        </div>
        {accepts && <Preview d={d} draft={draft} wrong={Object.keys(local).length > 0} />}
        {wrong[''] && (
          <p class="callout wide" role="alert">
            {wrong['']}
          </p>
        )}
        {refused && <Refused problem={refused} reload={reload} take="Look at it as it is now, and go on" />}
        <p class="actions wide">
          <button type="submit" class="button primary" aria-disabled={busy}>
            {busy ? 'Sending…' : accepts ? 'Accept it' : 'Reject it'}
          </button>
        </p>
      </form>
    </section>
  )
}

interface Change {
  key: string
  title: string
  /** As it came: its exact digits belong to it. */
  of: WhatIf['difference'][string]
}

/** What the numbers of the whole organisation would be, in the period of the address. */
function Preview({ d, draft, wrong }: { d: Dispute; draft: ResolveDraft; wrong: boolean }) {
  const view = viewOf(usePlace().query)
  const [shown, setShown] = useState<{ of: string; changes: Change[] | null; problem: Problem | null } | null>(null)
  const of = JSON.stringify([minutesOf(draft), draft.from, view.from, view.to])
  const ask = async () => {
    const settle = (changes: Change[] | null, problem: Problem | null) => setShown({ of, changes, problem })
    try {
      const asked = api.previewDispute(d.id, { baseline: minutesOf(draft), from: draft.from }, { from: view.from ?? undefined, to: view.to ?? undefined })
      const [would, catalogue] = await Promise.all([asked, api.metrics()])
      settle(catalogue.metrics.flatMap((m) => (would.difference[m.key] ? [{ key: m.key, title: m.title, of: would.difference[m.key]! }] : [])), null)
    } catch (cause) {
      settle(null, asProblem(cause))
    }
  }
  const current = shown?.of === of ? shown : null
  return (
    <div class="wide">
      <p class="actions">
        <button type="button" class="button" aria-disabled={wrong} onClick={() => void (wrong || ask())}>
          Show what that would change
        </button>
      </p>
      <div role="status">
        {current?.problem && (
          <p class="quiet-note">What it would change is not told. {current.problem.fields.map((f) => `${f.message.slice(0, 1).toUpperCase()}${f.message.slice(1)}.`).join(' ') || current.problem.detail} An administrator can accept it all the same.</p>
        )}
        {current?.changes?.length === 0 && <p class="quiet-note">No number of this period would change: what is measured prices the work, or none of it lies after that day.</p>}
      </div>
      {current?.changes && current.changes.length > 0 && <Table caption="What that would change in the whole organisation" columns={columns} rows={current.changes} />}
    </div>
  )
}

const amount = (v: number | null, unit: string) => (v === null ? 'not shown' : format.value(v, unit))

const columns: Column<Change>[] = [
  { name: 'measure', title: 'Measure', cell: (r) => r.title, csv: (r) => r.key },
  { name: 'before', title: 'Now', numeric: true, cell: (r) => amount(r.of.before, r.of.unit), csv: (r) => exactText(r.of, 'before') },
  { name: 'after', title: 'Then', numeric: true, cell: (r) => amount(r.of.after, r.of.unit), csv: (r) => exactText(r.of, 'after') },
  { name: 'difference', title: 'Difference', numeric: true, cell: (r) => (r.of.difference === null ? 'not shown' : format.difference(r.of.difference, r.of.unit)), csv: (r) => exactText(r.of, 'difference') },
]
