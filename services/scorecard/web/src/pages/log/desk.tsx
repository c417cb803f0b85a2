/** Where an outcome is typed, sent and seen to count. What is typed is kept in the tab until the log has it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { Outcome, OutcomePreview } from '../../api/types'
import { Refused } from '../../components/refused'
import { after, type Sent } from './after'
import { again, atFields, changeOf, complaints, edited as editedDraft, emptyDraft, forget, keep, kept, previewOf, requestOf, type Draft, type Field } from './draft'
import { OutcomeForm, PreviewText, type Workflow } from './form'
import { SentNotice } from './sent'
import { workWords } from './log'

export function LogDesk({ workflows, recent, today, edited, changed }: {
  workflows: Workflow[]
  recent: Outcome[]
  today: string
  edited: Outcome | null
  changed: () => void
}) {
  const of = edited?.id ?? null
  const [draft, setDraft] = useState<Draft>(() => kept(of) ?? (edited ? editedDraft(edited) : emptyDraft(today)))
  const [tried, setTried] = useState(false)
  const [refused, setRefused] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  /** What another tab or device has made of the outcome meanwhile. */
  const [theirs, setTheirs] = useState<string | null>(null)
  const [sent, setSent] = useState<Sent | null>(null)
  const sending = useRef(false)
  const root = useRef<HTMLDivElement>(null)
  const { preview, problem, waiting } = usePreview(draft, of)

  const set = (change: Partial<Draft>) => {
    setDraft((before) => {
      const next = { ...before, ...change }
      keep(of, next)
      return next
    })
    setRefused(null)
  }
  const local = complaints(draft)
  const wrong: Partial<Record<Field | '', string>> = {
    ...shownWrong(local, draft, tried),
    ...atFields(problem?.status === 400 ? problem.fields : []),
    ...atFields(refused?.status === 400 ? refused.fields : []),
  }
  const submit = async () => {
    if (sending.current) return
    setTried(true)
    // Once it is drawn which they are.
    if (Object.keys(local).length > 0) return void setTimeout(() => focusWrong(root.current))
    sending.current = true
    setBusy(true)
    setRefused(null)
    const since = performance.now()
    try {
      const answer = edited ? await api.changeOutcome(edited.id, draft.version ?? edited.version, changeOf(draft, edited)) : await api.logOutcome(requestOf(draft))
      const receipt = 'receipt' in answer ? (answer.receipt ?? undefined) : undefined
      forget(of)
      setSent({ id: edited?.id ?? draft.id, receipt, preview, since, words: wordsOf(draft, workflows), changed: edited !== null })
      if (!edited) {
        setDraft(emptyDraft(today, draft.workflow))
        setTried(false)
      }
    } catch (cause) {
      setRefused(asProblem(cause))
      setTimeout(() => focusWrong(root.current))
    }
    sending.current = false
    setBusy(false)
  }
  const repeat = (o: Outcome) => {
    set(again(o, today))
    root.current?.querySelector<HTMLElement>('[type="submit"]')?.focus()
  }
  const reload = async () => {
    if (!edited) return
    try {
      const now = await api.outcome(edited.id)
      if (!('version' in now)) return
      set({ version: now.version, id: editedDraft(now).id })
      setTheirs(`It says now: ${workWords(now)}. Saving puts what stands here in its place.`)
    } catch (cause) {
      setRefused(asProblem(cause))
    }
  }
  return (
    <div ref={root} class="log-desk">
      {sent && <SentNotice key={sent.id + sent.since} sent={sent} follow={after} changed={changed} />}
      {!(edited && sent) && (
        <section aria-label={edited ? 'Change the outcome' : 'A new outcome'}>
          <OutcomeForm
            draft={draft} set={set} workflows={workflows} wrong={wrong} today={today} editing={edited !== null} busy={busy}
            submit={() => void submit()}
            preview={<PreviewText preview={preview} waiting={waiting} away={awayWords(problem)} />}
          >
            {theirs && !refused && (
              <p class="callout wide" role="status">
                {theirs}
              </p>
            )}
            {refused && refused.status !== 400 && <Refused problem={refused} reload={() => void reload()} take="Take the version that is there now as the one to change" />}
          </OutcomeForm>
        </section>
      )}
      {!edited && recent.length > 0 && <Recent recent={recent} repeat={repeat} />}
    </div>
  )
}

/** The complaint of a field that was typed into, or of all once sending was tried. */
function shownWrong(local: Partial<Record<Field, string>>, draft: Draft, tried: boolean): Partial<Record<Field, string>> {
  if (tried) return local
  return Object.fromEntries(Object.entries(local).filter(([field]) => field !== 'workflow' && draft[field as Field].trim() !== ''))
}

function wordsOf(draft: Draft, workflows: Workflow[]): string {
  const name = workflows.find((w) => w.key === draft.workflow)?.name ?? draft.workflow
  return workWords({ workflow: draft.workflow, workflow_name: name, minutes: requestOf(draft).minutes, units: requestOf(draft).units ?? 1 })
}

function focusWrong(root: HTMLElement | null): void {
  root?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus()
}

function Recent({ recent, repeat }: { recent: Outcome[]; repeat: (o: Outcome) => void }) {
  return (
    <section aria-labelledby="again">
      <h2 id="again">Log again</h2>
      <ul class="again">
        {recent.map((o) => (
          <li key={`${o.source} ${o.id}`}>
            <button type="button" class="button" onClick={() => repeat(o)}>
              {workWords(o)}
            </button>
          </li>
        ))}
      </ul>
      <p class="quiet-note">Your last five. One click fills in the form, the next one logs it.</p>
    </section>
  )
}

function awayWords(problem: Problem | null): string | null {
  if (!problem || problem.status === 400) return null
  if (problem.status === 401) return 'What it adds is not known: your session has ended.'
  return 'What it adds is not known just now. You can log it all the same.'
}

/** What the draft would add, asked a moment after the typing stops. */
function usePreview(draft: Draft, editing: string | null): { preview: OutcomePreview | null; problem: Problem | null; waiting: boolean } {
  const [state, setState] = useState<{ of: string; preview: OutcomePreview | null; problem: Problem | null }>({ of: '', preview: null, problem: null })
  const ready = Object.keys(complaints(draft)).length === 0
  const body = JSON.stringify(previewOf(draft, editing))
  // The id is new for each draft: after something was logged the same words add to another number.
  const key = ready ? `${draft.id} ${body}` : ''
  useEffect(() => {
    if (!key) return
    const stop = new AbortController()
    const timer = setTimeout(() => {
      api.previewOutcome(previewOf(draft, editing), stop.signal).then(
        (preview) => !stop.signal.aborted && setState({ of: key, preview, problem: null }),
        (cause: unknown) => !stop.signal.aborted && setState({ of: key, preview: null, problem: asProblem(cause) }),
      )
    }, 250)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [key])
  const current = state.of === key && key !== ''
  return { preview: current ? state.preview : null, problem: current ? state.problem : null, waiting: key !== '' && !current }
}
