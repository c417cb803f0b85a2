/** How long until a deal is decided, open deals included: the Kaplan–Meier curve of the cohort. */
import type { Pipeline, Survival } from '../../api/types'
import { SurvivalCurve } from '../../charts/survival'
import { SaveChart, tableOf } from '../../components/chart'
import { Claimed, StatusWords } from '../../components/number'
import { TableOf, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'

type Point = Survival['points'][number]

export function Decision({ p }: { p: Pipeline }) {
  const s = p.time_to_decision
  const open = { measure: 'cycle_days', basis: 'created' as const }
  return (
    <section aria-labelledby="decision">
      <h2 id="decision">Time to decision</h2>
      {s.status !== 'ok' ? (
        <StatusWords status={s.status} reason={s.reason} />
      ) : (
        <>
          <p class="verdict small">
            {s.median === null ? (
              <>Fewer than half of the deals created in the period are decided yet.</>
            ) : (
              <>
                Half of the deals created in the period are decided within <Claimed open={open}>{format.value(s.median, 'days', { digits: 0 })}</Claimed>
                {s.low !== null && ` (${format.chance(s.level)} range ${bounds(s)})`}.
              </>
            )}
          </p>
          <p class="meta">
            {format.counted(s.n, 'deal', 'deals')}, {format.count(s.decided)} decided, {format.count(s.censored)} still open on {format.instant(s.censored_at, p.period.zone)} and counted as such.
          </p>
          <figure class="chart" data-chart>
            <SurvivalCurve survival={s} />
            <figcaption>
              Share of deals still undecided, with its {format.chance(s.level)} band. Cohort: created {format.period(p.period.from, p.period.to)}.{' '}
              <SaveChart name="time-to-decision" title="Share of deals still undecided by days since creation" table={() => tableOf(columns, s.points)} />
            </figcaption>
          </figure>
          <TableOf name={`plumbline-time-to-decision-${p.period.from}-${p.period.to}`} caption="Share of deals still undecided by days since creation" columns={columns} rows={s.points} />
        </>
      )}
    </section>
  )
}

function bounds(s: Survival): string {
  const low = format.plainNumber(s.low ?? 0, 0)
  return s.high === null ? `from ${low} days, no upper end yet` : `${low} to ${format.value(s.high, 'days', { digits: 0 })}`
}

const share = (v: number) => format.value(v, 'share')

const columns: Column<Point>[] = [
  { name: 'days', title: 'Days', numeric: true, cell: (q) => format.plainNumber(q.days), csv: (q) => exactText(q, 'days') },
  { name: 'undecided', title: 'Undecided', numeric: true, cell: (q) => share(q.undecided), csv: (q) => exactText(q, 'undecided') },
  { name: 'low', title: 'Low', numeric: true, cell: (q) => share(q.low), csv: (q) => exactText(q, 'low') },
  { name: 'high', title: 'High', numeric: true, cell: (q) => share(q.high), csv: (q) => exactText(q, 'high') },
  { name: 'at_risk', title: 'Open before', numeric: true, cell: (q) => format.count(q.at_risk), csv: (q) => q.at_risk },
  { name: 'decided', title: 'Decided', numeric: true, cell: (q) => format.count(q.decided), csv: (q) => q.decided },
]
