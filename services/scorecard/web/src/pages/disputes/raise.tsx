/** Where the baseline of a workflow is disputed: what it is now stands above, and what is typed is kept until it is raised. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { api } from '../../api/api'
import type { Session, Workflow } from '../../api/types'
import { Notice, Show } from '../../components/notice'
import { Refused } from '../../components/refused'
import * as format from '../../format'
import { useData } from '../../state/data'
import { go, hereHref, signInHref, usePlace } from '../../state/url'
import { baselineWords, sourceWords } from '../workflows/words'
import { emptyRaise, forgetRaise, keepRaise, keptRaise, raisedAt, raiseOf, raiseWrong, type How, type RaiseDraft, type RaiseField } from './draft'
import { useForm } from './form'
import { MinutesFields } from './minutes'

export function RaisePanel({ workflow, session, again }: { workflow: string; session: Session | null; again: () => void }) {
  const place = usePlace()
  const [round, setRound] = useState(0)
  const head = useRef<HTMLHeadingElement>(null)
  useEffect(() => head.current?.focus(), [])
  // As it stands today: that is what is disputed.
  const loaded = useData(session ? `baseline ${workflow} ${round}` : null, (signal) => api.workflowList({ scope: `workflow:${workflow}` }, signal))
  return (
    <section class="panel" aria-labelledby="raise">
      <header class="panel-head">
        <h2 id="raise" tabindex={-1} ref={head}>
          Dispute the baseline
        </h2>
        <a class="button" href={hereHref(place, { raise: null })}>
          Close
        </a>
      </header>
      <Show loaded={session ? loaded : { ...loaded, loading: true }} what="the baseline">
        {(w) => {
          const row = w.workflows.find((r) => r.workflow === workflow)
          if (!row || row.baselines.length === 0) {
            return (
              <Notice title="There is no baseline to dispute">
                <p>Nothing prices the workflow {workflow} now. Its owner can declare how long a unit takes, or work without AI can be recorded.</p>
              </Notice>
            )
          }
          if (!session?.person) {
            return (
              <p class="quiet-note">
                <a href={signInHref(place)}>Sign in as yourself</a> to dispute it.
              </p>
            )
          }
          return <Raise row={row} session={session} again={again} reload={() => setRound((n) => n + 1)} />
        }}
      </Show>
    </section>
  )
}

const ways: { key: How; words: string }[] = [
  { key: 'minutes', words: 'I know about how long it takes' },
  { key: 'too_high', words: 'It is too high' },
  { key: 'too_low', words: 'It is too low' },
]

function Raise({ row, session, again, reload }: { row: Workflow; session: Session; again: () => void; reload: () => void }) {
  const place = usePlace()
  const now = row.baselines[0]!
  const { draft, busy, wrong, refused, fields, attributes } = useForm<RaiseDraft, RaiseField>({
    start: () => keptRaise(row.workflow) ?? emptyRaise(format.monthStart(session.today, 0)),
    keep: (d) => keepRaise(row.workflow, d),
    wrongOf: raiseWrong,
    at: raisedAt,
    send: async (d) => {
      keepRaise(row.workflow, d)
      const raised = await api.raiseDispute(raiseOf(row.workflow, d, now.version))
      forgetRaise(row.workflow)
      again()
      go(hereHref(place, { raise: null, dispute: raised.id, state: null, workflow: null }), 'replace')
    },
  })
  const { id, said, typed, why } = fields
  return (
    <>
      <p>
        <strong>{row.name}</strong>: {baselineWords(now, row.unit)} <span class="meta">{sourceWords(now)}{now.version && `, ${format.withInstants(now.version, 'UTC')}`}</span>
      </p>
      <form {...attributes}>
        <div class="field wide">
          <label for={`${id}how`}>What is wrong</label>
          <select {...said('how')} value={draft.how} onChange={typed('how')}>
            {ways.map((w) => (
              <option key={w.key} value={w.key} selected={w.key === draft.how}>
                {w.words}
              </option>
            ))}
          </select>
          {why('how')}
        </div>
        {draft.how === 'minutes' && <MinutesFields draft={draft} unit={row.unit} fields={fields} />}
        <div class="field">
          <label for={`${id}from`}>Since when</label>
          <input {...said('from')} type="date" value={draft.from} onInput={typed('from')} />
          {why('from')}
        </div>
        <div class="field wide">
          <label for={`${id}text`}>Why</label>
          <textarea {...said('text')} rows={3} value={draft.text} onInput={typed('text')} />
          {why('text')}
        </div>
        <div class="field wide">
          <label for={`${id}url`}>Where that can be seen (optional; an address)</label>
          <input {...said('url')} type="url" autocomplete="off" value={draft.url} onInput={typed('url')} />
          {why('url')}
        </div>
        <p class="quiet-note wide">Everybody sees what you write, and nobody that it is you: name nobody in it, yourself included. The owner of the workflow or an administrator decides.</p>
        {wrong[''] && (
          <p class="callout wide" role="alert">
            {wrong['']}
          </p>
        )}
        {refused && <Refused problem={refused} reload={reload} take="Look at the baseline as it is now" />}
        <p class="actions wide">
          <button type="submit" class="button primary" aria-disabled={busy}>
            {busy ? 'Sending…' : 'Dispute it'}
          </button>
        </p>
      </form>
    </>
  )
}
