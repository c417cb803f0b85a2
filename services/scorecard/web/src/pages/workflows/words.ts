/** The words of the page Workflows. */
import type { Workflow, WorkflowBaseline } from '../../api/types'
import * as format from '../../format'

type Flag = Workflow['flags'][number]

/** What is missing or old, and what to do about it. */
export const flagWords: Record<Flag, { short: string; todo: string }> = {
  not_registered: { short: 'not in the registry', todo: 'Only events name it: declare it in the registry, with its team, unit and owner.' },
  no_owner: { short: 'no owner', todo: 'Nobody answers for it: name an owner in the registry.' },
  owner_unconfirmed: { short: 'owner not confirmed', todo: 'Its owner has not said so lately: confirm it with today\'s day in the registry.' },
  no_baseline: { short: 'no baseline', todo: 'What it saves is not known: record eight pieces of work without AI, or declare how long a unit takes.' },
  old_baseline: { short: 'old baseline', todo: 'What prices it was declared long ago: measure it again, or declare it anew with what it stands on.' },
  no_review_policy: { short: 'no review policy', todo: 'Nobody has said how fast a review should be: give target hours or a link to the policy.' },
}

const sources: Record<WorkflowBaseline['source'], string> = { trial: 'randomised time trial', measured: 'measured without AI', declared: 'declared' }

export const sourceWords = (b: WorkflowBaseline): string => sources[b.source]

/** "78 min per unit (60 to 90)", or that it is not told. */
export function baselineWords(b: WorkflowBaseline, unit: string | null): string {
  if (b.value === null) return 'not shown: fewer than five people stand behind it'
  const number = (text: string) => (b.unit === 'share' ? format.value(Number(text), 'share') : format.plainNumber(Number(text)))
  const range = b.low !== null && b.high !== null && b.low !== b.high ? ` (${number(b.low)} to ${number(b.high)})` : ''
  // The saving of a trial is a share of the time with AI.
  if (b.unit === 'share') {
    const less = Number(b.value) < 0
    return `without AI ${format.value(Math.abs(Number(b.value)), 'share')} ${less ? 'less' : 'more'} time than with it${range}`
  }
  return `${number(b.value)} min per ${unit ?? 'unit'}${range}`
}

/** Who owns it, in a few words. */
export function ownedWords(o: Workflow['owner']): string {
  if (o.state === 'none') return 'nobody'
  if (o.by?.you) return 'you'
  // A pseudonym says nothing to a reader: then the office does.
  if (o.by) return `${o.by.role === 'leader' ? 'a leader' : 'somebody'}${o.by.team_name ? ` of ${o.by.team_name}` : ''}`
  return o.name && /^p[0-9a-f]{24}$/.test(o.name) ? 'somebody' : (o.name ?? 'somebody')
}

export const confirmedWords = (o: Workflow['owner'], days: number): string =>
  o.state === 'none' ? ''
  : o.state === 'confirmed' && o.confirmed_at ? `confirmed on ${format.day(o.confirmed_at)}`
  : o.confirmed_at ? `last confirmed on ${format.day(o.confirmed_at)}, more than ${days} days before the end of the period`
  : 'never confirmed'

/** "entry valid from May 3, 2026": the version of the registry, to the day. */
export function entryWords(version: string): string {
  const day = /valid from (\d{4}-\d\d-\d\d)/.exec(version)?.[1]
  return day ? `entry valid from ${format.day(day)}` : version
}
