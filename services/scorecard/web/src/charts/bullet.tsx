/**
 * A value on its own scale from zero: solid bar = actual, light bar under it = previous, outline = target, a thin line = benchmark,
 * and the whisker = interval. All of it is also said in words beside the chart.
 */
import type { Measure } from '../api/types'
import { pct, percentScale } from './scale'

export function Bullet({ measure, label, tall = false, upTo }: { measure: Measure; label: string; tall?: boolean; upTo?: number }) {
  const { value, low, high, previous, target, benchmark } = measure
  if (measure.status !== 'ok' || value === null) return null
  const x = percentScale([value, low, high, previous?.value, target?.value, benchmark?.value], { upTo })
  const zero = x(0)
  const bar = (v: number) => ({ x: pct(Math.min(zero, x(v))), width: pct(Math.abs(x(v) - zero)) })
  return (
    <svg class={tall ? 'bullet tall' : 'bullet'} role="img" aria-label={label} width="100%" height={tall ? 44 : 34}>
      <line class="track" x1="0" x2="100%" y1="17" y2="17" />
      {previous?.value != null && <rect class="previous" {...bar(previous.value)} y="21" height="8" rx="1" />}
      <rect class="actual" {...bar(value)} y="10" height="11" rx="1" />
      {target && <rect class="target" x={pct(x(target.value))} y="4" width="5" height="24" rx="1" transform="translate(-2.5 0)" />}
      {benchmark && <line class="benchmark" x1={pct(x(benchmark.value))} x2={pct(x(benchmark.value))} y1="4" y2="28" />}
      {low !== null && high !== null && low < high && <Whisker low={x(low)} high={x(high)} y={15.5} />}
      <line class="zero" x1={pct(zero)} x2={pct(zero)} y1="2" y2="32" />
    </svg>
  )
}

/** An interval as a line with end caps, in percent of the width. A halo keeps it visible on the bar. */
export function Whisker({ low, high, y, half = 5 }: { low: number; high: number; y: number; half?: number }) {
  const lines = (name: string) => (
    <g class={name}>
      <line x1={pct(low)} x2={pct(high)} y1={y} y2={y} />
      <line x1={pct(low)} x2={pct(low)} y1={y - half} y2={y + half} />
      <line x1={pct(high)} x2={pct(high)} y1={y - half} y2={y + half} />
    </g>
  )
  return (
    <>
      {lines('halo')}
      {lines('whisker')}
    </>
  )
}

/** How to read the marks, once a page. */
export function BulletLegend() {
  return (
    <ul class="legend" aria-label="How to read the bars">
      <li>
        <svg width="22" height="12" aria-hidden="true"><rect class="actual" y="2" width="22" height="8" /></svg> this period
      </li>
      <li>
        <svg width="22" height="12" aria-hidden="true"><rect class="previous" y="2" width="22" height="8" /></svg> period compared with
      </li>
      <li>
        <svg width="22" height="12" aria-hidden="true"><g class="whisker"><line x1="1" x2="21" y1="6" y2="6" /><line x1="1" x2="1" y1="2" y2="10" /><line x1="21" x2="21" y1="2" y2="10" /></g></svg> range of the true value
      </li>
      <li>
        <svg width="12" height="16" aria-hidden="true"><rect class="target" x="3" y="1" width="5" height="14" /></svg> target
      </li>
      <li>
        <svg width="12" height="16" aria-hidden="true"><line class="benchmark" x1="6" x2="6" y1="1" y2="15" /></svg> benchmark
      </li>
    </ul>
  )
}
