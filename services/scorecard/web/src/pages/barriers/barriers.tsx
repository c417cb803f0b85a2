/** What is in the way, and who clears it? The costliest first. */
import { api } from '../../api/api'
import type { Barrier, Barriers } from '../../api/types'
import { Bar } from '../../components/bar'
import { Notice } from '../../components/notice'
import { Counts, Figure, StatusWords } from '../../components/number'
import { Warnings } from '../../components/asof'
import { QuestionPage, type PageProps } from '../../components/page'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { headingOf } from '../../words'

export function BarriersPage(props: PageProps) {
  return (
    <QuestionPage {...props} question="What is in the way, and who clears it?" name="the barriers" load={api.barriers}>
      {(b: Barriers) => <BarriersAnswer b={b} />}
    </QuestionPage>
  )
}

export function BarriersAnswer({ b }: { b: Barriers }) {
  if (b.barriers.length === 0 && b.status === 'no_data') {
    return (
      <Notice title="Nobody has reported a barrier">
        <p>In this scope and period nothing was said to be in the way of work with AI. Barriers are events: a tool, a form or a chat can send them.</p>
      </Notice>
    )
  }
  return (
    <>
      <section class="answer single" aria-labelledby="cost">
        <h2 id="cost">Time lost to barriers</h2>
        <p class="figure-line">
          <Figure measure={b.hours} />
        </p>
        <p class="meta">
          <Counts measure={b.hours} noun={['report', 'reports']} />
        </p>
        <Warnings of={b.hours.warnings} />
      </section>
      {b.status === 'withheld' ? (
        <Notice title="Single barriers are not shown here">
          <p>Fewer than five people stand behind some of them, and the others would tell about these by subtraction. Choose the whole organisation, or a longer period.</p>
        </Notice>
      ) : (
        <List b={b} />
      )}
    </>
  )
}

/** A bar on the scale of the costliest. */
function Cost({ hours, most }: { hours: number | null; most: number }) {
  if (hours === null) return <StatusWords status="no_data" reason="no_minutes" />
  return (
    <Bar share={most > 0 ? hours / most : 0} width={96} height={10}>
      {format.value(hours, 'h')}
    </Bar>
  )
}

function List({ b }: { b: Barriers }) {
  const most = Math.max(0, ...b.barriers.map((r) => r.hours ?? 0))
  const columns: Column<Barrier>[] = [
    { name: 'barrier', title: 'Barrier', cell: (r) => (r.barrier === null ? 'Others, of few people each' : headingOf(r.barrier)), csv: (r) => r.barrier ?? 'other' },
    { name: 'category', title: 'Kind', cell: (r) => (r.category === null ? '' : headingOf(r.category)), csv: (r) => r.category },
    { name: 'hours', title: 'Hours lost', numeric: true, cell: (r) => <Cost hours={r.hours} most={most} />, csv: (r) => exactText(r, 'hours') },
    { name: 'people', title: 'People', numeric: true, cell: (r) => (r.people === null ? 'not shown' : format.count(r.people)), csv: (r) => r.people },
    { name: 'reports', title: 'Reported', numeric: true, cell: (r) => format.count(r.reports), csv: (r) => r.reports },
    { name: 'support', title: 'Supported', numeric: true, cell: (r) => format.count(r.support), csv: (r) => r.support },
    { name: 'age_days', title: 'Age', numeric: true, cell: (r) => (r.age_days === null ? '' : format.counted(r.age_days, 'day', 'days')), csv: (r) => r.age_days },
    { name: 'state', title: 'State', cell: (r) => <State row={r} />, csv: (r) => r.state },
    // Who it is stays with the registry: a leader never sees a person here.
    { name: 'owner', title: 'Who clears it', cell: (r) => (r.row === 'other' ? '' : r.owner === null ? 'nobody yet' : 'somebody is named'), csv: (r) => (r.row === 'other' ? null : r.owner === null ? 'nobody' : 'named') },
  ]
  return (
    <section aria-labelledby="list">
      <h2 id="list">The costliest first</h2>
      <Table caption="Barriers, the costliest first" hideCaption columns={columns} rows={b.barriers} />
      <p class="quiet-note">
        Hours are what people say that they lost, each person's once a barrier. <CsvLink name={`plumbline-barriers-${b.period.from}-${b.period.to}`} columns={columns} rows={b.barriers} />
      </p>
    </section>
  )
}

function State({ row }: { row: Barrier }) {
  if (row.state === null) return <></>
  if (row.resolved_day) return <>cleared on {format.day(row.resolved_day)}</>
  return <>{row.state}</>
}
