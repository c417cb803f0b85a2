/** Is AI worth it, and how sure are we? */
import type { Catalogue, Scorecard, Session } from '../../api/types'
import { About, aboutOf } from '../../components/about'
import { AsOf } from '../../components/asof'
import { Controls } from '../../components/controls'
import { ExcludedTable } from '../../components/excluded'
import { Notice, Show } from '../../components/notice'
import { hereHref, pageHref, usePlace, viewOf } from '../../state/url'
import { useData, type Loaded } from '../../state/data'
import * as format from '../../format'
import { scopeWords } from '../../words'
import { Answer } from './answer'
import { Contributions } from './contributions'
import { scorecardOf } from './early'
import { Measures, titled } from './measures'
import { Notes } from './notes'

export interface PageProps {
  session: Session | null
  teams: Map<string, string>
  catalogue: Loaded<Catalogue>
  from: string | null
  to: string | null
}

export function ScorecardPage({ session, teams, catalogue, from, to }: PageProps) {
  const { scope, compare } = viewOf(usePlace().query)
  const key = from && to ? `scorecard ${from} ${to} ${scope} ${compare}` : null
  const loaded = useData(key, (signal) => scorecardOf({ from, to, scope, compare }, signal))
  return (
    <>
      <header class="page-head">
        <h1>Is AI worth it, and how sure are we?</h1>
        <Controls session={session} teams={teams} from={from} to={to} withCompare />
        <p class="print-only">
          {scopeWords(scope, teams)}
          {from && to && `, ${format.period(from, to)}`}
        </p>
      </header>
      <Show loaded={key === null ? { ...loaded, loading: true } : loaded} what="the scorecard">
        {(s) => (
          <About.Provider value={aboutOf({ what: scopeWords(s.scope, teams), from: s.period.from, to: s.period.to, asOf: s.as_of, zone: s.period.zone, definition: s.definition })}>
            <Content scorecard={s} catalogue={catalogue.data} session={session} teams={teams} waiting={catalogue.loading} again={loaded.again} />
          </About.Provider>
        )}
      </Show>
    </>
  )
}

function Content({ scorecard, catalogue, session, teams, waiting, again }: {
  scorecard: Scorecard
  catalogue: Catalogue | null
  session: Session | null
  teams: Map<string, string>
  waiting: boolean
  again: () => void
}) {
  // Titles come with the catalogue; showing rows twice under two names would make the page jump.
  if (waiting && !catalogue) return null
  const rows = titled(scorecard, catalogue?.metrics ?? [])
  const titles = new Map(rows.map((r) => [r.measure.key, r.title]))
  const hours = scorecard.measures['hours_saved_net']
  const empty = rows.every((r) => r.measure.status === 'no_data')
  return (
    <>
      <AsOf asOf={scorecard.as_of} completeThrough={scorecard.complete_through} zone={scorecard.period.zone} definition={scorecard.definition} />
      {empty ? (
        <Empty session={session} />
      ) : (
        <>
          {hours && <Answer scorecard={scorecard} hours={hours} rows={rows} />}
          <Notes scorecard={scorecard} session={session} teams={teams} again={again} />
          <Measures rows={rows} headline={hours?.key} scorecard={scorecard} />
          <Contributions scorecard={scorecard} titles={rows} />
          <NotCounted scorecard={scorecard} titles={titles} />
        </>
      )}
    </>
  )
}

function NotCounted({ scorecard, titles }: { scorecard: Scorecard; titles: Map<string, string> }) {
  return (
    <section aria-labelledby="excluded">
      <h2 id="excluded">Not counted</h2>
      {scorecard.excluded.length === 0 ? (
        <p class="quiet-note">Everything that arrived for this period is counted.</p>
      ) : (
        <ExcludedTable excluded={scorecard.excluded} titles={titles} />
      )}
    </section>
  )
}

function Empty({ session }: { session: Session | null }) {
  const place = usePlace()
  const first = session?.first_day
  const last = session?.last_day
  return (
    <Notice title="Nothing is measured in this period">
      {first && last ? (
        <p>
          There is data from {format.day(first)} to {format.day(last)}.{' '}
          <a href={hereHref(place, { from: first, to: format.addDays(last, 1), scope: null })}>Show all of it</a>
        </p>
      ) : (
        <>
          <p>
            No events have arrived yet. Send the first ones with <code>plumbline import</code>, or load the demo organisation with{' '}
            <code>plumbline up --demo</code>.
          </p>
          {session?.role === 'admin' && (
            <p class="actions">
              <a class="button primary" href={pageHref('/start', place.query)}>
                To the first number in five steps
              </a>
            </p>
          )}
        </>
      )}
    </Notice>
  )
}
