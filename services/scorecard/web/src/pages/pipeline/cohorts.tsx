/** Deals by month of creation. A young cohort looks worse than it is: its maturity says how much is decided. */
import type { Cohort, Pipeline } from '../../api/types'
import { Bar } from '../../components/bar'
import { SaveChart, tableOf } from '../../components/chart'
import { CsvLink, Table, type Column } from '../../components/table'
import { StatusWords } from '../../components/number'
import { exactText } from '../../exact'
import * as format from '../../format'

export function Cohorts({ p }: { p: Pipeline }) {
  const columns = columnsFor(p.currency)
  return (
    <section aria-labelledby="cohorts" data-chart>
      <h2 id="cohorts">Cohorts by month of creation</h2>
      {p.cohorts.length === 0 ? (
        <p class="quiet-note">No deal was created in this period.</p>
      ) : (
        <>
          <Table caption="Cohorts" hideCaption columns={columns} rows={p.cohorts} />
          <p class="quiet-note">
            Maturity is the share of the cohort that is decided. Compare win rates of cohorts only at similar maturity. <CsvLink name={`plumbline-cohorts-${p.period.from}-${p.period.to}`} columns={columns} rows={p.cohorts} />{' '}
            <SaveChart name="cohorts" title="Cohorts by month of creation" table={() => tableOf(columns, p.cohorts)} />
          </p>
        </>
      )}
    </section>
  )
}

function Maturity({ cohort }: { cohort: Cohort }) {
  return (
    <Bar share={cohort.maturity} width={72} height={8}>
      {format.value(cohort.maturity, 'share', { digits: 0 })}
    </Bar>
  )
}

function columnsFor(currency: string): Column<Cohort>[] {
  return [
    { name: 'month', title: 'Created', cell: (c) => format.month(c.month), csv: (c) => c.month },
    { name: 'created', title: 'Deals', numeric: true, cell: (c) => format.count(c.created), csv: (c) => c.created },
    { name: 'won', title: 'Won', numeric: true, cell: (c) => format.count(c.won), csv: (c) => c.won },
    { name: 'lost', title: 'Lost', numeric: true, cell: (c) => format.count(c.lost), csv: (c) => c.lost },
    { name: 'open', title: 'Open', numeric: true, cell: (c) => format.count(c.open), csv: (c) => c.open },
    { name: 'maturity', title: 'Maturity', numeric: true, cell: (c) => <Maturity cohort={c} />, csv: (c) => exactText(c, 'maturity') },
    {
      name: 'win_rate', title: 'Won of decided', numeric: true,
      cell: (c) => (c.win_rate === null ? <StatusWords status="no_data" reason={null} /> : format.value(c.win_rate, 'share')),
      csv: (c) => exactText(c, 'win_rate'),
    },
    { name: 'win_rate_created', title: 'Won of created', numeric: true, cell: (c) => format.value(c.win_rate_created, 'share'), csv: (c) => exactText(c, 'win_rate_created') },
    {
      name: `won_amount (${currency})`, title: 'Won amount', numeric: true,
      cell: (c) => (c.won_amount === null ? <StatusWords status="no_data" reason={null} /> : format.value(c.won_amount, currency)),
      csv: (c) => exactText(c, 'won_amount'),
    },
  ]
}
