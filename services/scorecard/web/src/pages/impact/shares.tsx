/** One's own numbers beside those of team and organisation, as far as these are shown: in whole months, above the privacy floor. */
import { api } from '../../api/api'
import type { Measure, OutcomeList, Scorecard } from '../../api/types'
import { Claimed, openedBy } from '../../components/number'
import { Show } from '../../components/notice'
import { Table, type Column } from '../../components/table'
import * as format from '../../format'
import { useData } from '../../state/data'
import { reasonWords } from '../../words'

const shown = [
  { key: 'hours_saved_net', title: 'Net hours saved' },
  { key: 'capacity_value', title: 'Value of the freed time' },
] as const

type Key = (typeof shown)[number]['key']

export interface Wider {
  name: string
  of: Scorecard
  /** One's own of the days that the wider number is of. */
  mine: Scorecard
}

export interface Impact {
  mine: Scorecard
  wider: Wider[]
}

/** One's own, the team's and the organisation's, and one's own once more of the months that those are of. */
export async function impactOf(list: OutcomeList, signal: AbortSignal): Promise<Impact> {
  const { from, to } = list.period
  const scopes = [...(list.team ? [{ scope: `team:${list.team}`, name: list.team_name ?? list.team }] : []), { scope: 'org', name: 'Organisation' }]
  const [mine, ...others] = await Promise.all([api.scorecard({ from, to, scope: 'me' }, signal), ...scopes.map(({ scope }) => api.scorecard({ from, to, scope }, signal))])
  const known = new Map<string, Promise<Scorecard>>([[`${from} ${to}`, Promise.resolve(mine!)]])
  const wider = await Promise.all(
    others.map(async (of, i): Promise<Wider> => {
      const covers = of.measures['hours_saved_net']?.covers ?? { from, to }
      const key = `${covers.from} ${covers.to}`
      if (!known.has(key)) known.set(key, api.scorecard({ from: covers.from, to: covers.to, scope: 'me' }, signal))
      return { name: scopes[i]!.name, of, mine: await known.get(key)! }
    }),
  )
  return { mine: mine!, wider }
}

export function Shares({ list, currency, round }: { list: OutcomeList; currency: string; round: number }) {
  const { from, to } = list.period
  const loaded = useData(`shares ${from} ${to} ${list.team} ${round}`, (signal) => impactOf(list, signal))
  return <Show loaded={loaded} what="your share">{(impact) => <SharesTable impact={impact} currency={currency} />}</Show>
}

interface Row {
  key: Key
  title: string
}

export function SharesTable({ impact, currency }: { impact: Impact; currency: string }) {
  const of = (s: Scorecard, key: Key): Measure | undefined => s.measures[key]
  const columns: Column<Row>[] = [
    { name: 'number', title: 'Number', cell: (r) => r.title, csv: (r) => r.key },
    { name: 'mine', title: 'Mine', numeric: true, cell: (r) => <Amount measure={of(impact.mine, r.key)} />, csv: (r) => of(impact.mine, r.key)?.value ?? null },
    ...impact.wider.map((w): Column<Row> => ({
      name: w.name, title: w.name, numeric: true, cell: (r) => <Beside wider={of(w.of, r.key)} mine={of(w.mine, r.key)} />, csv: (r) => of(w.of, r.key)?.value ?? null,
    })),
  ]
  return (
    <section class="first" aria-labelledby="share">
      <h2 id="share">My share</h2>
      <Table caption={`My share of each number, in hours and ${currency || 'money'}`} hideCaption columns={columns} rows={[...shown]} />
      <p class="quiet-note">Mine is live. What others do is shown where five or more of them stand behind a number, and in whole months where it says so; my share is of the same days.</p>
    </section>
  )
}

function Amount({ measure }: { measure: Measure | undefined }) {
  if (!measure || measure.status !== 'ok' || measure.value === null) return <span class="missing small">{measure?.status === 'withheld' ? reasonWords(measure.reason) : 'nothing yet'}</span>
  return <Claimed open={openedBy(measure)}>{format.value(measure.value, measure.unit)}</Claimed>
}

function Beside({ wider, mine }: { wider: Measure | undefined; mine: Measure | undefined }) {
  if (!wider || wider.status !== 'ok' || wider.value === null) return <Amount measure={wider} />
  return (
    <>
      <Amount measure={wider} />
      <span class="sub">
        {shareWords(mine?.status === 'ok' ? mine.value : null, wider.value)}
        {wider.covers && `, ${format.period(wider.covers.from, wider.covers.to)}`}
      </span>
    </>
  )
}

/** "mine is 12.5%": a share is of a gain; where there is none, or mine is a loss, it is said in words. */
export function shareWords(mine: number | null, whole: number): string {
  if (mine === null) return 'none of it is mine'
  if (whole <= 0) return 'no gain to have a share of'
  if (mine < 0) return 'mine is a loss in it'
  return `mine is ${format.value(mine / whole, 'share')}`
}
