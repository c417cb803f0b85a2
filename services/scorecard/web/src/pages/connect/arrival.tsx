/** Waits for the first event of a source, and says what became of it. */
import { useEffect, useState } from 'preact/hooks'
import { api } from '../../api/api'
import { follow, type Phase } from '../../api/tail'
import type { Session, TailEvent, TailReject } from '../../api/types'
import * as format from '../../format'
import { useData } from '../../state/data'
import { pageHref, usePlace } from '../../state/url'
import { headingOf } from '../../words'

/** How many days back the page looks for what has come before it was opened: as long as rejects are kept. */
const lookBack = 30

export type Came = { what: 'nothing' } | { what: 'taken'; item: TailEvent } | { what: 'refused'; item: TailReject }

/** What has come of a source, from now on. The first that was taken stays; of what was refused the latest. */
export function useArrival(source: string): { came: Came; phase: Phase } {
  const [came, setCame] = useState<Came>({ what: 'nothing' })
  const [phase, setPhase] = useState<Phase>({ name: 'connecting' })
  useEffect(() => {
    setCame({ what: 'nothing' })
    setPhase({ name: 'connecting' })
    const stop = new AbortController()
    void follow({ source: [source] }, stop.signal, {
      phase: (p) => !stop.signal.aborted && setPhase(p),
      item: (item) => setCame((before) => after(before, item)),
      missed: () => {},
      gap: () => {},
    })
    return () => stop.abort()
  }, [source])
  return { came, phase }
}

export function after(before: Came, item: TailEvent | TailReject): Came {
  if (before.what === 'taken') return before
  return item.outcome === 'accepted' ? { what: 'taken', item } : { what: 'refused', item }
}

export function Arrival({ source, session, taken }: { source: string; session: Session; taken: (id: string) => void }) {
  const { came, phase } = useArrival(source)
  const earlier = useEarlier(source, session)
  const first = came.what === 'taken' ? came.item.id : null
  useEffect(() => {
    if (first !== null) taken(first)
  }, [first])
  return (
    <div class={`arrival ${came.what}`} role="status">
      {came.what === 'taken' && <Taken item={came.item} zone={session.zone} />}
      {came.what === 'refused' && <Refused item={came.item} zone={session.zone} />}
      {came.what === 'nothing' && (
        <>
          <p>
            <span class={`label ${phase.name === 'watching' ? '' : 'open'}`}>{words(phase)}</span> Nothing of <code>{source}</code> has come since you opened this.
          </p>
          {phase.name === 'refused' && <p>{phase.problem.detail}</p>}
        </>
      )}
      {earlier && <p class="meta">{earlier}</p>}
    </div>
  )
}

function Taken({ item, zone }: { item: TailEvent; zone: string }) {
  const place = usePlace()
  return (
    <p>
      <strong>✓ Connected.</strong> The first event came at {format.clock(item.received_at, zone)} and was taken: {headingOf(item.kind)}, id <span class="digits wrap-any">{item.id}</span>.{' '}
      <a href={pageHref('/', place.query)}>It is in the numbers in a moment</a>.
    </p>
  )
}

function Refused({ item, zone }: { item: TailReject; zone: string }) {
  const place = usePlace()
  const href = item.reject_id ? `${pageHref('/ingest', place.query)}${place.query.size > 0 ? '&' : '?'}reject=${encodeURIComponent(item.reject_id)}` : pageHref('/ingest', place.query)
  return (
    <p>
      <strong>It arrived, and was refused</strong> at {format.clock(item.at, zone)}: {item.code.replaceAll('_', ' ')}
      {item.pointer && <span class="digits"> {item.pointer}</span>}: {item.message}. It is kept: <a href={href}>look at it on Ingest</a>, mend what sends it, and send again.
    </p>
  )
}

function words(phase: Phase): string {
  switch (phase.name) {
    case 'watching':
      return 'Waiting'
    case 'refused':
      return phase.problem.status === 403 ? 'You may not watch' : 'This can not be watched'
    case 'away':
      return 'The server is busy or away'
    default:
      return 'Connecting'
  }
}

/** What has come of the source in the weeks before, in words; null while nothing is known. */
function useEarlier(source: string, session: Session): string | null {
  const from = format.addDays(session.today, 1 - lookBack)
  const summary = useData(`earlier ${session.today}`, (signal) => api.rejectSummary(from, format.addDays(session.today, 1), signal))
  const found = summary.data?.sources.find((s) => s.source === source)
  if (!summary.data || !found) return null
  const count = (n: number | null, what: string) => (n === null || n === 0 ? [] : [`${format.count(n)} ${what}`])
  const parts = [...count(found.accepted, 'taken'), ...count(found.rejected, 'refused')]
  return parts.length > 0 ? `Before you opened this, in the last ${lookBack} days: ${parts.join(', ')}.` : null
}
