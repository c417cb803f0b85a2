/** Lift of the variants of an experiment against its control, relative or absolute, on one scale with a zero line. */
import type { Experiment, Interval, Variant } from '../../api/types'
import { ForestAxis, ForestRow } from '../../charts/forest'
import { percentScale } from '../../charts/scale'
import { SaveChart, tableOf } from '../../components/chart'
import type { Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { StatusWords } from '../../components/number'

export type Kind = 'relative' | 'absolute'

export const liftOf = (v: Variant, kind: Kind): Interval => (kind === 'relative' ? v.lift_rel : v.lift_abs)

export const liftText = (v: number, kind: Kind): string => (kind === 'relative' ? format.relative(v) : format.points(v))

export function intervalText(i: Interval, kind: Kind): string {
  if (i.low === null || i.high === null) return ''
  return `${liftText(i.low, kind)} to ${liftText(i.high, kind)}`
}

export function Forest({ experiment, kind }: { experiment: Experiment; kind: Kind }) {
  const arms = experiment.variants.filter((v) => !v.is_control)
  const x = percentScale(arms.flatMap((v) => [liftOf(v, kind).value, liftOf(v, kind).low, liftOf(v, kind).high]), { ticks: 4 })
  const baseline = experiment.control ? `against ${experiment.control}` : 'no control declared'
  return (
    <figure class="forest-plot" data-chart>
      <figcaption>{kind === 'relative' ? 'Relative lift' : 'Absolute lift, in percentage points'}</figcaption>
      <ul>
        {arms.map((v) => (
          <li key={v.variant}>
            <span class="forest-name">{v.variant}</span>
            <span class="forest-chart">
              <ForestRow x={x} interval={liftOf(v, kind)} label={sentence(v, kind)} open={v.status !== 'ok'} />
            </span>
            <span class="forest-value">
              <Lift variant={v} kind={kind} />
            </span>
          </li>
        ))}
        <li class="forest-foot">
          <span class="forest-chart">
            <ForestAxis x={x} format={(t) => (kind === 'relative' ? format.value(t, 'share', { signed: true, digits: digitsFor(x.domain) }) : format.plainNumber(t * 100))} note={`${baseline}; zero is no difference`} />
          </span>
        </li>
      </ul>
      <SaveChart
        name={`${experiment.experiment}-${experiment.metric}-${kind}`}
        title={`${experiment.name}: ${kind} lift on ${experiment.metric.replaceAll('_', ' ')}`}
        table={() => tableOf(liftColumns(kind), arms)}
      />
    </figure>
  )
}

function liftColumns(kind: Kind): Column<Variant>[] {
  const of = (v: Variant, key: 'value' | 'low' | 'high') => {
    const value = liftOf(v, kind)[key]
    return value === null ? 'none' : liftText(value, kind)
  }
  const column = (name: 'value' | 'low' | 'high', title: string): Column<Variant> => ({ name: name === 'value' ? `lift_${kind === 'relative' ? 'rel' : 'abs'}` : name, title, numeric: true, cell: (v) => of(v, name), csv: (v) => exactText(liftOf(v, kind), name) })
  return [
    { name: 'variant', title: 'Variant', cell: (v) => v.variant, csv: (v) => v.variant },
    column('value', 'Lift'), column('low', 'Low'), column('high', 'High'),
    { name: 'status', title: 'Status', cell: (v) => v.status.replace('_', ' '), csv: (v) => v.reason ?? v.status },
  ]
}

/** Digits on an axis in percent: fewer the wider it is. */
function digitsFor([low, high]: [number, number]): number {
  const span = (high - low) * 100
  return span >= 5 ? 0 : span >= 0.5 ? 1 : 2
}

function Lift({ variant, kind }: { variant: Variant; kind: Kind }) {
  const lift = liftOf(variant, kind)
  if (lift.value === null) return <StatusWords status={variant.status === 'no_data' ? 'no_data' : 'withheld'} reason={variant.reason} />
  return (
    <>
      <strong>{liftText(lift.value, kind)}</strong> <span class="interval">{intervalText(lift, kind)}</span>
    </>
  )
}

function sentence(v: Variant, kind: Kind): string {
  const lift = liftOf(v, kind)
  if (lift.value === null) return `${v.variant}: lift not known`
  return `${v.variant}: ${kind} lift ${liftText(lift.value, kind)}, ${intervalText(lift, kind)}`
}

/** What the interval says, in words. */
export function finding(v: Variant): string {
  const { low, high, value } = v.lift_rel
  if (value === null) return 'no result'
  if (low === null || high === null) return 'no interval'
  if (low > 0) return 'better than control'
  if (high < 0) return 'worse than control'
  return 'no difference shown'
}
