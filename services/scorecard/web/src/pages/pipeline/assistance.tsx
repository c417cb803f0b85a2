/** Deals with and without AI assistance side by side: observed, not caused, and labelled so. */
import type { DealGroup, Interval, Pipeline } from '../../api/types'
import { Grade } from '../../components/grade'
import { StatusWords } from '../../components/number'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'

interface Group {
  name: string
  deals: DealGroup
}

export function Assistance({ p }: { p: Pipeline }) {
  const a = p.assistance
  const groups: Group[] = [
    { name: 'With AI', deals: a.assisted },
    { name: 'Without AI', deals: a.unassisted },
    { name: 'Not known', deals: a.unknown },
  ]
  const d = a.win_rate_difference
  const columns = columnsFor(p.currency)
  return (
    <section aria-labelledby="assistance">
      <div class="section-head">
        <h2 id="assistance">With AI and without</h2>
        <span class="label">{a.label}</span>
      </div>
      <p>
        {d.value === null ? (
          'The win rates can not be compared: too few deals are decided on one side.'
        ) : (
          <>
            The win rate with AI differs by <strong>{format.points(d.value)}</strong>
            {d.low !== null && d.high !== null && ` (${format.points(d.low)} to ${format.points(d.high)})`}.
          </>
        )}{' '}
        {a.label === 'observational' && 'This is observed, not caused: people choose which deals to use AI for, and may choose the better ones.'}
      </p>
      <Grade grade={a.grade} />
      <Table caption="Deals with and without AI" hideCaption columns={columns} rows={groups} />
      <p class="quiet-note">
        <CsvLink name={`plumbline-assistance-${p.period.from}-${p.period.to}`} columns={columns} rows={groups} />
      </p>
    </section>
  )
}

function WithRange({ group, interval, unit }: { group: DealGroup; interval: Interval; unit: string }) {
  if (interval.value === null) return <StatusWords status={group.status === 'ok' ? 'no_data' : group.status} reason={null} />
  return (
    <>
      {format.value(interval.value, unit)}
      {interval.low !== null && interval.high !== null && <span class="sub">{format.range(interval.low, interval.high, unit)}</span>}
    </>
  )
}

function columnsFor(currency: string): Column<Group>[] {
  return [
    { name: 'group', title: 'Deals', cell: (g) => g.name, csv: (g) => g.name },
    { name: 'decided', title: 'Decided', numeric: true, cell: (g) => format.count(g.deals.decided), csv: (g) => g.deals.decided },
    { name: 'won', title: 'Won', numeric: true, cell: (g) => format.count(g.deals.won), csv: (g) => g.deals.won },
    { name: 'lost', title: 'Lost', numeric: true, cell: (g) => format.count(g.deals.lost), csv: (g) => g.deals.lost },
    { name: 'win_rate', title: 'Win rate', numeric: true, cell: (g) => <WithRange group={g.deals} interval={g.deals.win_rate} unit="share" />, csv: (g) => exactText(g.deals.win_rate, 'value') },
    { name: 'cycle_days', title: 'Mean cycle', numeric: true, cell: (g) => <WithRange group={g.deals} interval={g.deals.cycle_days} unit="days" />, csv: (g) => exactText(g.deals.cycle_days, 'value') },
    {
      name: `mean_won_amount (${currency})`, title: 'Mean won amount', numeric: true,
      cell: (g) => (g.deals.mean_won_amount === null ? <StatusWords status="no_data" reason={null} /> : format.value(g.deals.mean_won_amount, currency)),
      csv: (g) => exactText(g.deals, 'mean_won_amount'),
    },
  ]
}
