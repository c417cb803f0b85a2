/** Who has read what is behind the numbers, and who has changed what? For administrators. */
import { api, type AuditQuery } from '../../api/api'
import type { AuditAction, AuditEntry, AuditList, Session } from '../../api/types'
import { DaysForm, useDays } from '../../components/days'
import { MoreOf } from '../../components/more'
import { Notice, Show } from '../../components/notice'
import { Table, type Column } from '../../components/table'
import * as format from '../../format'
import { useData } from '../../state/data'
import { useMore } from '../../state/more'
import { go, hereHref, usePlace } from '../../state/url'
import { actionWords, asWords, outcomeWords, targetWords } from './words'

/** How many days are shown unless the address says otherwise. */
const days = 30

export function AuditPage({ session, teams }: { session: Session | null; teams: Map<string, string> }) {
  const { query: held } = usePlace()
  const { since, until } = useDays(session, days)
  const query: AuditQuery = { from: since ?? undefined, to: until ?? undefined }
  if (held.get('action')) query.action = held.get('action') as AuditAction
  if (held.get('actor')) query.actor = held.get('actor')!
  const key = since && until ? JSON.stringify(query) : null
  const loaded = useData(key && `audit ${key}`, (signal) => api.audit(query, signal))
  return (
    <>
      <header class="page-head">
        <h1>Who has read or changed what?</h1>
        <p class="lede">Reading evidence is recorded before it is shown, and a change before it is made. What was read is not in here, and people are pseudonyms.</p>
        {since && until && <DaysForm key={`${since} ${until}`} since={since} until={until} title="Done from" />}
        <FilterForm key={held.toString()} />
      </header>
      <Show loaded={key === null ? { ...loaded, loading: true } : loaded} what="the audit log">
        {(list) => <Entries key={`${key} ${list.entries[0]?.id}`} first={list} query={query} teams={teams} zone={session?.zone ?? 'UTC'} />}
      </Show>
    </>
  )
}

function FilterForm() {
  const place = usePlace()
  const held = (name: string) => place.query.get(name) ?? ''
  const submit = (event: Event) => {
    event.preventDefault()
    const actor = String(new FormData(event.currentTarget as HTMLFormElement).get('actor')).trim()
    go(hereHref(place, { actor: actor || null }))
  }
  return (
    <form class="controls" onSubmit={submit} aria-label="Filter">
      <label>
        <span>Only this act</span>
        <select value={held('action')} onChange={(e) => go(hereHref(place, { action: e.currentTarget.value || null }))}>
          <option value="" selected={!held('action')}>
            anything
          </option>
          {Object.entries(actionWords).map(([action, words]) => (
            <option key={action} value={action} selected={action === held('action')}>
              {words}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>By pseudonym, start of a key, or admin token</span>
        <input type="text" name="actor" maxLength={128} defaultValue={held('actor')} />
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

function Entries({ first, query, teams, zone }: { first: AuditList; query: AuditQuery; teams: Map<string, string>; zone: string }) {
  const list = useMore(first, (page) => page.entries, (cursor) => api.audit({ ...query, cursor }))
  if (list.rows.length === 0) {
    return (
      <Notice title="Nothing like that was done">
        <p>In these days nothing is recorded that fits the filter. An act is listed a moment after it was done.</p>
      </Notice>
    )
  }
  const columns: Column<AuditEntry>[] = [
    { name: 'at', title: 'When', cell: (e) => <time dateTime={e.at} class="nowrap">{format.instant(e.at, zone)}</time>, csv: (e) => e.at },
    { name: 'actor', title: 'Who', cell: (e) => <Who e={e} />, csv: (e) => e.actor },
    { name: 'action', title: 'What', cell: (e) => <span class="sentence">{actionWords[e.action]}</span>, csv: (e) => e.action },
    { name: 'target', title: 'Of what', cell: (e) => <span class="sentence">{targetWords(e, teams, zone)}</span>, csv: (e) => e.target },
    { name: 'outcome', title: 'Outcome', cell: (e) => outcomeWords[e.outcome], csv: (e) => e.outcome },
  ]
  const file = (form: 'csv' | 'ndjson') => `/api/v1/audit?${new URLSearchParams({ ...(query as Record<string, string>), format: form }).toString()}`
  return (
    <section aria-labelledby="acts">
      <h2 id="acts" class="sr">
        The acts
      </h2>
      <Table caption="The acts, the latest first" hideCaption columns={columns} rows={list.rows} />
      <MoreOf list={list} one="act" many="acts" />
      <p class="quiet-note">
        All of these days as a file: <a class="quiet" href={file('csv')} download>CSV</a>, <a class="quiet" href={file('ndjson')} download>NDJSON</a>. Looking here is recorded, too.
      </p>
    </section>
  )
}

/** A pseudonym leads to everything else that they did. */
function Who({ e }: { e: AuditEntry }) {
  const place = usePlace()
  const words = e.actor_kind === 'key' ? `${e.actor}…` : e.actor
  return (
    <>
      <a class={e.actor_kind === 'person' || e.actor_kind === 'key' ? 'digits' : undefined} href={hereHref(place, { actor: e.actor })}>
        {words}
      </a>
      {e.role && <span class="sub">{asWords(e)}</span>}
    </>
  )
}
