/** How far a workspace is, and what is written for it. */
import { api, asProblem, Problem } from '../../api/api'
import type { RegistryKind, Session } from '../../api/types'
import * as format from '../../format'

export interface Settled {
  calendar: { zone: string; currency: string } | null
  keys: number
  events: number
  baselines: number
  rates: number
  /** The first measure that is a number, of all that was measured. */
  first: { title: string; value: number; unit: string } | null
}

/** Rejects, and with them the counts of sources, are kept for so many days. */
const lookBack = 30

/** Measures in the order in which a new workspace comes to have them. */
const firsts = ['vendor_spend', 'ai_cost', 'pipeline_value', 'conversion_value', 'hours_saved_net', 'win_rate']

export const settledOf = (session: Session) => async (signal: AbortSignal): Promise<Settled> => {
  const to = format.addDays(session.today, 1)
  const [calendar, keys, summary, workflows, rates, catalogue, card] = await Promise.all([
    api.entryIfAny('calendar', 'default', signal), api.keys(undefined, signal), api.rejectSummary(format.addDays(to, -lookBack), to, signal), api.entries('workflows', signal), api.entries('rates', signal),
    api.metrics(signal), api.scorecard({ from: session.first_day ?? format.monthStart(session.today, 0), to }, signal),
  ])
  const own = calendar as unknown as { zone?: string; currency?: string } | null
  const key = firsts.find((k) => card.measures[k]?.status === 'ok' && card.measures[k]?.value != null)
  const found = key === undefined ? null : card.measures[key]!
  return {
    calendar: own && { zone: own.zone ?? session.zone, currency: own.currency ?? session.currency },
    keys: keys.keys.filter((k) => k.state === 'active').length,
    events: summary.accepted,
    baselines: workflows.entries.filter((e) => (e as { baseline?: unknown }).baseline !== undefined).length,
    rates: rates.entries.length,
    first: found && { title: catalogue.metrics.find((m) => m.key === key)?.title ?? key!, value: Number(found.value), unit: found.unit },
  }
}

export interface Written {
  /** What went wrong, as a sentence; null where all is written. */
  wrong: string | null
}

/** Writes entries that are not there yet. One that is there is somebody's decision: it is changed where it can be looked at. */
export async function written(entries: { kind: RegistryKind; key: string; value: Record<string, unknown> & { valid_from: string } }[]): Promise<Written> {
  for (const e of entries) {
    try {
      if ((await api.entryIfAny(e.kind, e.key)) === null) await api.writeEntry(e.kind, e.key, JSON.stringify(e.value), null)
    } catch (cause) {
      const fields = cause instanceof Problem ? cause.fields.map((f) => `${f.pointer.replace(/^\//, '')}: ${f.message}`) : []
      const detail = asProblem(cause).detail
      return { wrong: `${e.kind}/${e.key} was refused: ${fields.length > 0 ? `${fields.join('; ')}.` : detail}` }
    }
  }
  return { wrong: null }
}
