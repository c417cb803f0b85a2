/** What is not counted? */
import { api } from '../../api/api'
import type { RejectSummary, Session } from '../../api/types'
import { AsOf } from '../../components/asof'
import { DaysForm, useDays } from '../../components/days'
import { Notice, Show } from '../../components/notice'
import { CsvLink, Table, type Column } from '../../components/table'
import * as format from '../../format'
import { useData } from '../../state/data'
import { hereHref, usePlace } from '../../state/url'
import { Excluded } from './excluded'
import { RejectsList } from './list'
import { LiveTail } from './live'
import { RejectDrawer } from './reject'
import { sourceWords, stageWords } from './words'

/** How many days are shown unless the address says otherwise: as long as rejects are kept. */
const days = 30

export function IngestPage({ session }: { session: Session | null }) {
  const place = usePlace()
  const { since, until } = useDays(session, days)
  const key = since && until ? `ingest ${since} ${until}` : null
  const loaded = useData(key, (signal) => api.rejectSummary(since ?? '', until ?? '', signal))
  const opened = place.query.get('reject')
  return (
    <>
      <header class="page-head">
        <h1>What is not counted?</h1>
        {since && until && <DaysForm key={`${since} ${until}`} since={since} until={until} title="Arrived from" />}
        <p class="print-only">{since && until && `Arrived ${format.period(since, until)}`}</p>
      </header>
      <Show loaded={key === null ? { ...loaded, loading: true } : loaded} what="what came in">
        {(s) => (
          <>
            <Summary s={s} zone={session?.zone ?? 'UTC'} />
            <RejectsList since={since ?? ''} until={until ?? ''} zone={session?.zone ?? 'UTC'} may={s.may_list} reasons={s.reasons} />
            {opened && <RejectDrawer key={opened} id={opened} zone={session?.zone ?? 'UTC'} mayReplay={s.may_replay} changed={loaded.again} />}
          </>
        )}
      </Show>
      {session && <LiveTail session={session} />}
    </>
  )
}

function Summary({ s, zone }: { s: RejectSummary; zone: string }) {
  const nothing = s.accepted === 0 && s.rejected.total === 0 && !s.duplicates.value
  return (
    <>
      <AsOf asOf={s.as_of} completeThrough={s.complete_through} zone={zone} />
      {nothing ? (
        <Notice title="Nothing arrived in these days">
          <p>No event was taken and none was refused. Choose other days, or send some.</p>
        </Notice>
      ) : (
        <section aria-labelledby="arrived" class="first">
          <h2 id="arrived" class="sr">
            What arrived
          </h2>
          <div class="tiles">
            <Tile title="Not counted" n={s.rejected.open} note={s.rejected.open === 0 ? 'Nothing that was refused is missing in the numbers.' : 'Refused, and neither replayed nor sent again since.'} />
            <Tile title="Refused" n={s.rejected.total} note={`${format.count(s.rejected.replayed)} of them counted after a replay, ${format.count(s.rejected.resent)} because the source has sent them again. Kept for ${s.kept_days} days.`} />
            <Tile title="Taken" n={s.accepted} note={`${format.count(s.late)} of them late: they arrived more than ${s.late_after_hours} hours after they happened, and count all the same.`} />
            <Duplicates s={s} zone={zone} />
          </div>
        </section>
      )}
      {s.excluded.length > 0 && <Excluded amounts={s.excluded} />}
      {s.rejected.total > 0 && <Reasons s={s} />}
      {s.rejected.total > 0 && <Days s={s} />}
      {s.sources.length > 0 && <Sources s={s} zone={zone} />}
    </>
  )
}

function Duplicates({ s, zone }: { s: RejectSummary; zone: string }) {
  const { value, since, reason } = s.duplicates
  return (
    <article class="tile">
      <h3>Duplicates</h3>
      <p class="figure-line">{value === null ? <span class="missing">Not known for these days</span> : <span class="number figure">{format.count(value)}</span>}</p>
      <p class="meta">
        {value === null ? reason : `Came again and were recognised: the same source, id and content as an event that is stored. They count once.${counted(s.from, since, zone)}`}
      </p>
    </article>
  )
}

/** From when on something is known, where that is not from the beginning. */
function counted(from: string, since: string | null, zone: string): string {
  return since !== null && since > from ? ` Noted since ${format.instant(since, zone)}; of the time before nothing is known.` : ''
}

function Tile({ title, n, note }: { title: string; n: number; note: string }) {
  return (
    <article class="tile">
      <h3>{title}</h3>
      <p class="figure-line">
        <span class="number figure">{format.count(n)}</span>
      </p>
      <p class="meta">{note}</p>
    </article>
  )
}

