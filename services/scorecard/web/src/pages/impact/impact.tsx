/** How does mine add up? One's own outcomes, what became of each, and one's share of the numbers of team and organisation. */
import { useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { Outcome, OutcomeList, RegistryList } from '../../api/types'
import { AsOf } from '../../components/asof'
import { PeriodControl } from '../../components/controls'
import { MoreOf } from '../../components/more'
import { Notice, Show } from '../../components/notice'
import type { PageProps } from '../../components/page'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { useData } from '../../state/data'
import { useMore } from '../../state/more'
import { go, hereHref, pageHref, usePlace } from '../../state/url'
import { choices, ForPeople } from '../log/log'
import { newId } from '../../state/drafts'
import { Shares } from './shares'
import { reviewWords, stateWords } from './words'

export function ImpactPage({ session, from, to }: PageProps) {
  const place = usePlace()
  const workflow = place.query.get('workflow') ?? ''
  const [round, setRound] = useState(0)
  const person = session?.person ?? null
  const key = person && from && to ? `impact ${from} ${to} ${workflow} ${round}` : null
  const loaded = useData(key, async (signal) => {
    const query = { from: from ?? undefined, to: to ?? undefined, workflow: workflow || undefined, limit: 25 }
    const [list, workflows] = await Promise.all([api.outcomes(query, signal), api.entries('workflows', signal)])
    return { list, workflows, query }
  })
  const set = (changes: Record<string, string | null>) => go(hereHref(place, changes))
  return (
    <>
      <header class="page-head">
        <h1>How does mine add up?</h1>
        {(!session || person) && (
          <div class="controls">
            {from && to && <PeriodControl key={`${from} ${to}`} from={from} to={to} session={session} set={set} />}
            <WorkflowFilter workflow={workflow} list={loaded.data?.workflows ?? null} outcomes={loaded.data?.list.outcomes ?? []} set={set} />
          </div>
        )}
      </header>
      {session && !person ? (
        <ForPeople />
      ) : (
        <Show loaded={key === null ? { ...loaded, loading: true } : loaded} what="your outcomes">
          {({ list, query }) => (
            <>
              <AsOf asOf={list.as_of} completeThrough={list.complete_through} zone={list.period.zone} />
              <Shares list={list} currency={session?.currency ?? ''} round={round} />
              <Own list={list} more={(cursor) => api.outcomes({ ...query, cursor })} changed={() => setRound((n) => n + 1)} filtered={workflow !== ''} />
            </>
          )}
        </Show>
      )}
    </>
  )
}

function WorkflowFilter({ workflow, list, outcomes, set }: { workflow: string; list: RegistryList | null; outcomes: Outcome[]; set: (c: Record<string, string | null>) => void }) {
  const all = list ? choices(list, outcomes) : []
  if (workflow && !all.some((w) => w.key === workflow)) all.push({ key: workflow, name: workflow, unit: null })
  return (
    <label>
      <span>Workflow</span>
      <select class="scope" value={workflow} onChange={(e) => set({ workflow: e.currentTarget.value || null })}>
        <option value="" selected={workflow === ''}>
          All workflows
        </option>
        {all.map((w) => (
          <option key={w.key} value={w.key} selected={w.key === workflow}>
            {w.name}
          </option>
        ))}
      </select>
    </label>
  )
}

export function Own({ list, more, changed, filtered }: { list: OutcomeList; more: (cursor: string) => Promise<OutcomeList>; changed: () => void; filtered: boolean }) {
  const place = usePlace()
  const rows = useMore(list, (page) => page.outcomes, more)
  if (list.outcomes.length === 0) {
    return (
      <Notice title={filtered ? 'Nothing of yours on this workflow' : 'Nothing of yours in this period'}>
        <p>Log an outcome, and it stands here a moment later.</p>
        <p class="actions">
          <a class="button" href={pageHref('/log', place.query)}>
            Log an outcome
          </a>
        </p>
      </Notice>
    )
  }
  const review: Column<Outcome> = { name: 'review', title: 'Review', cell: (o) => reviewWords(o.review), csv: (o) => o.review }
  const columns: Column<Outcome>[] = [
    { name: 'day', title: 'Day', cell: (o) => format.day(o.day), csv: (o) => o.day },
    { name: 'workflow', title: 'What', cell: (o) => <What o={o} />, csv: (o) => o.workflow },
    { name: 'hours', title: 'Hours saved', numeric: true, cell: (o) => (o.hours === null ? <span class="missing small">not counted</span> : format.value(o.hours, 'h', { signed: true })), csv: (o) => exactText(o, 'hours') },
    { name: 'state', title: 'State', cell: (o) => stateWords(o), csv: (o) => o.state },
    { name: 'units', title: 'Units', numeric: true, cell: (o) => format.plainNumber(o.units), csv: (o) => exactText(o, 'units') },
    { name: 'minutes', title: 'Minutes', numeric: true, cell: (o) => format.plainNumber(o.minutes), csv: (o) => exactText(o, 'minutes') },
    ...(rows.rows.some((o) => o.review !== null) ? [review] : []),
    { name: 'act', title: <span class="sr">Change</span>, cell: (o) => <Change o={o} changed={changed} />, csv: () => null },
  ]
  return (
    <section aria-labelledby="own">
      <h2 id="own">My outcomes</h2>
      <Table caption="My outcomes, the newest first" hideCaption columns={columns} rows={rows.rows} />
      <MoreOf list={rows} one="outcome" many="outcomes" />
      <p class="quiet-note">
        {format.counted(list.total, 'outcome', 'outcomes')} in all. What a tool has sent is changed there. <CsvLink name={`plumbline-mine-${list.period.from}-${list.period.to}`} columns={columns.slice(0, -1)} rows={rows.rows} />
      </p>
    </section>
  )
}

function What({ o }: { o: Outcome }) {
  const name = o.workflow_name ?? o.workflow ?? 'no workflow'
  return (
    <>
      {name}
      {(o.note || o.url) && (
        <span class="sub wrap-any">
          {o.note}
          {o.note && o.url && ', '}
          {o.url && (
            <a href={o.url} rel="noreferrer" target="_blank">
              link<span class="sr"> to the result of {name}, in a new tab</span>
            </a>
          )}
        </span>
      )}
    </>
  )
}

/** Edit and withdraw what was logged here. Withdrawing is for good: it is asked for twice. */
function Change({ o, changed }: { o: Outcome; changed: () => void }) {
  const place = usePlace()
  const [sure, setSure] = useState(false)
  const [busy, setBusy] = useState(false)
  const [failed, setFailed] = useState<string | null>(null)
  const [change] = useState(newId)
  if (!o.editable || o.state === 'withdrawn') return null
  const what = `${o.workflow_name ?? o.workflow} of ${format.day(o.day)}`
  const withdraw = async () => {
    if (busy) return
    setBusy(true)
    try {
      await api.withdrawOutcome(o.id, { change, version: o.version })
      changed()
    } catch (cause) {
      setFailed(cause instanceof Problem && cause.status === 412 ? 'It was changed elsewhere meanwhile: load the page again to see how.' : asProblem(cause).detail)
      setSure(false)
    }
    setBusy(false)
  }
  const edit = `${pageHref('/log', place.query)}${pageHref('/log', place.query).includes('?') ? '&' : '?'}edit=${encodeURIComponent(o.id)}`
  return (
    <span class="actions tight">
      <a href={edit} aria-label={`Edit ${what}`}>
        Edit
      </a>
      <button type="button" class="button small" aria-disabled={busy} onClick={() => (sure ? void withdraw() : setSure(true))} aria-label={sure ? `For good: withdraw ${what}` : `Withdraw ${what}`}>
        {sure ? 'For good' : 'Withdraw'}
      </button>
      {failed && <span role="alert">{failed}</span>}
    </span>
  )
}
