/** Events and rejects as they come in, without what is in them. */
import { useEffect, useRef, useState } from 'preact/hooks'
import type { TailQuery } from '../../api/api'
import { follow, type Phase } from '../../api/tail'
import type { Session, TailEvent, TailReject } from '../../api/types'
import * as format from '../../format'
import { go, hereHref, usePlace, type Place } from '../../state/url'
import { headingOf } from '../../words'
import { arrived, cleared, most, nothing, paused, resumed, type Row, type Watch } from './watch'
import { kinds, sourceWords, typeWords } from './words'

export function LiveTail({ session }: { session: Session }) {
  const place = usePlace()
  const on = place.query.get('live') === '1'
  const query = queryOf(place)
  return (
    <section class="live" aria-labelledby="live">
      <h2 id="live">Live tail</h2>
      {session.can_edit ? (
        <>
          <p class="quiet-note">
            Events as they come in: where from, and what became of them. What is in an event is not shown, since it would be the number of one person.
          </p>
          <TailForm key={JSON.stringify(query)} place={place} on={on} />
          {on && <Watching key={JSON.stringify(query)} query={query} zone={session.zone} />}
        </>
      ) : (
        <p class="quiet-note">Analysts and administrators can watch here what comes in. You see the counts above.</p>
      )}
    </section>
  )
}

/** What the address says is to be watched. */
function queryOf(place: Place): TailQuery {
  const query: TailQuery = {}
  const [source, kind, outcome] = ['live_source', 'live_kind', 'live_outcome'].map((name) => place.query.get(name))
  if (source) query.source = [source]
  if (kind) query.kind = [kind]
  if (outcome === 'accepted' || outcome === 'rejected') query.outcome = [outcome]
  return query
}

