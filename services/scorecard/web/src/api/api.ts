/**
 * The one way to the server. Every answer is parsed with exact decimals and every failure, whatever its kind, is thrown as a
 * `Problem` with a sentence for the reader.
 */
import createClient from 'openapi-fetch'
import { parseExact } from '../exact'
import type { paths } from './schema'
import type {
  AlertList, AlertTest, Annotation, AnnotationRequest, AuditList, BarrierAnswer, BarrierRequest, Barriers, Catalogue, Claim, Coverage, Dispute, DisputeList, DisputePreview, DisputeRequest, DisputeResolution, Evidence, Experiment, ExperimentList, HookPreview, Key, KeyList, KeyRequest, NewKey, Outcome, OutcomeAccepted, OutcomeChange, OutcomeList, OutcomePreview, OutcomePreviewRequest, OutcomeRequest, Perception, Pipeline, ProblemBody, RegistryEntry, RegistryKind, RegistryList, RejectDetail, RejectList, RejectSummary,
  ReplayReport, Scorecard, Session, SurveyAnswer, Trial, TrialList, WaveList, WaveState, WebhookSecret, WhatIf, Workflows,
} from './types'

/** What went wrong, for a person. `status` is the HTTP status, or 0 when there was no answer. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
    readonly code: string | null = null,
    /** Seconds the server asked to wait. */
    readonly retryAfter: number | null = null,
    /** What is wrong with single fields, by their pointers such as "/minutes". */
    readonly fields: { pointer: string; message: string; code?: string }[] = [],
  ) {
    super(detail || title)
  }
}

/** Whatever was thrown, as something to tell a reader. */
export const asProblem = (cause: unknown): Problem => (cause instanceof Problem ? cause : new Problem(0, 'Failed', String(cause)))

export type ScorecardQuery = NonNullable<paths['/api/v1/scorecard']['get']['parameters']['query']>
export type PillarQuery = NonNullable<paths['/api/v1/coverage']['get']['parameters']['query']>
export type WorkflowQuery = NonNullable<paths['/api/v1/workflows']['get']['parameters']['query']>
export type DisputeQuery = NonNullable<paths['/api/v1/disputes']['get']['parameters']['query']>
export type PipelineQuery = NonNullable<paths['/api/v1/pipeline']['get']['parameters']['query']>
export type RejectQuery = NonNullable<paths['/api/v1/rejects']['get']['parameters']['query']>
export type ReplayFilter = Pick<RejectQuery, 'code' | 'source' | 'stage' | 'type' | 'status' | 'q' | 'from' | 'to'>
export type AuditQuery = NonNullable<paths['/api/v1/audit']['get']['parameters']['query']>
export type TailQuery = NonNullable<paths['/api/v1/tail']['get']['parameters']['query']>
export type OutcomeQuery = NonNullable<paths['/api/v1/outcomes']['get']['parameters']['query']>
export type EvidenceQuery = paths['/api/v1/evidence']['get']['parameters']['query']

// fetch is looked up at each call, so that tests can stand in for the network.
const client = createClient<paths>({ baseUrl: globalThis.location?.origin ?? '', fetch: (request) => fetch(request) })

/** An answer as openapi-fetch gives it when asked for text. */
interface Answer<D = string> {
  data?: D | null
  error?: unknown
  response: Response
}

async function answered<D>(call: Promise<Answer<D>>, signal?: AbortSignal): Promise<Answer<D>> {
  let answer: Answer<D>
  try {
    answer = await call
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new Problem(0, 'No answer', 'The server did not answer. It may be stopped, or the network is away.')
  }
  if (answer.error !== undefined || !answer.response.ok) throw problemOf(answer)
  return answer
}

async function read<T>(call: Promise<Answer>, signal?: AbortSignal): Promise<T> {
  const answer = await answered(call, signal)
  try {
    return parseExact(answer.data ?? '') as T
  } catch {
    throw new Problem(answer.response.status, 'Not an answer', 'The server answered something that is not JSON. Is this address the Plumbline API?')
  }
}

function problemOf({ error, response }: Answer<unknown>): Problem {
  const body = (typeof error === 'object' && error !== null ? error : {}) as Partial<ProblemBody>
  const wait = Number(response.headers.get('retry-after'))
  const detail = body.detail ?? `The server answered ${response.status}.`
  return new Problem(response.status, body.title ?? 'Failed', detail, body.code ?? null, wait > 0 ? wait : null, body.problems ?? [])
}

