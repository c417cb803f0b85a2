/** Where a barrier is reported, supported, taken or cleared. The address says what; what is typed is kept in the tab until the board has it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { Barriers } from '../../api/types'
import { Notice } from '../../components/notice'
import { Refused } from '../../components/refused'
import { go, hereHref, signInHref, usePlace } from '../../state/url'
import { headingOf } from '../../words'
import { newId } from '../../state/drafts'
import { emptySay, forgetSay, keepSay, keptSay, readSaying, saidAt, saidWrong, sayOf, type SayDraft, type Saying } from './draft'
import { SayForm } from './form'

interface Done {
  id: string
  words: string
}

export function SayDesk({ b, person, again }: { b: Barriers; person: boolean; again: () => void }) {
  const place = usePlace()
  const saying = readSaying(place.query.get('say'))
  const [done, setDone] = useState<Done | null>(null)
  const close = () => go(hereHref(place, { say: null }), 'replace')
  return (
    <div class="log-desk say-desk">
      {done && <DoneNotice key={done.id} done={done} again={again} />}
      {saying ? (
        <Saying
          key={place.query.get('say')} saying={saying} b={b} again={again} close={close}
          done={(d) => {
            setDone(d)
            close()
            again()
          }}
        />
      ) : person ? (
        <p class="actions">
          <a class="button primary" href={hereHref(place, { say: 'report' })}>
            Report a barrier
          </a>
        </p>
      ) : (
        <p class="quiet-note">
          <a href={signInHref(place)}>Sign in as yourself</a> to report what is in your way, or to clear it.
        </p>
      )}
    </div>
  )
}

function Saying({ saying, b, again, close, done }: { saying: Saying; b: Barriers; again: () => void; close: () => void; done: (d: Done) => void }) {
  const row = b.barriers.find((r) => r.barrier === saying.barrier && r.barrier !== null)
  const deed = saying.action === 'take' || saying.action === 'resolve'
  const [draft, setDraft] = useState<SayDraft>(() => keptSay(saying) ?? emptySay(deed ? (row?.version ?? null) : null))
  const [tried, setTried] = useState(false)
  const [refused, setRefused] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const sending = useRef(false)
  const root = useRef<HTMLElement>(null)
  // The form comes by a click on the page: the focus goes along.
  useEffect(() => root.current?.querySelector<HTMLElement>('h2')?.focus(), [])
  const set = (change: Partial<SayDraft>) => {
    setDraft((before) => {
      const next = { ...before, ...change }
      keepSay(saying, next)
      return next
    })
    setRefused(null)
  }
  const local = saidWrong(saying, draft)
  const wrong = { ...(tried ? local : {}), ...saidAt(refused?.status === 400 ? refused.fields : []) }
  const focusWrong = () => setTimeout(() => root.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  const submit = async () => {
    if (sending.current) return
    setTried(true)
    if (Object.keys(local).length > 0) return void focusWrong()
    sending.current = true
    setBusy(true)
    setRefused(null)
    keepSay(saying, draft)
    try {
      const answer = await api.sayBarrier(sayOf(saying, draft, row?.category ?? null), deed ? draft.version : null)
      forgetSay(saying)
      done({ id: draft.id, words: doneWords(saying, headingOf(answer.barrier)) })
    } catch (cause) {
      setRefused(asProblem(cause))
      focusWrong()
    }
    sending.current = false
    setBusy(false)
  }
  // Another version is another deed: it needs an id of its own, too.
  const reload = async () => {
    const fresh = await api.barriers({ from: b.period.from, to: b.period.to, scope: b.scope }).catch(() => null)
    const now = fresh?.barriers.find((r) => r.barrier === saying.barrier)
    if (now) set({ version: now.version, id: newId() })
    again()
  }
  if (deed && !draft.version) {
    return (
      <Notice title="The board shows no such barrier">
        <p>It may be shown for another scope or period, or few people stand behind it. Choose one that shows it, and what you want to do from its row.</p>
        <p class="actions">
          <button type="button" class="button" onClick={close}>
            To the board
          </button>
        </p>
      </Notice>
    )
  }
  return (
    <section ref={root} aria-labelledby="say">
      <h2 id="say" tabindex={-1}>
        {headings[saying.action]}
        {saying.barrier !== null && `: ${headingOf(saying.barrier)}`}
      </h2>
      <SayForm saying={saying} draft={draft} set={set} wrong={wrong} busy={busy} submit={() => void submit()} cancel={() => (forgetSay(saying), close())}>
        {refused && refused.status !== 400 && <Refused problem={refused} reload={() => void reload()} take="Look at it as it is now, and go on" />}
      </SayForm>
    </section>
  )
}

const headings: Record<Saying['action'], string> = { report: 'What is in the way?', support: 'In my way, too', take: 'I clear it', resolve: 'It is cleared' }

function doneWords(saying: Saying, name: string): string {
  switch (saying.action) {
    case 'report':
      return `Reported: ${name}. It stands among yours at once. Others see what is reported when the month is over, and never who reported it.`
    case 'support':
      return `Supported: ${name}. It stands among yours at once, and counts for others when the month is over.`
    case 'take':
      return `Yours to clear: ${name}. Everybody sees that now.`
    case 'resolve':
      return `Cleared: ${name}. Everybody sees that now.`
  }
}

/** How long it can be undone by one click; later in the list of one's own. */
const undoSeconds = 10

function DoneNotice({ done, again }: { done: Done; again: () => void }) {
  const [state, setState] = useState<'open' | 'late' | 'asked' | 'undone'>('open')
  const [failed, setFailed] = useState<string | null>(null)
  const [change] = useState(() => newId())
  useEffect(() => {
    const timer = setTimeout(() => setState((s) => (s === 'open' ? 'late' : s)), undoSeconds * 1000)
    return () => clearTimeout(timer)
  }, [])
  const undo = async () => {
    if (state !== 'open') return
    setState('asked')
    setFailed(null)
    try {
      await api.takeBackBarrier(done.id, change)
      setState('undone')
      again()
    } catch (cause) {
      setFailed(`It was not undone: ${asProblem(cause).detail} Try again.`)
      setState('open')
    }
  }
  return (
    <section class="sent" aria-label="What was said">
      <p class="adds" role="status">
        {state === 'undone' ? 'Undone: it counts nowhere.' : done.words}
      </p>
      {failed && (
        <p class="callout" role="alert">
          {failed}
        </p>
      )}
      {(state === 'open' || state === 'asked') && (
        <p class="actions">
          <button type="button" class="button" onClick={() => void undo()} aria-disabled={state === 'asked'}>
            {state === 'asked' ? 'Undoing…' : 'Undo'}
          </button>
        </p>
      )}
    </section>
  )
}
