/** Do leaders and those who do the work agree? */
import { api } from '../../api/api'
import type { MaturitySatisfaction, Measure, Perception, Wave } from '../../api/types'
import { Dumbbell, DumbbellAxis, type Side } from '../../charts/dumbbell'
import { SaveChart, tableOf } from '../../components/chart'
import { Notice } from '../../components/notice'
import { Claimed, StatusWords, openedBy } from '../../components/number'
import { QuestionPage, type PageProps } from '../../components/page'
import { CsvLink, Table, type Column } from '../../components/table'
import { Tile } from '../../components/tile'
import { exactText } from '../../exact'
import * as format from '../../format'
import { Survey } from './survey'
import { WaveDesk } from './waves'

export function PerceptionPage(props: PageProps) {
  return (
    <>
      <QuestionPage {...props} question="Do leaders and ICs agree?" name="the perception" load={api.perception}>
        {(p: Perception) => <PerceptionAnswer p={p} />}
      </QuestionPage>
      {props.session?.person && <Survey zone={props.session.zone} />}
      {props.session?.role === 'admin' && <WaveDesk zone={props.session.zone} today={props.session.today} />}
    </>
  )
}

export function PerceptionAnswer({ p }: { p: Perception }) {
  if (p.scope === 'me') {
    return (
      <Notice title="Answers belong to nobody">
        <p>The survey is anonymous: no answer can be tied to a person, so there are none of your own to show.</p>
      </Notice>
    )
  }
  return (
    <>
      <Gap p={p} />
      <section aria-labelledby="beside">
        <h2 id="beside">Beside it</h2>
        <div class="tiles">
          <Tile title="Perceived less measured" note="how far the savings that people perceive are from those that were measured" noun={['event', 'events']} measure={p.calibration} />
          <Tile title="Satisfaction" note="1 to 5, in the latest wave" noun={['answer', 'answers']} measure={p.satisfaction} />
        </div>
      </section>
      <Waves p={p} />
      <ByMaturity p={p} />
    </>
  )
}

const side = (m: Measure, key: string): Side | null => {
  const part = (m.parts ?? []).find((one) => one.key === key)
  return part && part.value !== null ? { value: part.value, low: part.low, high: part.high } : null
}

const share = (v: number) => format.value(v, 'share', { digits: 0 })

const spoken = (first: Side | null, second: Side | null) => `leaders ${first ? share(first.value) : 'not known'}, individual contributors ${second ? share(second.value) : 'not known'}`

function Gap({ p }: { p: Perception }) {
  const leaders = side(p.gap, 'leaders')
  const ics = side(p.gap, 'ics')
  const survey = { leaders: { value: p.survey.leaders, low: null, high: null }, ics: { value: p.survey.ics, low: null, high: null } }
  return (
    <section class="answer single" aria-labelledby="gap">
      <h2 id="gap">“AI's return can be proved”</h2>
      <p class="verdict">
        {p.gap.status === 'ok' && p.gap.value !== null && leaders && ics ? (
          <>
            {share(leaders.value)} of leaders say so and {share(ics.value)} of individual contributors:{' '}
            <Claimed open={openedBy(p.gap)}>{format.plainNumber(Math.abs(p.gap.value), 0)} points</Claimed> apart
            {p.gap.low !== null && p.gap.high !== null && ` (${format.plainNumber(p.gap.low, 0)} to ${format.plainNumber(p.gap.high, 0)})`}.
          </>
        ) : (
          <>
            How far apart they are is not shown: <StatusWords status={p.gap.status} reason={p.gap.reason} />
          </>
        )}
      </p>
      <figure class="chart dumbbells" data-chart>
        <div class="dumbbell-row">
          <span>Here</span>
          <Dumbbell first={leaders} second={ics} label={`Here: ${spoken(leaders, ics)}`} />
        </div>
        <div class="dumbbell-row">
          <span>Elsewhere</span>
          <Dumbbell first={survey.leaders} second={survey.ics} label={`Elsewhere: ${spoken(survey.leaders, survey.ics)}`} />
        </div>
        <div class="dumbbell-row">
          <span />
          <DumbbellAxis note="share who answer yes" />
        </div>
        <figcaption>
          <ul class="legend" aria-label="How to read the marks">
            <li>
              <svg width="14" height="14" aria-hidden="true"><circle class="point" cx="7" cy="7" r="5" /></svg> leaders
            </li>
            <li>
              <svg width="14" height="14" aria-hidden="true"><circle class="point open" cx="7" cy="7" r="5" /></svg> individual contributors
            </li>
          </ul>
          Elsewhere: {p.survey.source}. <SaveChart name="perception-gap" title="“AI's return can be proved”" table={() => tableOf(sideColumns, sideRows(p))} />
        </figcaption>
      </figure>
    </section>
  )
}

interface SideRow {
  where: string
  who: string
  side: Side | null
  /** The exact digits of one of its ends. */
  digits: (key: 'value' | 'low' | 'high') => string | null
}

