/** The velocity index and the four numbers it is made of, as the equation that it is. */
import type { Pipeline } from '../../api/types'
import { Claimed, Figure, openedBy, StatusWords } from '../../components/number'
import { Grade } from '../../components/grade'
import { Warnings } from '../../components/asof'
import * as format from '../../format'

export function Velocity({ p }: { p: Pipeline }) {
  const i = p.velocity_inputs
  const open = openedBy(p.velocity)
  const term = (v: number | null, unit: string) => (v === null ? 'no data' : format.value(v, unit))
  return (
    <section class="answer single" aria-labelledby="velocity">
      <div class="answer-figure">
        <h2 id="velocity">Pipeline velocity</h2>
        <p class="big">
          <Figure measure={p.velocity} /> <span class="unit">index</span>
        </p>
        <Grade grade={p.velocity.grade} />
        {p.velocity.status !== 'ok' && <StatusWords status={p.velocity.status} reason={p.velocity.reason} />}
        <ul class="equation">
          <Term name="deals decided" text={format.count(i.decided)} open={open} />
          <li aria-hidden="true" class="op">×</li>
          <Term name="mean won amount" text={term(i.mean_won_amount, p.currency)} open={open} />
          <li aria-hidden="true" class="op">×</li>
          <Term name="win rate" text={term(i.win_rate, 'share')} open={openedBy(p.win_rate)} />
          <li aria-hidden="true" class="op">÷</li>
          <Term name="mean cycle" text={term(i.mean_cycle_days, 'days')} open={openedBy(p.cycle_days)} />
        </ul>
        <p class="quiet-note">
          {format.count(i.won)} won and {format.count(i.lost)} lost. Compare it only with periods of equal length; it is an index, not money a day.
          {p.won_amount !== null && ` Won amount: ${format.value(p.won_amount, p.currency)}`}
          {p.won_amount_per_day !== null && `, ${format.value(p.won_amount_per_day, p.currency)} per calendar day`}
          {p.won_amount !== null && '.'}
        </p>
        <Warnings of={p.velocity.warnings} />
      </div>
    </section>
  )
}

function Term({ name, text, open }: { name: string; text: string; open: ReturnType<typeof openedBy> }) {
  return (
    <li class="term">
      <Claimed open={open}>{text}</Claimed>
      <span class="term-name">{name}</span>
    </li>
  )
}
