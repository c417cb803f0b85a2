/** A randomised time trial: how much longer or shorter the work took with AI, against what people had forecast. */
import { api } from '../../api/api'
import type { Interval, Trial } from '../../api/types'
import { ForestAxis, ForestRow } from '../../charts/forest'
import { percentScale } from '../../charts/scale'
import { About, aboutOf } from '../../components/about'
import { AsOf, Warnings } from '../../components/asof'
import { SaveChart, tableOf } from '../../components/chart'
import { Grade } from '../../components/grade'
import { Show } from '../../components/notice'
import { TableOf, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { useData } from '../../state/data'
import { pageHref, usePlace } from '../../state/url'
import { headingOf, reasonWords } from '../../words'

export function TrialPage({ name, zone }: { name: string; zone: string }) {
  const place = usePlace()
  const loaded = useData(`trial ${name}`, (signal) => api.trial(name, signal))
  return (
    <>
      <header class="page-head">
        <p class="crumb">
          <a href={pageHref('/experiments', place.query)}>Experiments</a> ▸ Time trial
        </p>
        <h1>{headingOf(name)}</h1>
      </header>
      <Show loaded={loaded} what="the time trial">
        {(t) => (
          <About.Provider value={aboutOf({ what: `Time trial ${t.trial}`, asOf: t.as_of, zone })}>
            <Content t={t} zone={zone} />
          </About.Provider>
        )}
      </Show>
    </>
  )
}

function Content({ t, zone }: { t: Trial; zone: string }) {
  return (
    <>
      <AsOf asOf={t.as_of} completeThrough={t.complete_through} zone={zone} />
      <p class="verdict">{trialSentence(t)}</p>
      <dl class="facts wide">
        <div>
          <dt>Tasks with AI</dt>
          <dd>{t.tasks_assisted === null ? 'not shown' : format.count(t.tasks_assisted)}</dd>
        </div>
        <div>
          <dt>Tasks without</dt>
          <dd>{t.tasks_unassisted === null ? 'not shown' : format.count(t.tasks_unassisted)}</dd>
        </div>
        <div>
          <dt>People</dt>
          <dd>{t.people === null ? 'not shown' : format.count(t.people)}</dd>
        </div>
        <div>
          <dt>Evidence</dt>
          <dd>
            <Grade grade={t.grade} />
          </dd>
        </div>
        {t.calibration_gap !== null && (
          <div>
            <dt>Forecast minus measured saving</dt>
            <dd>{gapText(t)}</dd>
          </div>
        )}
      </dl>
      <Warnings of={t.warnings} />
      <section aria-labelledby="measured">
        <h2 id="measured">Change in working time with AI</h2>
        <TrialForest t={t} />
        <TableOf name={`plumbline-trial-${t.trial}`} caption={`Estimates of trial ${t.trial}`} columns={columns} rows={estimates(t)} />
        <p class="quiet-note">
          Regression of the logarithm of minutes on working with AI{t.covariate ? ', with the estimate without AI as covariate' : ''}.{' '}
          {t.imputed !== null && t.imputed > 0 && `${format.counted(t.imputed, 'missing part', 'missing parts')} took the mean of its arm. `}
          {t.complete_case?.value != null && `Over the ${format.count(t.complete_case.n)} tasks with nothing missing: ${format.relative(t.complete_case.value)}.`}
        </p>
      </section>
    </>
  )
}

/** Forecast against measured, in one sentence. */
export function trialSentence(t: Trial): string {
  const measured = t.ratio_minus_one.value
  if (measured === null) return reasonWords(t.reason ?? t.status) || 'There is no result.'
  const took = `Work took ${format.value(Math.abs(measured), 'share')} ${measured > 0 ? 'longer' : 'less time'} with AI.`
  if (t.forecast_saving === null) return took
  const expected = `People had expected ${format.value(Math.abs(t.forecast_saving), 'share')} ${t.forecast_saving > 0 ? 'less time' : 'more time'}.`
  return `${took} ${expected}`
}

/** The gap comes in percentage points already. */
function gapText(t: Trial): string {
  return format.points((t.calibration_gap ?? 0) / 100)
}

interface Estimate extends Interval {
  name: string
  forecast: boolean
}

/** The measured change by each way of judging its error, the naive comparison, and the forecast. */
export function estimates(t: Trial): Estimate[] {
  const r = t.ratio_minus_one
  const rows: Estimate[] = [
    { name: 'Measured', value: r.value, low: r.low, high: r.high, forecast: false },
    { name: 'Measured, uneven spread (HC3)', value: r.value, low: r.low_hc3, high: r.high_hc3, forecast: false },
    { name: 'Measured, by person', value: r.value, low: r.low_clustered, high: r.high_clustered, forecast: false },
    { name: 'Plain ratio of means', value: t.naive_ratio_minus_one, low: null, high: null, forecast: false },
    { name: 'Forecast by the people', value: t.forecast_saving === null ? null : -t.forecast_saving, low: null, high: null, forecast: true },
  ]
  return rows.filter((e) => e.value !== null)
}

export function TrialForest({ t, short = false }: { t: Trial; short?: boolean }) {
  const all = estimates(t)
  const rows = short ? all.filter((e, i) => i === 0 || e.forecast) : all
  if (rows.length === 0) return <p class="missing">{reasonWords(t.reason ?? t.status)}</p>
  const x = percentScale(rows.flatMap((e) => [e.value, e.low, e.high]), { ticks: 4 })
  return (
    <figure class="forest-plot" data-chart>
      <figcaption class="sr">Change in working time with AI, {format.chance(t.level)} intervals</figcaption>
      <ul>
        {rows.map((e) => (
          <li key={e.name}>
            <span class="forest-name">{e.name}</span>
            <span class="forest-chart">
              <ForestRow x={x} interval={e} label={`${e.name}: ${text(e)}`} open={e.forecast} />
            </span>
            <span class="forest-value">
              <strong>{format.relative(e.value ?? 0)}</strong> <span class="interval">{bounds(e)}</span>
            </span>
          </li>
        ))}
        <li class="forest-foot">
          <span class="forest-chart">
            <ForestAxis x={x} format={(v) => format.value(v, 'share', { signed: true, digits: 0 })} note="left of zero is faster with AI, right is slower" />
          </span>
        </li>
      </ul>
      <SaveChart name={`trial-${t.trial}`} title={`${headingOf(t.trial)}: change in working time with AI`} table={() => tableOf(columns, rows)} />
    </figure>
  )
}

function bounds(e: Estimate): string {
  return e.low === null || e.high === null ? '' : `${format.relative(e.low)} to ${format.relative(e.high)}`
}

function text(e: Estimate): string {
  return [format.relative(e.value ?? 0), bounds(e)].filter(Boolean).join(', ')
}

const columns: Column<Estimate>[] = [
  { name: 'estimate', title: 'Estimate', cell: (e) => e.name, csv: (e) => e.name },
  { name: 'value', title: 'Change in time', numeric: true, cell: (e) => format.relative(e.value ?? 0), csv: (e) => exactText(e, 'value') },
  { name: 'low', title: 'Low', numeric: true, cell: (e) => (e.low === null ? 'none' : format.relative(e.low)), csv: (e) => exactText(e, 'low') },
  { name: 'high', title: 'High', numeric: true, cell: (e) => (e.high === null ? 'none' : format.relative(e.high)), csv: (e) => exactText(e, 'high') },
]