/** The four points of the chart. */
function sideRows(p: Perception): SideRow[] {
  const here = (key: string) => {
    const part = (p.gap.parts ?? []).find((one) => one.key === key)
    return { side: side(p.gap, key), digits: (end: 'value' | 'low' | 'high') => (part ? exactText(part, end) : null) }
  }
  const elsewhere = (key: 'leaders' | 'ics') => ({
    side: { value: p.survey[key], low: null, high: null },
    digits: (end: 'value' | 'low' | 'high') => (end === 'value' ? exactText(p.survey, key) : null),
  })
  return [
    { where: 'Here', who: 'leaders', ...here('leaders') },
    { where: 'Here', who: 'individual contributors', ...here('ics') },
    { where: 'Elsewhere', who: 'leaders', ...elsewhere('leaders') },
    { where: 'Elsewhere', who: 'individual contributors', ...elsewhere('ics') },
  ]
}

const end = (v: number | null | undefined) => (v == null ? 'none' : share(v))

const sideColumns: Column<SideRow>[] = [
  { name: 'where', title: 'Where', cell: (r) => r.where, csv: (r) => r.where },
  { name: 'who', title: 'Who', cell: (r) => r.who, csv: (r) => r.who },
  { name: 'share', title: 'Say yes', numeric: true, cell: (r) => (r.side ? share(r.side.value) : 'not known'), csv: (r) => r.digits('value') },
  { name: 'low', title: 'Low', numeric: true, cell: (r) => end(r.side?.low), csv: (r) => r.digits('low') },
  { name: 'high', title: 'High', numeric: true, cell: (r) => end(r.side?.high), csv: (r) => r.digits('high') },
]

function Waves({ p }: { p: Perception }) {
  const columns: Column<Wave>[] = [
    { name: 'wave', title: 'Wave', cell: (w) => w.wave, csv: (w) => w.wave },
    { name: 'first_day', title: 'From', cell: (w) => (w.first_day ? format.day(w.first_day) : 'not shown'), csv: (w) => w.first_day },
    { name: 'last_day', title: 'To', cell: (w) => (w.last_day ? format.day(w.last_day) : 'not shown'), csv: (w) => w.last_day },
    { name: 'leaders', title: 'Leaders who say yes', numeric: true, cell: (w) => <Share of={side(w.gap, 'leaders')} gap={w.gap} />, csv: (w) => side(w.gap, 'leaders')?.value ?? null },
    { name: 'ics', title: 'ICs who say yes', numeric: true, cell: (w) => <Share of={side(w.gap, 'ics')} gap={w.gap} />, csv: (w) => side(w.gap, 'ics')?.value ?? null },
    {
      name: 'gap (pp)', title: 'Apart', numeric: true,
      cell: (w) => (w.gap.value === null ? <StatusWords status={w.gap.status} reason={w.gap.reason} /> : format.value(w.gap.value, 'pp', { digits: 0 })),
      csv: (w) => exactText(w.gap, 'value'),
    },
    {
      name: 'satisfaction', title: 'Satisfaction', numeric: true,
      cell: (w) => (w.satisfaction.value === null ? <StatusWords status={w.satisfaction.status} reason={w.satisfaction.reason} /> : format.plainNumber(w.satisfaction.value, 1)),
      csv: (w) => exactText(w.satisfaction, 'value'),
    },
  ]
  return (
    <section aria-labelledby="waves">
      <h2 id="waves">Waves</h2>
      {p.waves.length === 0 ? (
        <p class="quiet-note">Nobody was asked in this period. A survey is a tool that sends pulse events: one question, anonymous.</p>
      ) : (
        <>
          <Table caption="Waves of the survey" hideCaption columns={columns} rows={p.waves} />
          <p class="quiet-note">
            <CsvLink name={`plumbline-perception-${p.period.from}-${p.period.to}`} columns={columns} rows={p.waves} />
          </p>
        </>
      )}
    </section>
  )
}

function Share({ of, gap }: { of: Side | null; gap: Measure }) {
  if (!of) return <StatusWords status={gap.status === 'ok' ? 'no_data' : gap.status} reason={gap.reason} />
  return (
    <>
      {share(of.value)}
      {of.low !== null && of.high !== null && <span class="sub">{`${share(of.low)} to ${share(of.high)}`}</span>}
    </>
  )
}

function ByMaturity({ p }: { p: Perception }) {
  if (p.satisfaction_by_maturity.length === 0) return null
  const columns: Column<MaturitySatisfaction>[] = [
    { name: 'maturity', title: 'Maturity of the team', cell: (r) => r.name, csv: (r) => r.name },
    { name: 'teams', title: 'Teams', numeric: true, cell: (r) => format.count(r.teams), csv: (r) => r.teams },
    {
      name: 'satisfaction', title: 'Satisfaction', numeric: true,
      cell: (r) => (r.satisfaction.value === null ? <StatusWords status={r.satisfaction.status} reason={r.satisfaction.reason} /> : format.plainNumber(r.satisfaction.value, 1)),
      csv: (r) => exactText(r.satisfaction, 'value'),
    },
    { name: 'answers', title: 'Answers', numeric: true, cell: (r) => (r.satisfaction.n === null ? 'not shown' : format.count(r.satisfaction.n)), csv: (r) => r.satisfaction.n },
    {
      name: 'survey_satisfied', title: 'Satisfied elsewhere', numeric: true,
      cell: (r) => (r.survey_satisfied === null ? 'not known' : share(r.survey_satisfied)), csv: (r) => exactText(r, 'survey_satisfied'),
    },
  ]
  return (
    <section aria-labelledby="maturity">
      <h2 id="maturity">Satisfaction by maturity</h2>
      <Table caption="Satisfaction by the maturity of the team" hideCaption columns={columns} rows={p.satisfaction_by_maturity} />
    </section>
  )
}