function TailForm({ place, on }: { place: Place; on: boolean }) {
  const held = (name: string) => place.query.get(name) ?? ''
  const form = useRef<HTMLFormElement>(null)
  const set = (live: '1' | null) => {
    const data = new FormData(form.current ?? undefined)
    const part = (name: string) => String(data.get(name) ?? '').trim() || null
    go(hereHref(place, { live, live_source: part('source'), live_kind: part('kind'), live_outcome: part('outcome') }))
  }
  return (
    <form ref={form} class="controls" aria-label="Live tail" onSubmit={(e) => (e.preventDefault(), set('1'))}>
      <label>
        <span>Source, or its beginning and *</span>
        <input type="text" name="source" autocomplete="off" defaultValue={held('live_source')} />
      </label>
      <label>
        <span>Kind</span>
        <select name="kind" value={held('live_kind')} onChange={() => set(on ? '1' : null)}>
          <option value="" selected={!held('live_kind')}>
            all
          </option>
          {kinds.map((kind) => (
            <option key={kind} value={kind} selected={kind === held('live_kind')}>
              {headingOf(kind)}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>Outcome</span>
        <select name="outcome" value={held('live_outcome')} onChange={() => set(on ? '1' : null)}>
          <option value="" selected={!held('live_outcome')}>
            taken or refused
          </option>
          <option value="accepted" selected={held('live_outcome') === 'accepted'}>taken</option>
          <option value="rejected" selected={held('live_outcome') === 'rejected'}>refused</option>
        </select>
      </label>
      <div class="control">
        <span aria-hidden="true">&nbsp;</span>
        <button type="submit" class="button">
          {on ? 'Watch these' : 'Watch'}
        </button>
      </div>
      {on && (
        <div class="control">
          <span aria-hidden="true">&nbsp;</span>
          <button type="button" class="button" onClick={() => set(null)}>
            Stop
          </button>
        </div>
      )}
    </form>
  )
}

/** How often the list takes in what has come: often enough to be live, and seldom enough for any number of events. */
const drawEvery = 250
/** How often the count is said aloud. */
const sayEvery = 5000

function Watching({ query, zone }: { query: TailQuery; zone: string }) {
  const { watch, phase, change, again } = useTail(query)
  const said = useSaid(watch, phase)
  return (
    <>
      <p class="live-state" role="status">
        <span class={`label ${phase.name === 'watching' ? '' : 'open'}`}>{phaseWords(phase, watch)}</span> <span>{said}</span>
      </p>
      {phase.name === 'away' && <p class="callout">{`${phase.problem.detail} Trying again in ${format.counted(phase.seconds, 'second', 'seconds')}; what comes in meanwhile is not shown.`}</p>}
      {phase.name === 'refused' && <Refused phase={phase} again={again} />}
      <p class="actions">
        <button type="button" class="button" onClick={() => change(watch.paused ? resumed : paused)}>
          {watch.paused ? 'Resume' : 'Pause'}
        </button>
        <button type="button" class="button" aria-disabled={watch.rows.length === 0} onClick={() => change(cleared)}>
          Clear
        </button>
        <span class="meta">
          {watch.paused && watch.waiting > 0 ? `${format.counted(watch.waiting, 'event has', 'events have')} come since you paused.` : `The latest ${format.count(most)} are kept.`}
        </span>
      </p>
      {watch.rows.length > 0 ? (
        <div class="live-list" role="region" aria-label="What came in, the latest first" tabindex={0}>
          <ol>
            {watch.rows.map((row) => (
              <RowItem key={row.key} row={row} zone={zone} />
            ))}
          </ol>
        </div>
      ) : (
        phase.name !== 'refused' && <p class="live-empty meta">Nothing has come in yet that fits.</p>
      )}
    </>
  )
}

/** Follows the tail as long as the component is there. */
function useTail(query: TailQuery) {
  const [watch, setWatch] = useState<Watch>(nothing)
  const [phase, setPhase] = useState<Phase>({ name: 'connecting' })
  const [tries, setTries] = useState(0)
  useEffect(() => {
    const stop = new AbortController()
    let key = 0
    let came: Row[] = []
    const draw = setInterval(() => {
      if (came.length === 0) return
      const rows = came
      came = []
      setWatch((w) => arrived(w, rows))
    }, drawEvery)
    // Between two looks a flood may bring more than there is room for: the count knows of all of them.
    void follow(query, stop.signal, {
      phase: (p) => !stop.signal.aborted && setPhase(p),
      item: (item) => came.push(rowOf(tries * 1e9 + key++, item)),
      missed: (n) => came.push({ key: tries * 1e9 + key++, what: 'missed', n }),
      gap: () => came.push({ key: tries * 1e9 + key++, what: 'gap', at: new Date().toISOString() }),
    })
    return () => {
      clearInterval(draw)
      stop.abort()
    }
  }, [tries])
  return { watch, phase, change: (how: (w: Watch) => Watch) => setWatch(how), again: () => setTries((n) => n + 1) }
}

const rowOf = (key: number, item: TailEvent | TailReject): Row =>
  item.outcome === 'accepted' ? { key, what: 'accepted', item } : { key, what: 'rejected', item }

/** The count in words; it changes now and then only, since it is said aloud. */
function useSaid(watch: Watch, phase: Phase): string {
  const latest = useRef(watch)
  latest.current = watch
  const words = () => `${format.count(latest.current.accepted)} taken, ${format.count(latest.current.rejected)} refused since you began.`
  const [said, setSaid] = useState(words)
  useEffect(() => {
    setSaid(words())
    const timer = setInterval(() => setSaid(words()), sayEvery)
    return () => clearInterval(timer)
  }, [phase.name, watch.paused])
  return said
}

function phaseWords(phase: Phase, watch: Watch): string {
  switch (phase.name) {
    case 'connecting':
      return 'Connecting'
    case 'waiting':
      return 'Waiting for the log to answer'
    case 'watching':
      return watch.paused ? 'Paused' : 'Watching'
    case 'away':
      return phase.problem.status === 429 ? 'Too many are watching' : phase.problem.status === 0 ? 'The server is away' : 'The server is busy'
    case 'refused':
      return phase.problem.status === 401 ? 'You are not signed in' : phase.problem.status === 403 ? 'You may not watch' : 'This can not be watched'
  }
}

function Refused({ phase, again }: { phase: Extract<Phase, { name: 'refused' }>; again: () => void }) {
  return (
    <div class="callout" role="alert">
      <p>{phase.problem.detail}</p>
      <p class="actions">
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      </p>
    </div>
  )
}

function RowItem({ row, zone }: { row: Row; zone: string }) {
  const place = usePlace()
  switch (row.what) {
    case 'gap':
      return (
        <li class="live-note">
          Connected again <Clock at={row.at} zone={zone} />: what came in before that, while the connection was away, is not shown.
        </li>
      )
    case 'missed':
      return <li class="live-note">{format.counted(row.n, 'event is', 'events are')} not shown here: more came than this browser took in.</li>
    case 'accepted':
      return (
        <li>
          <Clock at={row.item.received_at} zone={zone} /> <span class="label">taken</span> {headingOf(row.item.kind)} <From source={row.item.source} id={row.item.id} />
        </li>
      )
    case 'rejected':
      return (
        <li>
          <Clock at={row.item.at} zone={zone} /> <span class="label open">refused</span> {typeWords(row.item.type)} <From source={row.item.source} id={row.item.id} />
          <span class="live-why">
            {row.item.reject_id ? <a href={hereHref(place, { reject: row.item.reject_id })}>{row.item.code.replaceAll('_', ' ')}</a> : row.item.code.replaceAll('_', ' ')}
            {row.item.pointer && <span class="digits"> {row.item.pointer}</span>}: {row.item.message}
          </span>
        </li>
      )
  }
}

const From = ({ source, id }: { source: string; id: string }) => (
  <span class="wrap-any">
    from {sourceWords(source)}, id {id || 'could not be read'}
  </span>
)

const Clock = ({ at, zone }: { at: string; zone: string }) => (
  <time class="digits" dateTime={at}>
    {format.clock(at, zone)}
  </time>
)
