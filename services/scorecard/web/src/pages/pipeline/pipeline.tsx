/** Do deals move faster? */
import { api } from '../../api/api'
import type { Pipeline, Session } from '../../api/types'
import { AsOf, Warnings } from '../../components/asof'
import { Controls } from '../../components/controls'
import { ExcludedTable } from '../../components/excluded'
import { Notice, Show } from '../../components/notice'
import { Tile } from '../../components/tile'
import { useData } from '../../state/data'
import * as format from '../../format'
import { hereHref, usePlace, viewOf } from '../../state/url'
import { scopeWords } from '../../words'
import { Assistance } from './assistance'
import { Attribution } from './attribution'
import { Cohorts } from './cohorts'
import { Decision } from './decision'
import { Velocity } from './velocity'

const deals: [string, string] = ['deal', 'deals']

export interface PipelineProps {
  session: Session | null
  teams: Map<string, string>
  from: string | null
  to: string | null
}

export function PipelinePage({ session, teams, from, to }: PipelineProps) {
  const place = usePlace()
  const { scope } = viewOf(place.query)
  const basis = place.query.get('basis') === 'created' ? 'created' : 'decided'
  const key = from && to ? `pipeline ${from} ${to} ${scope} ${basis}` : null
  const loaded = useData(key, (signal) => api.pipeline({ from: from ?? undefined, to: to ?? undefined, scope, basis }, signal))
  return (
    <>
      <header class="page-head">
        <h1>Do deals move faster?</h1>
        <Controls session={session} teams={teams} from={from} to={to} />
        <p class="print-only">
          {scopeWords(scope, teams)}
          {from && to && `, ${format.period(from, to)}`}
        </p>
      </header>
      <Show loaded={key === null ? { ...loaded, loading: true } : loaded} what="the pipeline">
        {(p) => <Content p={p} />}
      </Show>
    </>
  )
}

function Content({ p }: { p: Pipeline }) {
  const place = usePlace()
  if (p.velocity_inputs.decided === 0 && p.cohorts.length === 0) {
    return (
      <>
        <AsOf asOf={p.as_of} completeThrough={p.complete_through} zone={p.period.zone} />
        <Notice title="No deals in this period">
          <p>No deal was created or decided between these days, in this scope.</p>
        </Notice>
      </>
    )
  }
  return (
    <>
      <AsOf asOf={p.as_of} completeThrough={p.complete_through} zone={p.period.zone} />
      <nav class="tabs" aria-label="Which deals">
        <a href={hereHref(place, { basis: null })} aria-current={p.basis === 'decided' ? 'true' : undefined}>Deals decided in the period</a>
        <a href={hereHref(place, { basis: 'created' })} aria-current={p.basis === 'created' ? 'true' : undefined}>Deals created in the period</a>
      </nav>
      <Velocity p={p} />
      <section aria-labelledby="rates">
        <h2 id="rates">Win rate and cycle</h2>
        <div class="tiles">
          <Tile title="Win rate" note="won ÷ (won + lost)" noun={deals} measure={p.win_rate} />
          <Tile title="Win rate of the cohort" note="won ÷ created: open deals count as not won yet" noun={deals} measure={p.win_rate_created} />
          <Tile title="Cycle of won deals" note="mean days from creation to winning" noun={deals} measure={p.cycle_days} />
        </div>
      </section>
      <Decision p={p} />
      <Assistance p={p} />
      <section aria-labelledby="worth">
        <h2 id="worth">What that is worth</h2>
        <div class="tiles">
          <Tile title="Pipeline value" note="assisted decided deals × difference of the win rates × mean won amount × margin" noun={deals} measure={p.value} />
          <Tile title="Influenced pipeline" note="won amounts of deals that workflows touched; in no return" noun={deals} measure={p.influenced} />
        </div>
        <Warnings of={p.value.warnings} />
      </section>
      <Attribution p={p} />
      <Cohorts p={p} />
      {p.excluded.length > 0 && (
        <section aria-labelledby="excluded">
          <h2 id="excluded">Not counted</h2>
          <ExcludedTable excluded={p.excluded} titles={new Map()} />
        </section>
      )}
    </>
  )
}
