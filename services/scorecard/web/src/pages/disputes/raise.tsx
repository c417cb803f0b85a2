/** Where the baseline of a workflow is disputed: what it is now stands above, and what is typed is kept until it is raised. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { api, Problem } from '../../api/api'
import type { Session, Workflow } from '../../api/types'
import { useFields } from '../../components/fields'
import { Notice, Show } from '../../components/notice'
import { Refused } from '../../components/refused'
import * as format from '../../format'
import { useData } from '../../state/data'
import { go, hereHref, signInHref, usePlace } from '../../state/url'
import { baselineWords, sourceWords } from '../workflows/words'
import { emptyRaise, forgetRaise, keepRaise, keptRaise, raisedAt, raiseOf, raiseWrong, type How, type RaiseDraft, type RaiseField } from './draft'
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
  const [draft, setDraft] = useState<RaiseDraft>(() => keptRaise(row.workflow) ?? emptyRaise(format.monthStart(session.today, 0)))
  const [tried, setTried] = useState(false)
  const [refused, setRefused] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const sending = useRef(false)
  const form = useRef<HTMLFormElement>(null)
  const set = (change: Partial<RaiseDraft>) => {
    const next = { ...draft, ...change }
    setDraft(next)
    keepRaise(row.workflow, next)
    setRefused(null)
  }
  const local = raiseWrong(draft)
  const wrong = { ...(tried ? local : {}), ...raisedAt(refused?.status === 400 ? refused.fields : []) }
  const fields = useFields<RaiseField>(wrong, set)
  const { id, said, typed, why } = fields
  const focusWrong = () => setTimeout(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  const submit = async () => {
    if (sending.current) return
    setTried(true)
    if (Object.keys(local).length > 0) return void focusWrong()
    sending.current = true
    setBusy(true)
    setRefused(null)
    keepRaise(row.workflow, draft)
    try {
      const d = await api.raiseDispute(raiseOf(row.workflow, draft, now.version))
      forgetRaise(row.workflow)
      again()
      go(hereHref(place, { raise: null, dispute: d.id, state: null, workflow: null }), 'replace')
      return
    } catch (cause) {
      setRefused(cause instanceof Problem ? cause : new Problem(0, 'Failed', String(cause)))
      focusWrong()
    }
    sending.current = false
    setBusy(false)
  }
  return (
    <>
      <p>
        <strong>{row.name}</strong>: {baselineWords(now, row.unit)} <span class="meta">{sourceWords(now)}{now.version && `, ${format.withInstants(now.version, 'UTC')}`}</span>
      </p>
      <form
        ref={form}
        class="outcome-form"
        noValidate
        onSubmit={(e) => {
          e.preventDefault()
          void submit()
        }}
      >
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
        {refused && refused.status !== 400 && <Refused problem={refused} reload={reload} take="Look at the baseline as it is now" />}
        <p class="actions wide">
          <button type="submit" class="button primary" aria-disabled={busy}>
            {busy ? 'Sending…' : 'Dispute it'}
          </button>
        </p>
      </form>
    </>
  )
}
