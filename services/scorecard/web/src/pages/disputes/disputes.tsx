/** Is a baseline wrong? What people say of the baselines that price the hours, and what became of it. */
import { useState } from 'preact/hooks'
import { api } from '../../api/api'
import type { Dispute, DisputeList, Session } from '../../api/types'
import { MoreOf } from '../../components/more'
import { Notice, Show } from '../../components/notice'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { useData } from '../../state/data'
import { useMore } from '../../state/more'
import { go, hereHref, usePlace } from '../../state/url'
import { baselineWords, sourceWords } from '../workflows/words'
import { DisputePanel } from './detail'
import { proposedWords, stateWords } from './draft'
import { RaisePanel } from './raise'

const states = Object.keys(stateWords) as Dispute['state'][]

/** What is disputed, as the page of workflows writes a baseline. */
export const disputedWords = (d: Dispute): string => {
  const b = { ...d.disputed, prices: true, grade: null, n: null, detail: '', since: null, evidence: null }
  return `${baselineWords(b, d.unit)}, ${sourceWords(b)}`
}

export function DisputesPage({ session }: { session: Session | null }) {
  const place = usePlace()
  const [round, setRound] = useState(0)
  const workflow = place.query.get('workflow') ?? undefined
  const asked = place.query.get('state')
  const state = states.find((s) => s === asked)
  const query = { workflow, state, limit: 50 }
  const loaded = useData(session ? `disputes ${workflow ?? ''} ${state ?? ''} ${round}` : null, (signal) => api.disputes(query, signal))
  const raising = place.query.get('raise')
  const opened = place.query.get('dispute')
  const again = () => setRound((n) => n + 1)
  return (
    <>
      <header class="page-head">
        <h1>Is a baseline wrong?</h1>
        <div class="controls">
          <label>
            <span>State</span>
            <select value={state ?? ''} onChange={(e) => go(hereHref(place, { state: e.currentTarget.value || null }))}>
              <option value="" selected={!state}>
                all
              </option>
              {states.map((s) => (
                <option key={s} value={s} selected={s === state}>
                  {stateWords[s]}
                </option>
              ))}
            </select>
          </label>
        </div>
      </header>
      {workflow && (
        <p class="meta">
          Only those of the workflow {workflow}. <a href={hereHref(place, { workflow: null })}>Show all</a>
        </p>
      )}
      <div class={raising || opened ? 'list-and-panel two' : 'list-and-panel'}>
        <Show loaded={session ? loaded : { ...loaded, loading: true }} what="the disputes">{(list) => <List list={list} query={query} chosen={opened} beside={Boolean(raising || opened)} />}</Show>
        {raising ? <RaisePanel key={raising} workflow={raising} session={session} again={again} /> : opened && <DisputePanel key={opened} id={opened} session={session} again={again} />}
      </div>
    </>
  )
}

function List({ list, query, chosen, beside }: {
  list: DisputeList
  query: Parameters<typeof api.disputes>[0]
  chosen: string | null
  /** Something stands beside the list: there is room for what a dispute is chosen by. */
  beside: boolean
}) {
  const place = usePlace()
  const more = useMore(list, (page) => page.disputes, (cursor) => api.disputes({ ...query, cursor }))
  if (list.disputes.length === 0) {
    return (
      <Notice title="No dispute here">
        <p>{query.state || query.workflow ? 'None is in this state, or of this workflow.' : 'Nobody has said that a baseline is wrong.'} Whoever finds one wrong disputes it from the page Workflows, or where a number says what it stands on.</p>
      </Notice>
    )
  }
  const columns: Column<Dispute>[] = [
    {
      name: 'workflow', title: 'Workflow', csv: (d) => d.workflow,
      cell: (d) => (
        <a href={hereHref(place, { dispute: d.id, raise: null })} aria-current={d.id === chosen ? 'true' : undefined}>
          {d.workflow_name}
        </a>
      ),
    },
    { name: 'state', title: 'State', cell: (d) => stateWords[d.state], csv: (d) => d.state },
    { name: 'disputed', title: 'Disputed', cell: disputedWords, csv: (d) => d.disputed.value },
    { name: 'proposed', title: 'Proposed', cell: proposedWords, csv: (d) => (d.proposed ? exactText(d.proposed, 'mode') : d.direction) },
    { name: 'from', title: 'From', cell: (d) => format.day(d.from), csv: (d) => d.from },
    { name: 'support', title: 'Supported', numeric: true, cell: (d) => format.count(d.support), csv: (d) => d.support },
    { name: 'comments', title: 'Said', numeric: true, cell: (d) => format.count(d.comments.length), csv: (d) => d.comments.length },
    { name: 'raised', title: 'Raised', cell: (d) => format.day(d.day), csv: (d) => d.day },
  ]
  const shown = beside ? columns.map((c) => ({ ...c, csvOnly: !['workflow', 'state', 'proposed'].includes(c.name) })) : columns
  return (
    <section aria-labelledby="list">
      <h2 id="list">Disputes</h2>
      <Table caption="Disputes, the latest first" hideCaption columns={shown} rows={more.rows} />
      <MoreOf list={more} one="dispute" many="disputes" />
      <p class="quiet-note">
        Nobody is told who has raised, supported or said something. <CsvLink name="plumbline-disputes" columns={columns} rows={more.rows} />
      </p>
    </section>
  )
}
