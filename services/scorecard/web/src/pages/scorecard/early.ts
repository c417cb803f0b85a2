/**
 * The scorecard of an address, asked for as early as can be. An address without a period gets its period from the session; the server
 * has the same default for a workspace with data of today, so its answer is asked for at once and taken where its period is the one
 * that the session gives. The server's page names the very same question (web.go, askedFirst), so that the browser has begun to fetch
 * the answer before this script runs.
 */
import { api, type ScorecardQuery } from '../../api/api'
import type { Scorecard } from '../../api/types'
import { viewOf, type Compare, type Place } from '../../state/url'

interface Asked {
  from: string | null
  to: string | null
  scope: string
  compare: Compare
}

/** In the order in which the server's page names them. */
const queryOf = ({ from, to, scope, compare }: Asked): ScorecardQuery => ({ from: from ?? undefined, to: to ?? undefined, scope, compare: compare === 'none' ? undefined : compare })

let early: { of: Asked; answer: Promise<Scorecard> } | null = null

/** Asks for the scorecard of the address the app is opened at, where that is one. */
export function askEarly({ path, query }: Place): void {
  const of = viewOf(query)
  if (path !== '/' || query.has('from') || query.has('to')) return
  const answer = api.scorecard(queryOf(of))
  answer.catch(() => {}) // whoever takes it asks again and says what is wrong
  early = { of, answer }
}

export async function scorecardOf(asked: Asked, signal: AbortSignal): Promise<Scorecard> {
  const begun = early
  early = null
  if (begun && begun.of.scope === asked.scope && begun.of.compare === asked.compare) {
    const answer = await begun.answer.catch(() => null)
    if (answer && answer.period.from === asked.from && answer.period.to === asked.to) return answer
    if (signal.aborted) throw new DOMException('no longer wanted', 'AbortError')
  }
  return api.scorecard(queryOf(asked), signal)
}
