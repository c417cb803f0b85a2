/** Finds the claim that a number of the page stands for, and the question that lists its evidence. */
import { api, type EvidenceQuery } from '../api/api'
import type { Claim, Measure, MeasureKey } from '../api/types'
import { claimId, type Opened } from '../state/url'

/** What the page shows, where the drawer's own address leaves something open. */
export interface Around {
  from: string | null
  to: string | null
  scope: string
}

export interface Resolved {
  /** Null where the number has no claim of its own; its evidence still has formula and total. */
  claim: Claim | null
  evidence: EvidenceQuery | null
}

export async function resolve(opened: Opened, around: Around, signal: AbortSignal): Promise<Resolved> {
  if ('claim' in opened) return fromClaim(await api.claim(opened.claim, signal))
  const query: EvidenceQuery = {
    measure: opened.measure as MeasureKey,
    from: opened.from ?? around.from ?? undefined,
    to: opened.to ?? around.to ?? undefined,
    scope: opened.scope ?? around.scope,
    basis: opened.basis,
  }
  const measure = await find(query, signal)
  if (measure?.claim) return fromClaim(await api.claim(claimId(measure.claim), signal))
  return { claim: null, evidence: query }
}

/** The measure in that scope, period and basis. */
async function find({ measure, from, to, scope, basis }: EvidenceQuery, signal: AbortSignal): Promise<Measure | undefined> {
  if (basis !== 'created') return (await api.scorecard({ from, to, scope }, signal)).measures[measure]
  const pipeline = await api.pipeline({ from, to, scope, basis }, signal)
  const measures: Partial<Record<MeasureKey, Measure>> = { win_rate: pipeline.win_rate, cycle_days: pipeline.cycle_days, pipeline_velocity: pipeline.velocity }
  return measures[measure]
}

function fromClaim(claim: Claim): Resolved {
  return { claim, evidence: evidenceQuery(claim.evidence) }
}

/** The parameters of an evidence link; null where the claim has none. */
export function evidenceQuery(link: string): EvidenceQuery | null {
  if (!link) return null
  const query = new URL(link, 'http://localhost').searchParams
  const measure = query.get('measure')
  if (!measure) return null
  const basis = query.get('basis')
  return {
    measure: measure as MeasureKey,
    from: query.get('from') ?? undefined,
    to: query.get('to') ?? undefined,
    scope: query.get('scope') ?? undefined,
    currency: query.get('currency') ?? undefined,
    basis: basis === 'created' || basis === 'decided' ? basis : undefined,
  }
}
