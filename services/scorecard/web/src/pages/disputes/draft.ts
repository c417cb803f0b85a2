/** What somebody is about to say in a dispute, and the words for what was said. What is typed is kept in the tab until the server has it. */
import type { Dispute, DisputeRequest, DisputeResolution } from '../../api/types'
import * as format from '../../format'
import { byField, forgetDraft, keepDraft, keptDraft, newId, numberOf } from '../../state/drafts'

/** An id that tells no time: who has raised what when is nobody's to know. */
export const anyId = (): string => newId(Math.floor(Math.random() * 2 ** 48))

export type How = 'minutes' | 'too_high' | 'too_low'

interface Minutes {
  low: string
  mode: string
  high: string
  from: string
}

export interface RaiseDraft extends Minutes {
  /** Made once for each draft: however often it is sent, it is raised once. */
  id: string
  /** One of the ways of How: a text, as every field of a form. */
  how: string
  text: string
  url: string
}

export type RaiseField = 'how' | 'low' | 'mode' | 'high' | 'from' | 'text' | 'url'

export interface ResolveDraft extends Minutes {
  id: string
  /** "accept" or "reject". */
  decision: string
  text: string
}

export type ResolveField = 'decision' | 'low' | 'mode' | 'high' | 'from' | 'text'

export const emptyRaise = (from: string): RaiseDraft => ({ id: anyId(), how: 'minutes', low: '', mode: '', high: '', from, text: '', url: '' })

/** Begins with what is proposed. */
export function emptyResolve(d: Dispute): ResolveDraft {
  const text = (v: number | undefined) => (v === undefined ? '' : String(v))
  return { id: anyId(), decision: 'accept', low: text(d.proposed?.low), mode: text(d.proposed?.mode), high: text(d.proposed?.high), from: d.from, text: '' }
}

const placeOf = (what: string, of: string) => `plumbline.dispute.${what} ${of}`

export const keepRaise = (workflow: string, draft: RaiseDraft): void => keepDraft(placeOf('raise', workflow), draft)
export const keptRaise = (workflow: string): RaiseDraft | null => keptDraft<RaiseDraft>(placeOf('raise', workflow), ['id', 'how', 'low', 'mode', 'high', 'from', 'text', 'url'])
export const forgetRaise = (workflow: string): void => forgetDraft(placeOf('raise', workflow))

export const keepResolve = (id: string, draft: ResolveDraft): void => keepDraft(placeOf('resolve', id), draft)
export const keptResolve = (id: string): ResolveDraft | null => keptDraft<ResolveDraft>(placeOf('resolve', id), ['id', 'decision', 'low', 'mode', 'high', 'from', 'text'])
export const forgetResolve = (id: string): void => forgetDraft(placeOf('resolve', id))

export interface CommentDraft {
  id: string
  text: string
}

export const emptyComment = (): CommentDraft => ({ id: anyId(), text: '' })
export const keepComment = (id: string, draft: CommentDraft): void => keepDraft(placeOf('comment', id), draft)
export const keptComment = (id: string): CommentDraft | null => keptDraft<CommentDraft>(placeOf('comment', id), ['id', 'text'])
export const forgetComment = (id: string): void => forgetDraft(placeOf('comment', id))

const longest = 2000

/** What is wrong with minutes before the server is asked. */
function minutesWrong(d: Minutes): Partial<Record<'low' | 'mode' | 'high' | 'from', string>> {
  const wrong: Partial<Record<'low' | 'mode' | 'high' | 'from', string>> = {}
  const [low, mode, high] = [numberOf(d.low), numberOf(d.mode), numberOf(d.high)]
  for (const [name, value] of [['low', low], ['mode', mode], ['high', high]] as const) if (value === null) wrong[name] = 'Write minutes as a number, such as 45.'
  if (low !== null && low < 0) wrong.low = 'Minutes can not be negative.'
  if (mode !== null && mode <= 0) wrong.mode = 'It takes more than 0 minutes.'
  if (low !== null && mode !== null && low > mode) wrong.low = 'At least is not more than usually.'
  if (high !== null && mode !== null && high < mode) wrong.high = 'At most is not less than usually.'
  if (!d.from) wrong.from = 'Choose the day from which it holds.'
  return wrong
}