type Reason = RejectSummary['reasons'][number]
type Source = RejectSummary['sources'][number]
type Day = RejectSummary['days'][number]

function Reasons({ s }: { s: RejectSummary }) {
  const place = usePlace()
  const columns: Column<Reason>[] = [
    {
      name: 'code', title: 'Why', csv: (r) => r.code,
      cell: (r) => (
        <>
          <a href={`${hereHref(place, { code: r.code, stage: r.stage, status: null, reject: null })}#rejects`}>{r.code.replaceAll('_', ' ')}</a>
          <span class="sub wraps">{r.meaning}</span>
        </>
      ),
    },
    { name: 'stage', title: 'Refused by', cell: (r) => stageWords[r.stage], csv: (r) => r.stage },
    { name: 'open', title: 'Not counted', numeric: true, cell: (r) => format.count(r.open), csv: (r) => r.open },
    { name: 'total', title: 'Refused', numeric: true, cell: (r) => format.count(r.total), csv: (r) => r.total },
  ]
  return (
    <section aria-labelledby="reasons">
      <h2 id="reasons">By reason</h2>
      <Table caption="Refused events by reason" hideCaption columns={columns} rows={s.reasons} />
      <p class="quiet-note">
        <CsvLink name="plumbline-rejects-by-reason" columns={columns} rows={s.reasons} />
      </p>
    </section>
  )
}

function Sources({ s, zone }: { s: RejectSummary; zone: string }) {
  const place = usePlace()
  // Of a source that is not among those with the most a count may not be known.
  const count = (name: 'open' | 'rejected' | 'accepted' | 'late' | 'duplicates', title: string): Column<Source> => ({
    name, title, numeric: true, csv: (r) => r[name],
    cell: (r) => (r[name] === null ? <span class="missing small">not known</span> : format.count(r[name])),
  })
  const columns: Column<Source>[] = [
    {
      name: 'source', title: 'Source', csv: (r) => r.source,
      cell: (r) =>
        r.source === '' ? <span class="missing small">could not be read</span>
        : r.rejected === 0 ? <span class="wrap-any">{r.source}</span>
        : <a class="wrap-any" href={`${hereHref(place, { source: r.source, status: null, reject: null })}#rejects`}>{sourceWords(r.source)}</a>,
    },
    count('open', 'Not counted'),
    count('rejected', 'Refused'),
    count('accepted', 'Taken'),
    count('late', 'Late'),
    count('duplicates', 'Duplicates'),
  ]
  return (
    <section aria-labelledby="sources">
      <h2 id="sources">By source</h2>
      <Table caption="Events by source" hideCaption columns={columns} rows={s.sources} />
      <p class="quiet-note">
        Duplicates are what the log holds twice, {s.duplicates.since === null ? 'where that is known' : `since ${format.instant(s.duplicates.since, zone)}`}: sent again by the source or by a replay, or written again after a lost answer. What
        stands twice in one request is answered at once and is not among them. <CsvLink name="plumbline-ingest-by-source" columns={columns} rows={s.sources} />
      </p>
    </section>
  )
}

function Days({ s }: { s: RejectSummary }) {
  const most = Math.max(1, ...s.days.map((d) => d.total))
  const columns: Column<Day>[] = [
    { name: 'day', title: 'Day (UTC)', cell: (d) => <span class="nowrap">{format.day(d.day)}</span>, csv: (d) => d.day },
    { name: 'open', title: 'Not counted', numeric: true, cell: (d) => format.count(d.open), csv: (d) => d.open },
    { name: 'total', title: 'Refused', numeric: true, cell: (d) => format.count(d.total), csv: (d) => d.total },
    {
      name: 'bar', title: <span class="sr">As a bar</span>, csv: () => null,
      cell: (d) => (
        <svg class="day-bar" width="160" height="12" aria-hidden="true">
          <rect class="all" width={(160 * d.total) / most} height="12" rx="1" />
          <rect class="open" width={(160 * d.open) / most} height="12" rx="1" />
        </svg>
      ),
    },
  ]
  return (
    <section aria-labelledby="days">
      <h2 id="days">By day</h2>
      <Table caption="Refused events by day" hideCaption columns={columns} rows={s.days} />
      <p class="quiet-note">
        Blue is what is not counted by now, grey what was counted later. <CsvLink name="plumbline-rejects-by-day" columns={columns.slice(0, 3)} rows={s.days} />
      </p>
    </section>
  )
}
