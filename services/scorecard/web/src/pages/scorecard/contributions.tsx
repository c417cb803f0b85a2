/** Who contributed: one row a team (or workflow), and the proof that the rows are the total. */
import type { Contribution, Measure, Scorecard } from '../../api/types'
import { Claimed, openedBy, StatusWords } from '../../components/number'
import { Grade } from '../../components/grade'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText, sameExact, sumExact } from '../../exact'
import * as format from '../../format'
import { hereHref, usePlace } from '../../state/url'
import { reasonWords } from '../../words'
import type { Titled } from './measures'

export function Contributions({ scorecard, titles: all }: { scorecard: Scorecard; titles: Titled[] }) {
  const place = usePlace()
  // Inside one team a table of teams has one row; its workflows say more.
  const usual = scorecard.scope.startsWith('team:') ? 'workflow' : 'team'
  const by = place.query.get('by') === 'workflow' ? 'workflow' : place.query.get('by') === 'team' ? 'team' : usual
  const rows = by === 'workflow' ? scorecard.contributions_by_workflow : scorecard.contributions
  const shown = all.filter(({ measure: m }) => m.adds === 'sum' && rows.some((r) => r.measures[m.key]))
  const measures = shown.map((t) => t.measure)
  const columns = [nameColumn(place), ...shown.map((t) => measureColumn(t.measure, t.title))]
  return (
    <section aria-labelledby="contributions">
      <div class="section-head">
        <h2 id="contributions">Where it comes from</h2>
        <nav class="tabs" aria-label="Rows of the table">
          <a href={hereHref(place, { by: 'team' })} aria-current={by === 'team' ? 'true' : undefined}>By team</a>
          <a href={hereHref(place, { by: 'workflow' })} aria-current={by === 'workflow' ? 'true' : undefined}>By workflow</a>
        </nav>
      </div>
      {rows.length === 0 || measures.length === 0 ? (
        <p class="quiet-note">Nothing in this period can be split by {by}.</p>
      ) : (
        <>
          <Table caption={`Contributions by ${by}`} hideCaption columns={columns} rows={rows} foot={<Total rows={rows} measures={measures} />} />
          <p class="quiet-note">
            {whyWithheld(rows)} <CsvLink name={`plumbline-by-${by}-${scorecard.period.from}-${scorecard.period.to}`} columns={columns} rows={rows} />
          </p>
        </>
      )}
    </section>
  )
}

/** The reasons of the cells that are withheld, each said once. */
function whyWithheld(rows: Contribution[]): string {
  const reasons = new Set(rows.flatMap((r) => Object.values(r.measures).flatMap((c) => (c.status === 'withheld' ? [c.reason] : []))))
  if (reasons.size === 0) return ''
  const where = reasons.has('privacy_floor') ? ' Its amount is in “other”.' : ''
  return `Withheld: ${[...reasons].map(reasonWords).join(' ')}${where}`
}

function scopeOf(row: Contribution): string | null {
  if (row.row !== 'member') return null
  if (row.team) return `team:${row.team}`
  return row.workflow ? `workflow:${row.workflow}` : null
}

function nameColumn(place: ReturnType<typeof usePlace>): Column<Contribution> {
  return {
    name: 'name', title: 'Name', csv: (row) => row.name,
    cell: (row) => {
      const scope = scopeOf(row)
      return scope ? <a href={hereHref(place, { scope, open: null })}>{row.name}</a> : row.name
    },
  }
}

function measureColumn(measure: Measure, title: string): Column<Contribution> {
  return {
    name: `${measure.key} (${measure.unit})`, numeric: true,
    title: (
      <>
        {title} <Grade grade={measure.grade} />
      </>
    ),
    csv: (row) => {
      const cell = row.measures[measure.key]
      return cell ? exactText(cell, 'value') : null
    },
    cell: (row) => {
      const cell = row.measures[measure.key]
      const scope = scopeOf(row)
      if (!cell) return <StatusWords status="no_data" reason={null} />
      if (cell.value === null) return <StatusWords status={cell.status} reason={null} />
      return <Claimed open={scope ? { measure: measure.key, scope } : openedBy(measure)}>{format.value(cell.value, cell.unit)}</Claimed>
    },
  }
}

function Total({ rows, measures }: { rows: Contribution[]; measures: Measure[] }) {
  return (
    <tr>
      <th scope="row">Total</th>
      {measures.map((m) => (
        <td key={m.key} class="num">
          {m.value === null ? (
            <StatusWords status={m.status} reason={null} />
          ) : (
            <>
              <Claimed open={openedBy(m)}>{format.value(m.value, m.unit)}</Claimed>
              <AddsUp rows={rows} measure={m} />
            </>
          )}
        </td>
      ))}
    </tr>
  )
}

/** Adds the rows shown to the last digit and says whether they are the total. What a row withholds is inside “other”. */
export function AddsUp({ rows, measure }: { rows: Contribution[]; measure: Measure }) {
  const total = exactText(measure, 'value')
  const cells = rows.flatMap((r) => (r.measures[measure.key] ? [r.measures[measure.key]!] : []))
  const parts = cells.map((cell) => exactText(cell, 'value'))
  if (total === null) return null
  const sum = sumExact(parts.filter((p) => p !== null))
  if (sameExact(sum, total)) return <span class="sum-check ok">rows add up exactly</span>
  if (parts.includes(null)) return <span class="sum-check">some rows are withheld</span>
  return <span class="sum-check bad">rows add up to {format.exact(sum, measure.unit)}</span>
}