const wordsWrong = (text: string, needed: boolean): { text?: string } =>
  needed && text.trim() === '' ? { text: 'Say why in a few words.' } : [...text.trim()].length > longest ? { text: `Write at most ${longest} characters.` } : {}

export function raiseWrong(d: RaiseDraft): Partial<Record<RaiseField, string>> {
  const minutes = minutesWrong(d)
  return {
    ...(d.how === 'minutes' ? minutes : minutes.from ? { from: minutes.from } : {}), ...wordsWrong(d.text, true),
    ...(d.url.trim() !== '' && !/^https?:\/\/\S+$/.test(d.url.trim()) ? { url: 'Write an address that begins with https://, or leave it empty.' } : {}),
  }
}

export const resolveWrong = (d: ResolveDraft): Partial<Record<ResolveField, string>> =>
  d.decision === 'accept' ? { ...minutesWrong(d), ...wordsWrong(d.text, false) } : wordsWrong(d.text, true)

export const minutesOf = (d: Minutes) => ({ low: numberOf(d.low) ?? 0, mode: numberOf(d.mode) ?? 0, high: numberOf(d.high) ?? 0 })

/** The version is that of the baseline that was shown. */
export function raiseOf(workflow: string, d: RaiseDraft, version: string | null): DisputeRequest {
  return {
    id: d.id, workflow, from: d.from, text: d.text.trim(), url: d.url.trim() || null, version,
    ...(d.how === 'minutes' ? { proposed: minutesOf(d) } : { direction: d.how as Exclude<How, 'minutes'> }),
  }
}

export const resolveOf = (d: ResolveDraft): DisputeResolution => ({
  id: d.id, decision: d.decision as DisputeResolution['decision'], text: d.text.trim() || null, ...(d.decision === 'accept' ? { baseline: minutesOf(d), from: d.from } : {}),
})

const raisePointers: Record<string, RaiseField> = {
  '/proposed': 'mode', '/proposed/low': 'low', '/proposed/mode': 'mode', '/proposed/high': 'high', '/direction': 'how', '/from': 'from', '/text': 'text', '/url': 'url',
}
export const raisedAt = (problems: { pointer: string; message: string }[]) => byField(problems, raisePointers)

const resolvePointers: Record<string, ResolveField> = {
  '/baseline': 'mode', '/baseline/low': 'low', '/baseline/mode': 'mode', '/baseline/high': 'high', '/decision': 'decision', '/from': 'from', '/text': 'text',
}
export const resolvedAt = (problems: { pointer: string; message: string }[]) => byField(problems, resolvePointers)

export const stateWords: Record<Dispute['state'], string> = { open: 'open', accepted: 'accepted', rejected: 'rejected', withdrawn: 'withdrawn' }

export const directionWords: Record<NonNullable<Dispute['direction']>, string> = { too_high: 'it is too high', too_low: 'it is too low' }

export const rangeWords = (r: NonNullable<Dispute['proposed']>, unit: string | null): string =>
  `${format.plainNumber(r.mode)} min per ${unit ?? 'unit'}${r.low === r.high ? '' : ` (${format.plainNumber(r.low)} to ${format.plainNumber(r.high)})`}`

/** What is proposed, in a few words. */
export const proposedWords = (d: Dispute): string => (d.proposed ? rangeWords(d.proposed, d.unit) : d.direction ? directionWords[d.direction] : '')

export const sayerWords: Record<Dispute['comments'][number]['by'], string> = { you: 'You', raiser: 'Who raised it', somebody: 'Somebody' }

/** How it ended, and by which office: never by whom. */
export function outcomeWords(d: Dispute): string {
  const o = d.outcome
  if (!o) return ''
  const who = o.you ? 'you' : o.by === 'owner' ? 'the owner of the workflow' : o.by === 'administrator' ? 'an administrator' : 'whoever raised it'
  const what = d.state === 'accepted' && o.baseline && o.from ? `Accepted: ${rangeWords(o.baseline, d.unit)} from ${format.day(o.from)} on` : d.state === 'rejected' ? 'Rejected' : 'Withdrawn'
  return `${what}, by ${who} on ${format.day(o.day)}.`
}
