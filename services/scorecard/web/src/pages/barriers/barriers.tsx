/** What is in the way, and who clears it? The costliest first. */
import { useState } from 'preact/hooks'
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
import { hereHref, usePlace, type Place } from '../../state/url'
import { headingOf } from '../../words'
import { SayDesk } from './desk'
import { mayWords, ownerWords } from './draft'
import { Yours } from './yours'

export function BarriersPage(props: PageProps) {
  const [round, setRound] = useState(0)
  const again = () => setRound((n) => n + 1)
  return (
    <QuestionPage {...props} question="What is in the way, and who clears it?" name="the barriers" also={String(round)} load={api.barriers}>
      {(b: Barriers) => (
        <>
          <SayDesk b={b} person={Boolean(props.session?.person)} again={again} />
          <BarriersAnswer b={b} />
          <Yours b={b} again={again} />
        </>
      )}
    </QuestionPage>
  )
}

export function BarriersAnswer({ b }: { b: Barriers }) {
  if (b.barriers.length === 0 && b.status === 'no_data') {
    return (
      <Notice title="Nobody has reported a barrier">
        <p>In this scope and period nothing was said to be in the way of work with AI. Report one here, or let a tool, a form or a chat send it as an event.</p>
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
          {b.reason === 'privacy_cells' ? (
            <p>What others report is shown in whole months that are over, and this period holds none. Choose a longer period, or look at your own.</p>
          ) : (
            <p>Fewer than five people stand behind some of them, and the others would tell about these by subtraction. Choose the whole organisation, or a longer period.</p>
          )}
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
  const place = usePlace()
  const columns: Column<Barrier>[] = [
    { name: 'barrier', title: 'Barrier', cell: (r) => (r.barrier === null ? 'Others, of few people each' : headingOf(r.barrier)), csv: (r) => r.barrier ?? 'other' },
    { name: 'category', title: 'Kind', cell: (r) => (r.category === null ? '' : headingOf(r.category)), csv: (r) => r.category },
    { name: 'hours', title: 'Hours lost', numeric: true, cell: (r) => <Cost hours={r.hours} most={most} />, csv: (r) => exactText(r, 'hours') },
    { name: 'people', title: 'People', numeric: true, cell: (r) => (r.people === null ? 'not shown' : format.count(r.people)), csv: (r) => r.people },
    { name: 'reports', title: 'Reported', numeric: true, cell: (r) => format.count(r.reports), csv: (r) => r.reports },
    { name: 'support', title: 'Supported', numeric: true, cell: (r) => format.count(r.support), csv: (r) => r.support },
    { name: 'age_days', title: 'Age', numeric: true, cell: (r) => (r.age_days === null ? '' : format.counted(r.age_days, 'day', 'days')), csv: (r) => r.age_days },
    { name: 'state', title: 'State', cell: (r) => <State row={r} />, csv: (r) => r.state },
    // By office, never by name: who it is stays with the registry.
    { name: 'owner', title: 'Who clears it', cell: (r) => (r.row === 'other' ? '' : ownerWords(r.owned_by)), csv: (r) => (r.row === 'other' ? null : ownerWords(r.owned_by)) },
  ]
  // Only where there is something that one may do.
  const deeds: Column<Barrier>[] = b.barriers.some((r) => r.may.length > 0)
    ? [{ name: 'may', title: 'You', cell: (r) => <May row={r} place={place} />, csv: () => null }]
    : []
  return (
    <section aria-labelledby="list">
      <h2 id="list">The costliest first</h2>
      <Table caption="Barriers, the costliest first" hideCaption columns={[...columns, ...deeds]} rows={b.barriers} />
      <p class="quiet-note">
        Hours are what people say that they lost, each person's once a barrier. What is reported is shown when its month is over, and who reported never.
        {b.live ? ' Who clears a barrier, and that it is cleared, stands here at once.' : ' The board is as it was at the end of the period: to do something, choose one that reaches up to today.'} <CsvLink name={`plumbline-barriers-${b.period.from}-${b.period.to}`} columns={columns} rows={b.barriers} />
      </p>
    </section>
  )
}

function May({ row, place }: { row: Barrier; place: Place }) {
  return (
    <span class="actions tight">
      {row.may.map((action) => (
        <a key={action} class="button small" href={hereHref(place, { say: `${action} ${row.barrier}` })}>
          {mayWords[action]}
          <span class="sr">: {headingOf(row.barrier ?? '')}</span>
        </a>
      ))}
    </span>
  )
}

function State({ row }: { row: Barrier }) {
  if (row.state === null) return <></>
  if (row.resolved_day) return <>cleared on {format.day(row.resolved_day)}</>
  return <>{row.state}</>
}
