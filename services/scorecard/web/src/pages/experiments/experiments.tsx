/** Did it cause lift? All experiments and time trials, each with its result and whether it can be trusted. */
import { useState } from 'preact/hooks'
import { api } from '../../api/api'
import type { Experiment, Trial } from '../../api/types'
import { About, aboutOf } from '../../components/about'
import { AsOf } from '../../components/asof'
import { Grade } from '../../components/grade'
import { Notice, Show } from '../../components/notice'
import * as format from '../../format'
import { useData } from '../../state/data'
import { pageHref, usePlace } from '../../state/url'
import { headingOf, reasonWords } from '../../words'
import { sampleRatio } from './experiment'
import { finding, Forest } from './forest'
import { TrialForest, trialSentence } from './trial'

interface Lists {
  experiments: Experiment[]
  moreExperiments: string | null
  trials: Trial[]
  moreTrials: string | null
}

async function load(signal: AbortSignal): Promise<Lists> {
  const [e, t] = await Promise.all([api.experiments(undefined, signal), api.trials(undefined, signal)])
  return { experiments: e.experiments, moreExperiments: e.next, trials: t.trials, moreTrials: t.next }
}

export function ExperimentsPage({ zone }: { zone: string }) {
  const loaded = useData('experiments', load)
  return (
    <>
      <header class="page-head">
        <h1>Did AI cause lift?</h1>
        <p class="lede">Experiments draw by lot who gets AI’s work. What differs afterwards is due to AI, within the range shown.</p>
      </header>
      <Show loaded={loaded} what="experiments and time trials">{(lists) => <Content first={lists} zone={zone} />}</Show>
    </>
  )
}

function Content({ first, zone }: { first: Lists; zone: string }) {
  const [more, setMore] = useState<Experiment[]>([])
  const [next, setNext] = useState(first.moreExperiments)
  const experiments = [...first.experiments, ...more]
  const asOf = experiments[0] ?? first.trials[0]
  const showMore = async () => {
    const page = await api.experiments(next ?? undefined)
    setMore([...more, ...page.experiments])
    setNext(page.next)
  }
  return (
    <>
      {asOf && <AsOf asOf={asOf.as_of} completeThrough={asOf.complete_through} zone={zone} />}
      <section aria-labelledby="conversion">
        <h2 id="conversion">Experiments</h2>
        {experiments.length === 0 ? (
          <Notice title="No experiment has reported anything yet">
            <p>Conversion events that name an experiment and a variant appear here.</p>
          </Notice>
        ) : (
          experiments.map((e) => (
            <About.Provider key={`${e.experiment} ${e.metric}`} value={aboutOf({ what: `Experiment ${e.experiment}`, from: e.first_day, to: e.last_day && format.addDays(e.last_day, 1), asOf: e.as_of, zone })}>
              <ExperimentCard e={e} />
            </About.Provider>
          ))
        )}
        {next && (
          <button type="button" class="button" onClick={() => void showMore()}>
            Show more experiments
          </button>
        )}
      </section>
      <section aria-labelledby="trials">
        <h2 id="trials">Time trials</h2>
        {first.trials.length === 0 ? (
          <Notice title="No time trial yet">
            <p>Tasks that were drawn by lot to be done with or without AI appear here.</p>
          </Notice>
        ) : (
          first.trials.map((t) => (
            <About.Provider key={t.trial} value={aboutOf({ what: `Time trial ${t.trial}`, asOf: t.as_of, zone })}>
              <TrialCard t={t} />
            </About.Provider>
          ))
        )}
      </section>
    </>
  )
}

function ExperimentCard({ e }: { e: Experiment }) {
  const place = usePlace()
  const arms = e.variants.filter((v) => !v.is_control)
  return (
    <article class="card">
      <div class="card-text">
        <h3>
          <a href={pageHref(`/experiments/${encodeURIComponent(e.experiment)}`, place.query)}>{e.name}</a>
        </h3>
        {e.status === 'ok' ? (
          <p>{arms.map((v) => `${v.variant}: ${finding(v)}`).join('; ')}.</p>
        ) : (
          <p>
            <strong>{e.status === 'withheld' ? 'Withheld.' : 'No data.'}</strong> {reasonWords(e.reason ?? e.status)}
          </p>
        )}
        <p class="meta">
          {e.metric.replaceAll('_', ' ')} · {format.counted(e.exposures, 'exposure', 'exposures')}
          {e.planned_n !== null && ` of ${format.count(e.planned_n)} planned`} · split {sampleRatio(e)}
        </p>
        <Grade grade={arms.reduce<number | null>((g, v) => (v.grade === null ? g : Math.min(g ?? 5, v.grade)), null)} />
      </div>
      {arms.some((v) => v.lift_rel.value !== null) && <Forest experiment={e} kind="relative" />}
    </article>
  )
}

function TrialCard({ t }: { t: Trial }) {
  const place = usePlace()
  return (
    <article class="card">
      <div class="card-text">
        <h3>
          <a href={pageHref(`/trials/${encodeURIComponent(t.trial)}`, place.query)}>{headingOf(t.trial)}</a>
        </h3>
        <p>{trialSentence(t)}</p>
        <p class="meta">
          {t.tasks_assisted !== null && t.tasks_unassisted !== null && `${format.count(t.tasks_assisted)} tasks with AI, ${format.count(t.tasks_unassisted)} without`}
          {t.people !== null && ` · ${format.counted(t.people, 'person', 'people')}`}
        </p>
        <Grade grade={t.grade} />
      </div>
      {t.ratio_minus_one.value !== null && <TrialForest t={t} short />}
    </article>
  )
}
