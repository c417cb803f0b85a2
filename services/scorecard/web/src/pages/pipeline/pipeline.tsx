/** Do deals move faster? */
import { api } from '../../api/api'
import type { Pipeline } from '../../api/types'
import { ExcludedTable } from '../../components/excluded'
import { Notice } from '../../components/notice'
import { QuestionPage, type PageProps } from '../../components/page'
import { Tile } from '../../components/tile'
import { hereHref, usePlace } from '../../state/url'
import { Assistance } from './assistance'
import { Attribution } from './attribution'
import { Cohorts } from './cohorts'
import { Decision } from './decision'
import { Velocity } from './velocity'

const deals: [string, string] = ['deal', 'deals']

export function PipelinePage(props: PageProps) {
  const basis = usePlace().query.get('basis') === 'created' ? 'created' : 'decided'
  return (
    <QuestionPage {...props} question="Do deals move faster?" name="the pipeline" also={basis} load={(query, signal) => api.pipeline({ ...query, basis }, signal)}>
      {(p: Pipeline) => <Content p={p} />}
    </QuestionPage>
  )
}

function Content({ p }: { p: Pipeline }) {
  const place = usePlace()
  if (p.velocity_inputs.decided === 0 && p.cohorts.length === 0) {
    return (
      <Notice title="No deals in this period">
        <p>No deal was created or decided between these days, in this scope.</p>
      </Notice>
    )
  }
  return (
    <>
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
