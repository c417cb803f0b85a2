/** One experiment: lift with intervals, n against plan, the sample-ratio check, and what may be concluded. */
import { api } from '../../api/api'
import type { Experiment, Variant } from '../../api/types'
import { About, aboutOf } from '../../components/about'
import { AsOf, Warnings } from '../../components/asof'
import { Grade } from '../../components/grade'
import { Claimed, Figure, IntervalText, openedBy, StatusWords } from '../../components/number'
import { Show } from '../../components/notice'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { useData } from '../../state/data'
import { hereHref, pageHref, usePlace } from '../../state/url'
import { reasonWords } from '../../words'
import { finding, Forest, intervalText, liftOf, liftText, type Kind } from './forest'

export function ExperimentPage({ name, zone }: { name: string; zone: string }) {
  const place = usePlace()
  const metric = place.query.get('metric') ?? undefined
  const loaded = useData(`experiment ${name} ${metric ?? ''}`, (signal) => api.experiment(name, metric, signal))
  return (
    <>
      <header class="page-head">
        <p class="crumb">
          <a href={pageHref('/experiments', place.query)}>Experiments</a>
        </p>
        <h1>{loaded.data?.name ?? name}</h1>
      </header>
      <Show loaded={loaded} what="the experiment">
        {(e) => (
          <About.Provider value={aboutOf({ what: `Experiment ${e.experiment}`, from: e.first_day, to: e.last_day && format.addDays(e.last_day, 1), asOf: e.as_of, zone })}>
            <Content e={e} zone={zone} />
          </About.Provider>
        )}
      </Show>
    </>
  )
}

function Content({ e, zone }: { e: Experiment; zone: string }) {
  const place = usePlace()
  return (
    <>
      <AsOf asOf={e.as_of} completeThrough={e.complete_through} zone={zone} />
      {e.metrics.length > 1 && (
        <nav class="tabs" aria-label="Metric">
          {e.metrics.map((m) => (
            <a key={m} href={hereHref(place, { metric: m })} aria-current={m === e.metric ? 'true' : undefined}>
              {m.replaceAll('_', ' ')}
            </a>
          ))}
        </nav>
      )}
      <Facts e={e} />
      {e.status !== 'ok' && (
        <p class="callout">
          <strong>{e.status === 'withheld' ? 'Withheld.' : 'No data.'}</strong> {reasonWords(e.reason)}
        </p>
      )}
      <Warnings of={e.warnings} />
      <section aria-labelledby="lift">
        <h2 id="lift">Lift on {e.metric.replaceAll('_', ' ')}, {format.chance(e.level)} intervals</h2>
        {e.variants.some((v) => v.lift_rel.value !== null) ? (
          <div class="pair">
            <Forest experiment={e} kind="relative" />
            <Forest experiment={e} kind="absolute" />
          </div>
        ) : (
          <p class="quiet-note">No lift can be shown.</p>
        )}
      </section>
      <section aria-labelledby="variants">
        <h2 id="variants">The arms</h2>
        <Table caption={`Variants of ${e.name}`} hideCaption columns={columns} rows={e.variants} />
        <p class="quiet-note">
          Absolute lift has a Newcombe interval; relative lift a delta-method interval with Welch degrees of freedom. <CsvLink name={`plumbline-${e.experiment}-${e.metric}`} columns={columns} rows={e.variants} />
        </p>
      </section>
      <section aria-labelledby="worth">
        <h2 id="worth">What it is worth</h2>
        <p class="figure-line">
          <Figure measure={e.value} />
        </p>
        <p class="meta">
          <IntervalText of={e.value} />
        </p>
        <Grade grade={e.value.grade} />
        <Warnings of={e.value.warnings} />
        <p class="quiet-note">
          Treated exposures × absolute lift × margin per conversion.{' '}
          {e.value.claim && <Claimed open={openedBy(e.value)}>Where this comes from</Claimed>}
        </p>
      </section>
    </>
  )
}

