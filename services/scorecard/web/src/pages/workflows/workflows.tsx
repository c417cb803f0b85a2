/** Who owns this, and what baseline? Workflows on the left, the chosen one beside them, by the address. */
import { api } from '../../api/api'
import type { Workflow, Workflows } from '../../api/types'
import { Notice } from '../../components/notice'
import { QuestionPage, type PageProps } from '../../components/page'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { hereHref, usePlace } from '../../state/url'
import { Of } from './of'
import { WorkflowPanel } from './panel'
import { baselineWords, flagWords, ownedWords, sourceWords } from './words'

/** More rows than these are for the zoom on a team. */
const most = 200

export function WorkflowsPage(props: PageProps) {
  return (
    <QuestionPage {...props} question="Who owns this, and what baseline?" name="the workflows" load={(query, signal) => api.workflowList({ ...query, limit: most }, signal)}>
      {(w: Workflows) => <WorkflowsAnswer w={w} />}
    </QuestionPage>
  )
}

export function WorkflowsAnswer({ w }: { w: Workflows }) {
  const place = usePlace()
  const key = place.query.get('workflow')
  if (w.workflows.length === 0) {
    return (
      <Notice title="There is no workflow here">
        <p>Neither the registry nor any event of the period names one in this scope. Whoever keeps the registry declares them.</p>
      </Notice>
    )
  }
  const chosen = w.workflows.find((row) => row.workflow === key)
  return (
    <>
      <Summary w={w} />
      <div class={key ? 'list-and-panel two' : 'list-and-panel'}>
        <List w={w} chosen={key} />
        {chosen ? (
          <WorkflowPanel key={chosen.workflow} row={chosen} w={w} />
        ) : (
          key && (
            <Notice title="It is not among these">
              <p>No workflow of this scope and period has the key {key}. Choose the whole organisation, or one from the list.</p>
            </Notice>
          )
        )}
      </div>
    </>
  )
}

function Summary({ w }: { w: Workflows }) {
  const fine = w.workflows.filter((row) => row.flags.length === 0).length
  const count = (flag: Workflow['flags'][number]) => w.workflows.filter((row) => row.flags.includes(flag)).length
  const open = (Object.keys(flagWords) as Workflow['flags'][number][]).filter((flag) => count(flag) > 0)
  return (
    <section class="answer single" aria-labelledby="state">
      <h2 id="state">What is settled</h2>
      <p class="verdict">
        {format.count(fine)} of {format.counted(w.workflows.length, 'workflow', 'workflows')} {fine === 1 ? 'has' : 'have'} a confirmed owner, a fresh baseline and a review policy.
      </p>
      {open.length > 0 && <p class="meta">Open: {open.map((flag) => `${flagWords[flag].short} (${format.count(count(flag))})`).join(', ')}.</p>}
      {w.next && <p class="meta">These are the first {format.count(w.workflows.length)} of {format.count(w.total)}: choose a team to see its own.</p>}
    </section>
  )
}

function List({ w, chosen }: { w: Workflows; chosen: string | null }) {
  const place = usePlace()
  const columns: Column<Workflow>[] = [
    {
      name: 'workflow', title: 'Workflow', csv: (r) => r.workflow,
      cell: (r) => (
        <a href={hereHref(place, { workflow: r.workflow })} aria-current={r.workflow === chosen ? 'true' : undefined}>
          {r.name}
        </a>
      ),
    },
    { name: 'team', title: 'Team', cell: (r) => r.team_name ?? 'no team', csv: (r) => r.team },
    { name: 'owner', title: 'Owner', cell: (r) => ownedWords(r.owner), csv: (r) => ownedWords(r.owner) },
    { name: 'owner_confirmed', title: 'Owner confirmed', csvOnly: true, cell: () => null, csv: (r) => r.owner.confirmed_at },
    { name: 'baseline', title: 'Baseline', cell: (r) => <Priced row={r} />, csv: (r) => r.baselines[0]?.value ?? null },
    { name: 'baseline_unit', title: 'Unit', csvOnly: true, cell: () => null, csv: (r) => r.baselines[0]?.unit ?? null },
    { name: 'baseline_source', title: 'Source', csvOnly: true, cell: () => null, csv: (r) => r.baselines[0]?.source ?? null },
    { name: 'baseline_since', title: 'Since', csvOnly: true, cell: () => null, csv: (r) => r.baselines[0]?.since ?? null },
    { name: 'target_hours', title: 'Review within', numeric: true, cell: (r) => (r.review?.target_hours == null ? 'no target' : format.value(r.review.target_hours, 'h')), csv: (r) => (r.review ? exactText(r.review, 'target_hours') : null) },
    { name: 'review_cycle_hours', title: 'Review takes', numeric: true, cell: (r) => <Of row={r} measure="review_cycle_hours" why={false} />, csv: (r) => valueOf(r, 'review_cycle_hours') },
    { name: 'trained_share', title: 'Trained', numeric: true, cell: (r) => <Of row={r} measure="trained_share" why={false} />, csv: (r) => valueOf(r, 'trained_share') },
    { name: 'flags', title: 'To do', cell: (r) => (r.flags.length === 0 ? 'nothing' : r.flags.map((f) => flagWords[f].short).join(', ')), csv: (r) => r.flags.join(' ') },
  ]
  // Beside the chosen one there is room for what it is chosen by.
  const shown = chosen ? columns.map((c) => ({ ...c, csvOnly: c.csvOnly || !['workflow', 'owner', 'flags'].includes(c.name) })) : columns
  return (
    <section aria-labelledby="list">
      <h2 id="list">Workflows</h2>
      <Table caption="Workflows, their owners and baselines" hideCaption columns={shown} rows={w.workflows} />
      <p class="quiet-note">
        As the registry stood at the end of the period. An owner is confirmed for {w.owner_days} days; a declared baseline is fresh for {w.baseline_days} days, and what is measured is of the last {w.baseline_days} days. Withheld is what tells about fewer than five people: open the workflow to see why.{' '}
        <CsvLink name={`plumbline-workflows-${w.period.from}-${w.period.to}`} columns={columns} rows={w.workflows} />
      </p>
    </section>
  )
}

const valueOf = (row: Workflow, measure: string) => {
  const m = row.measures[measure]
  return m ? exactText(m, 'value') : null
}

function Priced({ row }: { row: Workflow }) {
  const b = row.baselines[0]
  if (!b) return <span class="missing small">none</span>
  return (
    <>
      {baselineWords(b, row.unit)}
      <span class="sub"> {sourceWords(b)}</span>
    </>
  )
}