const text = { parseAs: 'text' } as const
const json = { 'content-type': 'application/json' }

export const api = {
  session: (signal?: AbortSignal) => read<Session>(client.GET('/api/v1/session', { ...text, signal }), signal),
  metrics: (signal?: AbortSignal) => read<Catalogue>(client.GET('/api/v1/metrics', { ...text, signal }), signal),
  scorecard: (query: ScorecardQuery, signal?: AbortSignal) =>
    read<Scorecard>(client.GET('/api/v1/scorecard', { params: { query }, ...text, signal }), signal),
  pipeline: (query: PipelineQuery, signal?: AbortSignal) =>
    read<Pipeline>(client.GET('/api/v1/pipeline', { params: { query }, ...text, signal }), signal),
  coverage: (query: PillarQuery, signal?: AbortSignal) =>
    read<Coverage>(client.GET('/api/v1/coverage', { params: { query }, ...text, signal }), signal),
  perception: (query: PillarQuery, signal?: AbortSignal) =>
    read<Perception>(client.GET('/api/v1/perception', { params: { query }, ...text, signal }), signal),
  /** More than a thousand waves are nobody's: what is asked for is which are open. */
  waves: (signal?: AbortSignal) => read<WaveList>(client.GET('/api/v1/waves', { params: { query: { limit: 1000 } }, ...text, signal }), signal),
  answerSurvey: (wave: string, roi_provable: SurveyAnswer) => read<unknown>(client.POST('/api/v1/survey', { body: { wave, roi_provable }, ...text })),
  barriers: (query: PillarQuery, signal?: AbortSignal) =>
    read<Barriers>(client.GET('/api/v1/barriers', { params: { query }, ...text, signal }), signal),
  workflowList: (query: WorkflowQuery, signal?: AbortSignal) => read<Workflows>(client.GET('/api/v1/workflows', { params: { query }, ...text, signal }), signal),
  /** The version is that of a barrier that is taken or cleared. */
  sayBarrier: (body: BarrierRequest, version: string | null) =>
    read<BarrierAnswer>(client.POST('/api/v1/barriers', { params: { header: version === null ? {} : { 'If-Match': `"${version}"` } }, body, ...text })),
  takeBackBarrier: (id: string, change: string) => read<BarrierAnswer>(client.DELETE('/api/v1/barriers/{id}', { params: { path: { id }, query: { change } }, ...text })),
  disputes: (query: DisputeQuery, signal?: AbortSignal) => read<DisputeList>(client.GET('/api/v1/disputes', { params: { query }, ...text, signal }), signal),
  dispute: (id: string, signal?: AbortSignal) => read<Dispute>(client.GET('/api/v1/disputes/{id}', { params: { path: { id } }, ...text, signal }), signal),
  raiseDispute: (body: DisputeRequest) => read<Dispute>(client.POST('/api/v1/disputes', { body, ...text })),
  commentDispute: (id: string, body: { id: string; text: string }) => read<Dispute>(client.POST('/api/v1/disputes/{id}/comments', { params: { path: { id } }, body, ...text })),
  supportDispute: (id: string, on: boolean) =>
    read<Dispute>(on ? client.PUT('/api/v1/disputes/{id}/support', { params: { path: { id } }, ...text }) : client.DELETE('/api/v1/disputes/{id}/support', { params: { path: { id } }, ...text })),
  withdrawDispute: (id: string, body: { id: string }) => read<Dispute>(client.POST('/api/v1/disputes/{id}/withdraw', { params: { path: { id } }, body, ...text })),
  resolveDispute: (id: string, version: string, body: DisputeResolution) =>
    read<Dispute>(client.POST('/api/v1/disputes/{id}/resolve', { params: { path: { id }, header: { 'If-Match': `"${version}"` } }, body, ...text })),
  previewDispute: (id: string, body: DisputePreview, query: { from?: string; to?: string }, signal?: AbortSignal) =>
    read<WhatIf>(client.POST('/api/v1/disputes/{id}/preview', { params: { path: { id }, query }, body, ...text, signal }), signal),
  annotate: (body: AnnotationRequest) => read<Annotation>(client.POST('/api/v1/annotations', { body, ...text })),
  takeAnnotation: (key: string) => read<Annotation>(client.DELETE('/api/v1/annotations/{key}', { params: { path: { key } }, ...text })),
  keys: (cursor: string | undefined, signal?: AbortSignal) =>
    read<KeyList>(client.GET('/api/v1/keys', { params: { query: { cursor } }, ...text, signal }), signal),
  makeKey: (body: KeyRequest) => read<NewKey>(client.POST('/api/v1/keys', { body, ...text })),
  rotateKey: (id: string, overlap: string) => read<NewKey>(client.POST('/api/v1/keys/{id}/rotate', { params: { path: { id } }, body: { overlap }, ...text })),
  revokeKey: (id: string) => read<Key>(client.DELETE('/api/v1/keys/{id}', { params: { path: { id } }, ...text })),
  alerts: (signal?: AbortSignal) => read<AlertList>(client.GET('/api/v1/alerts', { ...text, signal }), signal),
  testAlert: (key: string) => read<AlertTest>(client.POST('/api/v1/alerts/{key}/test', { params: { path: { key } }, ...text })),
  webhookSecret: (key: string) => read<WebhookSecret>(client.GET('/api/v1/webhooks/{key}/secret', { params: { path: { key } }, ...text })),
  /** Opens a wave, or says when it closes; null is as late as it may. */
  putWave: (wave: string, closes_at: string | null) => read<WaveState>(client.PUT('/api/v1/waves/{wave}', { params: { path: { wave } }, body: closes_at === null ? {} : { closes_at }, ...text })),
  audit: (query: AuditQuery, signal?: AbortSignal) => read<AuditList>(client.GET('/api/v1/audit', { params: { query }, ...text, signal }), signal),
  outcomes: (query: OutcomeQuery, signal?: AbortSignal) => read<OutcomeList>(client.GET('/api/v1/outcomes', { params: { query }, ...text, signal }), signal),
  /** With the receipt of its log also one that is on its way is known. */
  outcome: (id: string, receipt?: string, signal?: AbortSignal) =>
    read<Outcome | OutcomeAccepted>(client.GET('/api/v1/outcomes/{id}', { params: { path: { id }, query: { receipt } }, ...text, signal }), signal),
  previewOutcome: (body: OutcomePreviewRequest, signal?: AbortSignal) => read<OutcomePreview>(client.POST('/api/v1/outcomes/preview', { body, ...text, signal }), signal),
  logOutcome: (body: OutcomeRequest) => read<OutcomeAccepted>(client.POST('/api/v1/outcomes', { body, ...text })),
  changeOutcome: (id: string, version: string, body: OutcomeChange) =>
    read<Outcome>(client.PATCH('/api/v1/outcomes/{id}', { params: { path: { id }, header: { 'If-Match': `"${version}"` } }, body, ...text })),
  withdrawOutcome: (id: string, how: { change: string; receipt?: string; version?: string }) =>
    read<Outcome>(
      client.DELETE('/api/v1/outcomes/{id}', {
        params: { path: { id }, query: { change: how.change, receipt: how.receipt }, header: how.version === undefined ? {} : { 'If-Match': `"${how.version}"` } },
        ...text,
      }),
    ),
  /** The entries of a kind. More than a thousand are nobody's. */
  entries: (kind: RegistryKind, signal?: AbortSignal) =>
    read<RegistryList>(client.GET('/api/v1/registry/{kind}', { params: { path: { kind }, query: { limit: 1000 } }, ...text, signal }), signal),
  /** One entry with its versions, the newest first: its id is the version that a write is based on. */
  entry: (kind: RegistryKind, key: string, signal?: AbortSignal) =>
    read<RegistryEntry>(client.GET('/api/v1/registry/{kind}/{key}', { params: { path: { kind, key } }, ...text, signal }), signal),
  /** The entry is JSON text that is sent as it is, so that numbers keep their digits. Without a version it is to be new. */
  writeEntry: (kind: RegistryKind, key: string, entry: string, version: string | null) => {
    const header = version === null ? { 'If-None-Match': '*' } : { 'If-Match': `"${version}"` }
    return read<RegistryEntry>(
      client.PUT('/api/v1/registry/{kind}/{key}', { params: { path: { kind, key }, header }, body: { valid_from: '' }, bodySerializer: () => entry, headers: json, ...text }),
    )
  },
  endEntry: (kind: RegistryKind, key: string, valid_from: string, version: string) =>
    read<RegistryEntry>(client.DELETE('/api/v1/registry/{kind}/{key}', { params: { path: { kind, key }, query: { valid_from }, header: { 'If-Match': `"${version}"` } }, ...text })),
  /** What would be under one entry, JSON text as it would be written. */
  whatIf: (period: { from?: string; to?: string }, kind: RegistryKind, key: string, entry: string, signal?: AbortSignal) => {
    const bodySerializer = () => `{"registry":{${JSON.stringify(kind)}:{${JSON.stringify(key)}:${entry}}}}`
    return read<WhatIf>(client.POST('/api/v1/what-if', { params: { query: period }, body: {}, bodySerializer, headers: json, ...text, signal }), signal)
  },
  claim: (id: string, signal?: AbortSignal) => read<Claim>(client.GET('/api/v1/claims/{id}', { params: { path: { id } }, ...text, signal }), signal),
  evidence: (query: EvidenceQuery, signal?: AbortSignal) =>
    read<Evidence>(client.GET('/api/v1/evidence', { params: { query }, ...text, signal }), signal),
  experiments: (cursor: string | undefined, signal?: AbortSignal) =>
    read<ExperimentList>(client.GET('/api/v1/experiments', { params: { query: { cursor } }, ...text, signal }), signal),
  experiment: (key: string, metric: string | undefined, signal?: AbortSignal) =>
    read<Experiment>(client.GET('/api/v1/experiments/{key}', { params: { path: { key }, query: { metric } }, ...text, signal }), signal),
  trials: (cursor: string | undefined, signal?: AbortSignal) =>
    read<TrialList>(client.GET('/api/v1/trials', { params: { query: { cursor } }, ...text, signal }), signal),
  trial: (key: string, signal?: AbortSignal) => read<Trial>(client.GET('/api/v1/trials/{key}', { params: { path: { key } }, ...text, signal }), signal),
  rejects: (query: RejectQuery, signal?: AbortSignal) => read<RejectList>(client.GET('/api/v1/rejects', { params: { query }, ...text, signal }), signal),
  rejectSummary: (from: string, to: string, signal?: AbortSignal) =>
    read<RejectSummary>(client.GET('/api/v1/rejects/summary', { params: { query: { from, to } }, ...text, signal }), signal),
  reject: (id: string, signal?: AbortSignal) => read<RejectDetail>(client.GET('/api/v1/rejects/{id}', { params: { path: { id } }, ...text, signal }), signal),
  /** The fix is JSON text that is sent as it was typed, so that numbers keep their digits. */
  replay: (chosen: { ids: string[] } | { filter: ReplayFilter }, fix: string | null, dryRun: boolean, cursor?: string) => {
    const body = { ...chosen, dry_run: dryRun, limit: 1000, cursor }
    const bodySerializer = () => `${JSON.stringify(body).slice(0, -1)}${fix === null ? '' : `,"fix":${fix}`}}`
    return read<ReplayReport>(client.POST('/api/v1/rejects/replay', { body, bodySerializer, ...text }))
  },
  /** The live tail, as it comes: whoever reads it ends it with the signal. */
  tail: async (query: TailQuery, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> => {
    const { data } = await answered(client.GET('/api/v1/tail', { params: { query }, parseAs: 'stream', signal }), signal)
    if (!data) throw new Problem(0, 'No answer', 'The server has sent nothing.')
    return data
  },
  /** An entry with its versions; null where there is none. */
  entryIfAny: async (kind: RegistryKind, key: string, signal?: AbortSignal): Promise<RegistryEntry | null> => {
    // The list is asked first: that there is none is an answer and no failure.
    const { entries } = await api.entries(kind, signal)
    return entries.some((e) => e.key === key) ? api.entry(kind, key, signal) : null
  },
  /** What the collector knows of a kind, and what it would make of a call; it may have an address of its own. */
  kindSchema: (address: string, kind: string, signal?: AbortSignal) =>
    read<Record<string, unknown>>(client.GET('/v1/schemas/{kind}', { baseUrl: address, params: { path: { kind } }, ...text, signal }), signal),
  /** The sample is JSON text that is sent as it was typed, so that numbers keep their digits. */
  previewCall: (address: string, writeKey: string, key: string, connection: Record<string, unknown>, sample: string, signal?: AbortSignal) =>
    read<HookPreview>(
      client.POST('/v1/hooks/{connection}/preview', {
        baseUrl: address, params: { path: { connection: key } }, headers: { 'X-Plumbline-Key': writeKey }, body: { sample: {} },
        bodySerializer: () => `{"connection":${JSON.stringify(connection)},"sample":${sample}}`, ...text, signal,
      }),
      signal,
    ),
}
