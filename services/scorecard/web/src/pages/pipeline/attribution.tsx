/** What each attribution model gives each workflow: side by side, since none of them is a measurement. */
import type { Pipeline } from '../../api/types'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'

type Model = Pipeline['attribution'][number]

interface Line {
  name: string
  workflow: string
  /** In the order of the models. */
  cells: (Model['rows'][number] | undefined)[]
}

export function Attribution({ p }: { p: Pipeline }) {
  const models = p.attribution
  const lines = linesOf(models)
  const columns = columnsFor(models, p.currency)
  return (
    <section aria-labelledby="attribution">
      <div class="section-head">
        <h2 id="attribution">Who touched what was won</h2>
        <span class="label">influenced, not return</span>
      </div>
      {lines.length === 0 ? (
        <p class="quiet-note">No won deal of this period has touches: send them with the deals.</p>
      ) : (
        <>
          <p>Each model shares a won deal among the workflows that touched it, so that the shares of a deal sum to one. They differ because they are rules, not measurements.</p>
          <Table caption="Attribution models" hideCaption columns={columns} rows={lines} />
          <p class="quiet-note">
            <CsvLink name={`plumbline-attribution-${p.period.from}-${p.period.to}`} columns={columns} rows={lines} />
          </p>
        </>
      )}
    </section>
  )
}

function linesOf(models: Model[]): Line[] {
  const names = new Map<string, string>()
  for (const m of models) for (const r of m.rows) names.set(r.workflow, r.name)
  return [...names]
    .sort(([, a], [, b]) => a.localeCompare(b))
    .map(([workflow, name]) => ({ name, workflow, cells: models.map((m) => m.rows.find((r) => r.workflow === workflow)) }))
}

function columnsFor(models: Model[], currency: string): Column<Line>[] {
  return [
    { name: 'workflow', title: 'Workflow', cell: (l) => l.name, csv: (l) => l.workflow },
    ...models.map(
      (m, i): Column<Line> => ({
        name: `${m.model} (${currency})`, title: m.title, numeric: true,
        cell: (l) => {
          const c = l.cells[i]
          if (!c) return <span class="quiet-note">{m.status === 'ok' ? 'no share' : 'needs roles'}</span>
          return (
            <>
              {format.value(c.amount, currency)}
              <span class="sub">{format.count(c.deals)} deals</span>
            </>
          )
        },
        csv: (l) => {
          const c = l.cells[i]
          return c ? exactText(c, 'amount') : null
        },
      }),
    ),
  ]
}
