/** What is not measured yet? Teams and the four kinds, the maturity that follows from them, and the next step. */
import { api } from '../../api/api'
import type { Coverage, Criterion, Measure, TeamCoverage } from '../../api/types'
import { Bullet, BulletLegend } from '../../charts/bullet'
import { SaveChart, tableOf } from '../../components/chart'
import { Notice } from '../../components/notice'
import { Claimed, openedBy } from '../../components/number'
import { QuestionPage, type PageProps } from '../../components/page'
import { CsvLink, Table, type Column } from '../../components/table'
import { Tile } from '../../components/tile'
import { exactText } from '../../exact'
import * as format from '../../format'

/** The four kinds that a team should measure, in the order of the rule. */
const kinds = [
  { key: 'hours', title: 'Hours saved', measure: 'coverage_hours' },
  { key: 'vendor', title: 'Vendor spend', measure: 'coverage_vendor' },
  { key: 'conversion', title: 'Conversion', measure: 'coverage_conversion' },
  { key: 'pipeline', title: 'Pipeline', measure: 'coverage_pipeline' },
] as const

export function CoveragePage(props: PageProps) {
  return (
    <QuestionPage {...props} question="What is not measured yet?" name="the coverage" load={api.coverage}>
      {(c: Coverage) => <CoverageAnswer c={c} />}
    </QuestionPage>
  )
}

export function CoverageAnswer({ c }: { c: Coverage }) {
  if (c.teams.length === 0) {
    return (
      <Notice title="There is no team here">
        <p>Coverage is of teams: declare some in the registry, or choose the whole organisation.</p>
      </Notice>
    )
  }
  return (
    <>
      <Summary c={c} />
      <Matrix c={c} />
      <section aria-labelledby="shares">
        <h2 id="shares">Against other organisations</h2>
        <div class="tiles">
          {kinds.map((kind) => {
            const m = c.measures[kind.measure]
            return m && <Tile key={kind.key} title={kind.title} note={noteOf(m)} noun={['team', 'teams']} measure={m} parts={false} chart={<Bullet measure={m} label={spoken(m)} upTo={1} />} />
          })}
          {c.measures['ownership'] && <Tile title="Workflows with an owner" note="a named owner who has confirmed it within 90 days" noun={['workflow', 'workflows']} measure={c.measures['ownership']} />}
        </div>
        <BulletLegend />
      </section>
      <Rule c={c} />
    </>
  )
}

const noteOf = (m: Measure) => (m.benchmark ? `elsewhere ${format.value(m.benchmark.value, m.unit, { digits: 0 })} of teams` : 'share of teams with an event of it in 90 days')

const spoken = (m: Measure) =>
  m.value === null ? 'no data' : `${format.value(m.value, m.unit)} of teams${m.benchmark ? `, elsewhere ${format.value(m.benchmark.value, m.unit, { digits: 0 })}` : ''}`

function Summary({ c }: { c: Coverage }) {
  const open = c.measures['maturity']
  return (
    <section class="answer single" aria-labelledby="level">
      <h2 id="level">How far measuring has come</h2>
      <p class="verdict">
        {c.level === null ? (
          'The maturity is not known yet.'
        ) : (
          <>
            <Claimed open={open ? openedBy(open) : null}>{c.level.name}</Claimed>, level {c.level.level} of 4.{' '}
          </>
        )}
        {c.next && <>Next: {lower(c.next.next)}.</>}
      </p>
      {c.linked_spend !== null && <p class="meta">{format.value(c.linked_spend, 'share')} of the spend on AI is linked to an outcome with controls or better.</p>}
    </section>
  )
}

/** A sentence that goes on after a colon. */
const lower = (text: string) => text.charAt(0).toLowerCase() + text.slice(1).replace(/\.$/, '')

/** Said in words and by a mark: never by colour alone. */
function Measured({ yes }: { yes: boolean }) {
  return (
    <span class={yes ? 'measured' : 'unmeasured'}>
      <svg width="14" height="14" aria-hidden="true">
        <circle cx="7" cy="7" r="5" class={yes ? 'point' : 'point open'} />
      </svg>
      {yes ? 'measured' : 'not yet'}
    </span>
  )
}

function Matrix({ c }: { c: Coverage }) {
  const columns: Column<TeamCoverage>[] = [
    { name: 'team', title: 'Team', cell: (t) => t.name, csv: (t) => t.team },
    ...kinds.map((kind): Column<TeamCoverage> => ({
      name: kind.key, title: kind.title, cell: (t) => <Measured yes={t.kinds[kind.key] ?? false} />, csv: (t) => (t.kinds[kind.key] ? 'measured' : 'not yet'),
    })),
    { name: 'owned', title: 'Workflows with an owner', numeric: true, cell: (t) => `${format.count(t.owned)} of ${format.count(t.workflows)}`, csv: (t) => t.owned },
    { name: 'workflows', title: 'Workflows', csvOnly: true, cell: () => null, csv: (t) => t.workflows },
    { name: 'maturity', title: 'Maturity', cell: (t) => t.maturity.name, csv: (t) => t.maturity.name },
  ]
  const loose = kinds.filter((kind) => c.unassigned[kind.key])
  return (
    <section aria-labelledby="matrix" data-chart>
      <h2 id="matrix">Teams and what they measure</h2>
      <Table caption="Teams and the four kinds of events" hideCaption columns={columns} rows={c.teams} />
      <p class="quiet-note">
        A kind is measured where the team has an event of it in the 90 days before the end of the period.
        {loose.length > 0 && ` Some events name no team (${loose.map((kind) => kind.title.toLowerCase()).join(', ')}): they count for none.`}{' '}
        <CsvLink name={`plumbline-coverage-${c.period.from}-${c.period.to}`} columns={columns} rows={c.teams} />{' '}
        <SaveChart name="coverage" title="Teams and what they measure" table={() => tableOf(columns, c.teams)} />
      </p>
    </section>
  )
}

function Rule({ c }: { c: Coverage }) {
  if (c.criteria.length === 0) return null
  const columns: Column<Criterion>[] = [
    { name: 'criterion', title: 'What it takes', cell: (r) => r.title, csv: (r) => r.title },
    { name: 'level', title: 'For level', numeric: true, cell: (r) => format.count(r.level), csv: (r) => r.level },
    { name: 'value', title: 'Now', numeric: true, cell: (r) => (r.value === null ? 'not known' : format.value(r.value, r.unit)), csv: (r) => exactText(r, 'value') },
    { name: 'needed', title: 'Needed', numeric: true, cell: (r) => format.value(r.needed, r.unit), csv: (r) => exactText(r, 'needed') },
    { name: 'met', title: 'Met', cell: (r) => (r.met ? 'yes' : 'no'), csv: (r) => (r.met ? 'yes' : 'no') },
    { name: 'next', title: 'What to do', cell: (r) => r.next, csv: (r) => r.next },
  ]
  return (
    <section aria-labelledby="rule">
      <h2 id="rule">The rule of the levels</h2>
      <Table caption="What each level of maturity asks for" hideCaption columns={columns} rows={c.criteria} />
    </section>
  )
}
