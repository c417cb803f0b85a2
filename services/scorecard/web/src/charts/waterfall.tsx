/**
 * From a gross value to the number, step by step: each bar begins where the one before ended. What adds is solid, what takes away is
 * open; the last bar is the number itself. The figures stand beside the bars.
 */
import type { Claim } from '../api/types'
import type { Column } from '../components/table'
import { exactText, sumExact } from '../exact'
import * as format from '../format'
import { pct, percentScale } from './scale'

export type Step = Claim['waterfall'][number]

export interface Bar {
  key: string
  title: string
  /** Where the bar begins and ends, in the unit of the number. */
  from: number
  to: number
  /** The exact digits of the step; of the last bar those of the number. */
  digits: string
  total: boolean
}

/** The bars of the steps, and the number that they lead to. */
export function barsOf(steps: Step[]): Bar[] {
  const bars: Bar[] = []
  const digits: string[] = []
  let at = 0
  for (const step of steps) {
    const text = exactText(step, 'value') ?? '0'
    digits.push(text)
    const to = Number(sumExact(digits))
    bars.push({ key: step.key, title: step.title, from: at, to, digits: text, total: false })
    at = to
  }
  bars.push({ key: 'total', title: 'The number', from: 0, to: at, digits: sumExact(digits), total: true })
  return bars
}

export function Waterfall({ steps, unit }: { steps: Step[]; unit: string }) {
  const bars = barsOf(steps)
  const x = percentScale(bars.flatMap((b) => [b.from, b.to]))
  return (
    <ol class="waterfall">
      {bars.map((b, i) => {
        const [low, high] = b.from <= b.to ? [b.from, b.to] : [b.to, b.from]
        const says = format.value(b.to - b.from, unit, { signed: !b.total && i > 0 })
        const next = bars[i + 1]
        return (
          <li key={b.key} class={b.total ? 'sum' : ''}>
            <span class="waterfall-name">{b.title}</span>
            <svg role="img" aria-label={`${b.title}: ${says}`} width="100%" height="22">
              <line class="zero" x1={pct(x(0))} x2={pct(x(0))} y1="0" y2="22" />
              <rect class={b.total ? 'actual' : b.to < b.from ? 'less' : 'more'} x={pct(x(low))} width={pct(x(high) - x(low))} y="4" height="14" />
              {next && !next.total && <line class="grid" x1={pct(x(b.to))} x2={pct(x(b.to))} y1="18" y2="26" />}
            </svg>
            <span class="num">{says}</span>
          </li>
        )
      })}
    </ol>
  )
}

export function stepColumns(unit: string): Column<Bar>[] {
  return [
    { name: 'step', title: 'Step', cell: (b) => b.title, csv: (b) => b.title },
    { name: `value (${unit})`, title: 'Value', numeric: true, cell: (b) => <span class="digits">{format.exact(b.digits, unit)}</span>, csv: (b) => b.digits },
  ]
}
