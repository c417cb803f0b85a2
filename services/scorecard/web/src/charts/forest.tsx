/** One row of a forest plot: a point with its interval against the zero line. Rows share one scale. */
import type { Interval } from '../api/types'
import { Whisker } from './bullet'
import { pct, type Percent } from './scale'

export function ForestRow({ x, interval, label, open = false }: { x: Percent; interval: Interval; label: string; open?: boolean }) {
  const { value, low, high } = interval
  return (
    <svg class="forest" role="img" aria-label={label} width="100%" height="32">
      <Grid x={x} height={32} />
      {low !== null && high !== null && <Whisker low={x(low)} high={x(high)} y={16} half={5} />}
      {value !== null && <circle class={open ? 'point open' : 'point'} cx={pct(x(value))} cy="16" r="5.5" />}
    </svg>
  )
}

function Grid({ x, height }: { x: Percent; height: number }) {
  return (
    <>
      {x.ticks.map((t) => (
        <line key={t} class={t === 0 ? 'zero' : 'grid'} x1={pct(x(t))} x2={pct(x(t))} y1="0" y2={height} />
      ))}
    </>
  )
}

/** The axis under the rows. */
export function ForestAxis({ x, format, note }: { x: Percent; format: (v: number) => string; note: string }) {
  return (
    <div class="axis" aria-hidden="true">
      <svg width="100%" height="34">
        {x.ticks.map((t) => (
          <text key={t} x={pct(x(t))} y="12" text-anchor="middle">
            {format(t)}
          </text>
        ))}
        <text x="50%" y="30" text-anchor="middle" class="axis-note">
          {note}
        </text>
      </svg>
    </div>
  )
}
