/** Notes on days of the period: numbered as in the charts, with what they say; and where leaders and those who keep the registry add and take them away. */
import { useRef, useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { Annotation, Scorecard, Session } from '../../api/types'
import { useFields } from '../../components/fields'
import { Refused } from '../../components/refused'
import { CsvLink, type Column } from '../../components/table'
import * as format from '../../format'
import { byField, forgetDraft, keepDraft, keptDraft, newId } from '../../state/drafts'
import { linkIn, scopeWords } from '../../words'

interface Draft {
  id: string
  day: string
  text: string
  url: string
}

type Field = 'day' | 'text' | 'url'

/** Whether the viewer may put notes on days; the server decides. */
const may = (session: Session | null): boolean => Boolean(session?.signed_in) && session?.role !== 'ic'

const columns: Column<Annotation & { n: number }>[] = [
  { name: 'note', title: 'Note', cell: (r) => r.n, csv: (r) => r.n },
  { name: 'day', title: 'Day', cell: (r) => r.day, csv: (r) => r.day },
  { name: 'scope', title: 'Scope', cell: (r) => r.scope, csv: (r) => r.scope },
  { name: 'text', title: 'Text', cell: (r) => r.text, csv: (r) => r.text },
  { name: 'url', title: 'Link', cell: (r) => r.url, csv: (r) => r.url },
]

export function Notes({ scorecard, session, teams, again }: { scorecard: Scorecard; session: Session | null; teams: Map<string, string>; again: () => void }) {
  const [adding, setAdding] = useState(false)
  const [said, setSaid] = useState('')
  const [taking, setTaking] = useState<string | null>(null)
  const notes = scorecard.annotations
  const mine = may(session)
  if (notes.length === 0 && !mine) return null
  const done = (words: string) => {
    setSaid(words)
    setAdding(false)
    setTaking(null)
    again()
  }
  const takeAway = async (id: string) => {
    if (taking !== id) return setTaking(id)
    try {
      await api.takeAnnotation(id)
      done('The note is taken away.')
    } catch (cause) {
      setSaid(`It was not taken away: ${asProblem(cause).detail}`)
    }
  }
  return (
    <section aria-labelledby="notes" class="notes">
      <h2 id="notes">Notes on days</h2>
      {notes.length > 0 && (
        <ol>
          {notes.map((n) => (
            <li key={n.id}>
              <strong>{format.day(n.day)}</strong>
              {n.scope !== scorecard.scope && <span class="meta"> {scopeWords(n.scope, teams)}</span>}: {n.text}{' '}
              {linkIn(n.url) && (
                <a href={linkIn(n.url)!} rel="noreferrer">
                  more<span class="sr"> on the note of {format.day(n.day)}</span>
                </a>
              )}{' '}
              {mine && (
                <button type="button" class="quiet link" data-not-drawn onClick={() => void takeAway(n.id)}>
                  {taking === n.id ? 'Take it away for everybody' : 'Take away'}
                  <span class="sr">: the note of {format.day(n.day)}</span>
                </button>
              )}
            </li>
          ))}
        </ol>
      )}
      <p role="status" class="said">
        {said}
      </p>
      {adding && <NoteForm scorecard={scorecard} done={() => done('The note is written. Everybody sees it.')} cancel={() => setAdding(false)} />}
      <p class="actions">
        {mine && !adding && (
          <button type="button" class="button" onClick={() => setAdding(true)}>
            Add a note
          </button>
        )}
        {notes.length > 0 && <CsvLink name={`plumbline-notes-${scorecard.period.from}-${scorecard.period.to}`} columns={columns} rows={notes.map((n, i) => ({ ...n, n: i + 1 }))} />}
      </p>
    </section>
  )
}

const place = 'plumbline.note'

function NoteForm({ scorecard, done, cancel }: { scorecard: Scorecard; done: () => void; cancel: () => void }) {
  // What one has alone is no matter of others: then the note is about all.
  const scope = scorecard.scope === 'me' ? 'org' : scorecard.scope
  const [draft, setDraft] = useState<Draft>(() => keptDraft<Draft>(place, ['id', 'day', 'text', 'url']) ?? { id: newId(), day: format.addDays(scorecard.period.to, -1), text: '', url: '' })
  const [refused, setRefused] = useState<Problem | null>(null)
  const [tried, setTried] = useState(false)
  const sending = useRef(false)
  const set = (change: Partial<Draft>) => {
    const next = { ...draft, ...change }
    setDraft(next)
    keepDraft(place, next)
    setRefused(null)
  }
  const local: Partial<Record<Field, string>> = {
    ...(draft.day ? {} : { day: 'Choose the day.' }), ...(draft.text.trim() ? {} : { text: 'Write what happened on that day.' }),
  }
  const wrong = { ...(tried ? local : {}), ...byField<Field>(refused?.status === 400 ? refused.fields : [], { '/day': 'day', '/text': 'text', '/url': 'url' }) }
  const { id, said, typed, why } = useFields<Field>(wrong, set)
  const submit = async () => {
    setTried(true)
    if (sending.current || Object.keys(local).length > 0) return
    sending.current = true
    setRefused(null)
    try {
      await api.annotate({ id: draft.id, day: draft.day, text: draft.text.trim(), url: draft.url.trim() || null, scope })
      forgetDraft(place)
      done()
    } catch (cause) {
      setRefused(asProblem(cause))
    }
    sending.current = false
  }
  return (
    <form
      class="outcome-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault()
        void submit()
      }}
    >
      <div class="field">
        <label for={`${id}day`}>Day</label>
        <input {...said('day')} type="date" value={draft.day} onInput={typed('day')} />
        {why('day')}
      </div>
      <div class="field wide">
        <label for={`${id}text`}>What happened</label>
        <input {...said('text')} type="text" autocomplete="off" maxLength={2000} value={draft.text} onInput={typed('text')} />
        {why('text')}
      </div>
      <div class="field wide">
        <label for={`${id}url`}>Where to read more (optional; an address)</label>
        <input {...said('url')} type="url" autocomplete="off" value={draft.url} onInput={typed('url')} />
        {why('url')}
      </div>
      {wrong[''] && (
        <p class="callout wide" role="alert">
          {wrong['']}
        </p>
      )}
      {refused && refused.status !== 400 && <Refused problem={refused} reload={cancel} take="Begin anew" />}
      <p class="actions wide">
        <button type="submit" class="button primary">
          Write it
        </button>
        <button type="button" class="button" onClick={cancel}>
          Cancel
        </button>
      </p>
    </form>
  )
}
