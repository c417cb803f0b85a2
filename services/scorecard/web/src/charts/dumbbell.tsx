/** Two shares on one line, from 0 to 100 %: how far apart two groups are. Whiskers are the ranges of each. */
import { Whisker } from './bullet'
import { pct } from './scale'

export interface Side {
  value: number
  low: number | null
  high: number | null
}

const at = (share: number) => 100 * share

/** The filled point is the first group, the open one the second. */
export function Dumbbell({ first, second, label }: { first: Side | null; second: Side | null; label: string }) {
  return (
    <svg class="dumbbell" role="img" aria-label={label} width="100%" height="34">
      {[0, 0.25, 0.5, 0.75, 1].map((tick) => (
        <line key={tick} class={tick === 0 ? 'zero' : 'grid'} x1={pct(at(tick))} x2={pct(at(tick))} y1="0" y2="34" />
      ))}
      {first && second && <line class="between" x1={pct(at(first.value))} x2={pct(at(second.value))} y1="17" y2="17" />}
      {[first, second].map((side, i) => side && side.low !== null && side.high !== null && <Whisker key={i} low={at(side.low)} high={at(side.high)} y={i === 0 ? 9 : 25} half={4} />)}
      {first && <circle class="point" cx={pct(at(first.value))} cy="17" r="6" />}
      {second && <circle class="point open" cx={pct(at(second.value))} cy="17" r="6" />}
    </svg>
  )
}

export function DumbbellAxis({ note }: { note: string }) {
  return (
    <div class="axis" aria-hidden="true">
      <svg width="100%" height="34">
        {[0, 25, 50, 75, 100].map((tick) => (
          <text key={tick} class={tick % 50 === 0 ? undefined : 'quarter'} x={pct(tick)} y="12" text-anchor={tick === 0 ? 'start' : tick === 100 ? 'end' : 'middle'}>
            {tick}%
          </text>
        ))}
        <text x="50%" y="30" text-anchor="middle" class="axis-note">
          {note}
        </text>
      </svg>
    </div>
  )
}
