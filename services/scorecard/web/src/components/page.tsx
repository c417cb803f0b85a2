/** A page that asks one question of a scope and period: its head, and its answer once it is loaded. */
import type { ComponentChildren } from 'preact'
import type { Session } from '../api/types'
import * as format from '../format'
import { useData } from '../state/data'
import { usePlace, viewOf } from '../state/url'
import { scopeWords } from '../words'
import { About, aboutOf } from './about'
import { AsOf } from './asof'
import { Controls } from './controls'
import { Show } from './notice'

export interface PageProps {
  session: Session | null
  teams: Map<string, string>
  from: string | null
  to: string | null
}

interface Head {
  as_of: string
  complete_through: string | null
  period: { zone: string }
}

export function QuestionPage<T extends Head>({ question, name, also = '', load, children, session, teams, from, to }: PageProps & {
  question: string
  /** What is loaded, in words. */
  name: string
  /** What else the answer depends on. */
  also?: string
  load: (query: { from?: string; to?: string; scope: string }, signal: AbortSignal) => Promise<T>
  children: (answer: T) => ComponentChildren
}) {
  const { scope } = viewOf(usePlace().query)
  const key = from && to ? `${name} ${from} ${to} ${scope} ${also}` : null
  const loaded = useData(key, (signal) => load({ from: from ?? undefined, to: to ?? undefined, scope }, signal))
  return (
    <>
      <header class="page-head">
        <h1>{question}</h1>
        <Controls session={session} teams={teams} from={from} to={to} />
        <p class="print-only">
          {scopeWords(scope, teams)}
          {from && to && `, ${format.period(from, to)}`}
        </p>
      </header>
      <Show loaded={key === null ? { ...loaded, loading: true } : loaded} what={name}>
        {(answer) => (
          <About.Provider value={aboutOf({ what: scopeWords(scope, teams), from, to, asOf: answer.as_of, zone: answer.period.zone })}>
            <AsOf asOf={answer.as_of} completeThrough={answer.complete_through} zone={answer.period.zone} />
            {children(answer)}
          </About.Provider>
        )}
      </Show>
    </>
  )
}