function Facts({ e }: { e: Experiment }) {
  return (
    <dl class="facts wide">
      <div>
        <dt>Exposures</dt>
        <dd>
          {format.count(e.exposures)}
          {e.planned_n !== null ? ` of ${format.count(e.planned_n)} planned` : ', no size planned'}
          {e.planned_n !== null && <Progress share={e.exposures / e.planned_n} />}
        </dd>
      </div>
      <div>
        <dt>Traffic split</dt>
        <dd>{sampleRatio(e)}</dd>
      </div>
      <div>
        <dt>Design</dt>
        <dd>
          {e.design ?? 'not declared'}, {e.analysis === 'fixed' ? 'fixed size' : 'sequential'}
        </dd>
      </div>
      {e.first_day && e.last_day && (
        <div>
          <dt>Ran</dt>
          <dd>{format.period(e.first_day, format.addDays(e.last_day, 1))}</dd>
        </div>
      )}
    </dl>
  )
}

function Progress({ share }: { share: number }) {
  return (
    <svg class="progress" role="img" aria-label={`${format.chance(Math.min(1, share))} of the planned size`} width="100%" height="6">
      <rect class="track" width="100%" height="6" rx="3" />
      <rect class="actual" width={`${Math.min(1, share) * 100}%`} height="6" rx="3" />
    </svg>
  )
}

/** The sample-ratio check in words. */
export function sampleRatio(e: Pick<Experiment, 'srm'>): string {
  if (e.srm.status === 'no_data' || e.srm.p === null) return 'not checked: no exposures'
  const test = `χ² ${format.plainNumber(e.srm.chi2 ?? 0)}, ${format.pValue(e.srm.p)}`
  return e.srm.status === 'ok' ? `as planned (${test})` : `not as planned (${test}): do not trust the lift`
}

function Lift({ v, kind }: { v: Variant; kind: Kind }) {
  const i = liftOf(v, kind)
  const p = kind === 'relative' ? v.p_rel : v.p_abs
  if (v.is_control) return <span class="missing small">compared with</span>
  if (i.value === null) return <StatusWords status={v.status === 'no_data' ? 'no_data' : 'withheld'} reason={null} />
  return (
    <>
      {liftText(i.value, kind)}
      <span class="sub">{intervalText(i, kind)}</span>
      {p !== null && <span class="sub">{format.pValue(p)}</span>}
    </>
  )
}

const bare = (name: string, csv: Column<Variant>['csv']): Column<Variant> => ({ name, title: name, csvOnly: true, cell: () => null, csv })

const columns: Column<Variant>[] = [
  { name: 'variant', title: 'Variant', cell: (v) => v.variant, csv: (v) => v.variant },
  { name: 'exposures', title: 'Exposures', numeric: true, cell: (v) => format.count(v.exposures), csv: (v) => v.exposures },
  { name: 'conversions', title: 'Conversions', numeric: true, cell: (v) => format.count(v.conversions), csv: (v) => v.conversions },
  { name: 'rate', title: 'Rate', numeric: true, cell: (v) => (v.rate === null ? 'none' : format.value(v.rate, 'share', { digits: 2 })), csv: (v) => exactText(v, 'rate') },
  { name: 'lift_rel', title: 'Relative lift', numeric: true, cell: (v) => <Lift v={v} kind="relative" />, csv: (v) => exactText(v.lift_rel, 'value') },
  bare('lift_rel_low', (v) => exactText(v.lift_rel, 'low')),
  bare('lift_rel_high', (v) => exactText(v.lift_rel, 'high')),
  bare('p_rel', (v) => exactText(v, 'p_rel')),
  { name: 'lift_abs', title: 'Absolute lift', numeric: true, cell: (v) => <Lift v={v} kind="absolute" />, csv: (v) => exactText(v.lift_abs, 'value') },
  bare('lift_abs_low', (v) => exactText(v.lift_abs, 'low')),
  bare('lift_abs_high', (v) => exactText(v.lift_abs, 'high')),
  bare('p_abs', (v) => exactText(v, 'p_abs')),
  { name: 'p_holm', title: 'p over all arms', numeric: true, cell: (v) => (v.p_holm === null ? '' : format.pValue(v.p_holm)), csv: (v) => exactText(v, 'p_holm') },
  { name: 'chance_to_win', title: 'Chance to win', numeric: true, cell: (v) => (v.chance_to_win === null ? '' : format.chance(v.chance_to_win)), csv: (v) => exactText(v, 'chance_to_win') },
  { name: 'grade', title: 'Evidence', cell: (v) => (v.is_control ? '' : <Grade grade={v.grade} />), csv: (v) => v.grade },
  { name: 'status', title: 'Result', cell: (v) => (v.is_control ? 'control' : v.status === 'ok' ? finding(v) : reasonWords(v.reason)), csv: (v) => v.reason ?? v.status },
]
