/** The refused events themselves, by filters that stand in the address. */
import { api, type RejectQuery } from '../../api/api'
import type { Reject, RejectList, RejectSummary } from '../../api/types'
import { MoreOf } from '../../components/more'
import { Notice, Show } from '../../components/notice'
import * as format from '../../format'
import { useData } from '../../state/data'
import { useMore } from '../../state/more'
import { go, hereHref, usePlace } from '../../state/url'
import { sourceWords, stageWords, statusWords, typeWords } from './words'

interface ListProps {
  since: string
  until: string
  zone: string
  may: boolean
  reasons: RejectSummary['reasons']
}

const filters = ['code', 'source', 'stage', 'type', 'status', 'q'] as const

export function RejectsList({ since, until, zone, may, reasons }: ListProps) {
  return (
    <section aria-labelledby="rejects">
      <h2 id="rejects">Refused events</h2>
      {may ? (
        <Filtered since={since} until={until} zone={zone} reasons={reasons} />
      ) : (
        <Notice title="Single events are not shown to you">
          <p>They may name people. Analysts and administrators see the list; administrators see the bytes and can send events again.</p>
        </Notice>
      )}
    </section>
  )
}

function Filtered({ since, until, zone, reasons }: Omit<ListProps, 'may'>) {
  const place = usePlace()
  const query: RejectQuery = { from: since, to: until, limit: 50 }
  for (const name of filters) {
    const value = place.query.get(name)
    if (value) Object.assign(query, { [name]: value })
  }
  const key = JSON.stringify(query)
  // The counts above come anew after a replay; the list follows them.
  const loaded = useData(`rejects ${key} ${JSON.stringify(reasons)}`, (signal) => api.rejects(query, signal))
  return (
    <>
      <FilterForm key={key} reasons={reasons} />
      <Show loaded={loaded} what="the refused events">{(list) => <Rows key={`${key} ${list.rejects[0]?.id}`} first={list} query={query} zone={zone} />}</Show>
    </>
  )
}

function FilterForm({ reasons }: { reasons: RejectSummary['reasons'] }) {
  const place = usePlace()
  const held = (name: string) => place.query.get(name) ?? ''
  const set = (changes: Record<string, string>) => {
    const all = Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value.trim() || null]))
    go(hereHref(place, { ...all, reject: null }))
  }
  const submit = (event: Event) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    set({ source: String(data.get('source')), q: String(data.get('q')) })
  }
  const codes = [...new Set(reasons.map((r) => r.code))].sort()
  if (held('code') && !codes.includes(held('code'))) codes.push(held('code'))
  const choice = (name: string, title: string, all: string, options: [string, string][]) => (
    <label>
      <span>{title}</span>
      <select value={held(name)} onChange={(e) => set({ [name]: e.currentTarget.value })}>
        <option value="" selected={!held(name)}>
          {all}
        </option>
        {options.map(([value, words]) => (
          <option key={value} value={value} selected={value === held(name)}>
            {words}
          </option>
        ))}
      </select>
    </label>
  )
  return (
    <form class="controls" onSubmit={submit} aria-label="Filter">
      {choice('status', 'State', 'all', Object.entries(statusWords))}
      {choice('code', 'Reason', 'all', codes.map((c): [string, string] => [c, c.replaceAll('_', ' ')]))}
      {choice('stage', 'Refused by', 'anyone', Object.entries(stageWords))}
      <label>
        <span>Source</span>
        <input type="text" name="source" defaultValue={held('source')} />
      </label>
      <label>
        <span>Text</span>
        <input type="search" name="q" defaultValue={held('q')} />
      </label>
      <div class="control">
        <span aria-hidden="true">&nbsp;</span>
        <button type="submit" class="button">
          Filter
        </button>
      </div>
    </form>
  )
}

function Rows({ first, query, zone }: { first: RejectList; query: RejectQuery; zone: string }) {
  const list = useMore(first, (page) => page.rejects, (cursor) => api.rejects({ ...query, limit: 200, cursor }))
  if (list.rows.length === 0) {
    return (
      <Notice title="No refused event is like that">
        <p>Nothing was refused in these days that fits the filter.</p>
      </Notice>
    )
  }
  return (
    <>
      <ul class="rejects">
        {list.rows.map((r) => (
          <Row key={r.id} r={r} zone={zone} />
        ))}
      </ul>
      <MoreOf list={list} one="event" many="events" />
    </>
  )
}

function Row({ r, zone }: { r: Reject; zone: string }) {
  const place = usePlace()
  return (
    <li>
      <p class="reject-head">
        <a href={hereHref(place, { reject: r.id })}>
          {r.code.replaceAll('_', ' ')}
          {r.pointer && <span class="digits"> {r.pointer}</span>}
        </a>
        <span class={`label ${r.status}`}>{statusWords[r.status]}</span>
      </p>
      <p class="reject-why">{r.message}</p>
      <p class="meta wrap-any">
        <time dateTime={r.at}>{format.instant(r.at, zone)}</time> · {typeWords(r.type)} · id {r.event_id || 'could not be read'} · source {sourceWords(r.source)}
      </p>
    </li>
  )
}
