/** The audit log in words. */
import type { AuditAction, AuditEntry } from '../../api/types'
import * as format from '../../format'
import { headingOf, scopeWords } from '../../words'

export const actionWords: Record<AuditAction, string> = {
  'evidence.read': 'Read evidence', 'evidence.export': 'Exported evidence', 'workspace.export': 'Exported a table', 'installation.backup': 'Made a backup',
  'reject.read': 'Read a refused event', 'reject.dry_run': 'Tried a replay', 'reject.replay': 'Sent refused events again', 'reject.fix': 'Changed refused events and sent them again',
  'registry.write': 'Changed the registry', 'key.create': 'Made a key', 'key.rotate': 'Gave a key a new text', 'key.revoke': 'Revoked a key',
  'webhook.secret_read': 'Read the secret of a webhook', 'alert.test': 'Sent a test message', 'wave.write': 'Opened or closed a wave of the survey',
  'barrier.say': 'Reported or supported a barrier', 'barrier.take': 'Took a barrier', 'barrier.resolve': 'Cleared a barrier', 'barrier.withdraw': 'Took back a word on a barrier',
  'dispute.raise': 'Disputed a baseline', 'dispute.comment': 'Said something in a dispute', 'dispute.support': 'Supported a dispute, or no more', 'dispute.resolve': 'Accepted or rejected a dispute', 'dispute.withdraw': 'Withdrew a dispute',
  'annotation.write': 'Put a note on a day', 'annotation.withdraw': 'Took a note away',
  'outcome.log': 'Logged an outcome', 'outcome.correct': 'Changed an outcome', 'outcome.withdraw': 'Withdrew an outcome',
  'person.erase': 'Asked to erase a person', 'person.erased': 'Erased a person', 'session.sign_in': 'Signed in', 'session.sign_out': 'Signed out', 'session.revoke': 'Ended a session',
  'audit.read': 'Read the audit log', 'audit.export': 'Exported the audit log',
}

export const outcomeWords: Record<AuditEntry['outcome'], string> = {
  begun: 'begun; how it ended is not known', ok: 'done', refused: 'refused', failed: 'failed, nothing was done',
}

const roleWords: Record<NonNullable<AuditEntry['role']>, string> = { ic: 'individual contributor', leader: 'leader', analyst: 'analyst', admin: 'administrator' }

/** As what somebody acted; nothing for who has no role. */
export function asWords(e: Pick<AuditEntry, 'role'>): string {
  return e.role ? `as ${roleWords[e.role]}` : ''
}

/** What was touched: the measure, scope and period, or the kind and key. */
export function targetWords(e: AuditEntry, teams: Map<string, string>, zone: string): string {
  const parts: string[] = []
  if (e.measure) parts.push(headingOf(e.measure))
  else if (e.target_kind && e.target_kind !== 'evidence') parts.push([headingOf(e.target_kind), e.target].filter(Boolean).join(' '))
  if (e.scope) parts.push(e.scope === 'me' ? 'own numbers' : scopeWords(e.scope, teams))
  const period = periodWords(e.from, e.to, zone)
  if (period) parts.push(period)
  return parts.join(', ')
}

const isDay = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text)

function periodWords(from: string | null, to: string | null, zone: string): string {
  if (from && to && isDay(from) && isDay(to)) return format.period(from, to)
  return [from && `from ${format.instant(from, zone)}`, to && `to ${format.instant(to, zone)}`].filter(Boolean).join(' ')
}
