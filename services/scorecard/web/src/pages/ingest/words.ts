/** The words of this page for stages, states and types. */
import type { Reject, ReplayReport, ReplayState } from '../../api/types'
import * as format from '../../format'
import { headingOf } from '../../words'

export const stageWords: Record<Reject['stage'], string> = {
  collector: 'the collector, over HTTP', gate: 'the gate of the inbox', loader: 'the loader, when it was to be stored',
}

export const statusWords: Record<Reject['status'], string> = {
  open: 'Not counted', replayed: 'Counted after a replay', resent: 'Counted: its source has sent it again',
}

export const stateWords: Record<ReplayState, [would: string, did: string]> = {
  accepted: ['would be taken', 'taken'], unchanged: ['would change nothing', 'changed nothing'], rejected: ['would still be refused', 'still refused'],
  not_replayable: ['can not be replayed', 'can not be replayed'], retry: ['not now', 'not confirmed: try again'],
}

/** "3 would be taken, 1 would still be refused". */
export function totalsWords(r: Pick<ReplayReport, 'dry_run' | 'totals'>): string {
  const parts = (Object.keys(stateWords) as ReplayState[])
    .filter((state) => r.totals[state] > 0)
    .map((state) => `${format.count(r.totals[state])} ${stateWords[state][r.dry_run ? 0 : 1]}`)
  return parts.join(', ') || 'nothing was chosen'
}

/** plumbline.vendor_spend.v1 as "Vendor spend"; a type that is none of ours as it is. */
export function typeWords(type: string): string {
  const kind = /^plumbline\.([a-z_]+)\.v1$/.exec(type)?.[1]
  return kind ? headingOf(kind) : type || 'Type not known'
}

/** The kinds of events, as the contract names them; a test holds them equal. */
export const kinds = ['hours_saved', 'vendor_spend', 'conversion', 'pipeline', 'review', 'pulse', 'training', 'barrier', 'correct', 'void'] as const

export const sourceWords = (source: string): string => source || 'could not be read'
