/**
 * The live tail: server-sent events that are read with fetch, since an EventSource does not say why it was refused and can not
 * be asked to wait. The stream has no ids to go on from, so that whatever comes in while the connection is away is not shown.
 */
import { api, Problem, type TailQuery } from './api'
import type { TailEvent, TailReject } from './types'

/** One event of a stream. */
export interface Sent {
  name: string
  data: string
}

/** Reads a stream of server-sent events piece by piece, wherever it is cut. */
export function eventReader(): (piece: string) => Sent[] {
  let rest = ''
  let name = ''
  let data: string[] = []
  const line = (text: string): Sent | null => {
    if (text === '') {
      const whole = data.length > 0 ? { name: name || 'message', data: data.join('\n') } : null
      name = ''
      data = []
      return whole
    }
    const colon = text.indexOf(':')
    const field = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '')
    if (field === 'event') name = value
    if (field === 'data') data.push(value)
    return null // a comment has an empty field, and others are of no use here
  }
  return (piece) => {
    const lines = (rest + piece).split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    return lines.map(line).filter((event) => event !== null)
  }
}

/** How it stands with the connection. */
export type Phase =
  | { name: 'connecting' }
  /** The server is there, and its log does not answer yet. */
  | { name: 'waiting' }
  | { name: 'watching' }
  /** It is away, or asks to wait; the next try is in so many seconds. */
  | { name: 'away'; problem: Problem; seconds: number }
  /** Trying again does not change it. */
  | { name: 'refused'; problem: Problem }

export interface Watcher {
  phase: (phase: Phase) => void
  item: (item: TailEvent | TailReject) => void
  /** So many were not shown because this browser was too slow. */
  missed: (n: number) => void
  /** The connection is there again, after it had been away: what came in between is not shown. */
  gap: () => void
}

/** A heartbeat comes every ten seconds: where none comes the other side is gone without a word. */
const silence = 35_000
const waits = [1, 2, 5, 10]

/** Follows the tail until the signal ends it, or the server says that it never will be shown. */
export async function follow(query: TailQuery, signal: AbortSignal, watcher: Watcher): Promise<void> {
  let failures = 0
  let before = false
  while (!signal.aborted) {
    watcher.phase({ name: 'connecting' })
    let opened = false
    const problem = await once(query, signal, watcher, () => {
      opened = true
      failures = 0
      if (before) watcher.gap()
      before = true
    })
    if (signal.aborted) return
    if (final(problem)) {
      watcher.phase({ name: 'refused', problem })
      return
    }
    const seconds = problem.retryAfter ?? (opened ? waits[0]! : waits[Math.min(failures, waits.length - 1)]!)
    failures++
    watcher.phase({ name: 'away', problem, seconds })
    await pause(seconds * 1000, signal)
  }
}

/** Whoever may not see it now, or asks for something that is not there, is answered the same the next time. */
const final = (p: Problem) => p.status >= 400 && p.status < 500 && p.status !== 429 && p.status !== 408

/** Reads one connection to its end, and returns why it has ended. */
async function once(query: TailQuery, signal: AbortSignal, watcher: Watcher, open: () => void): Promise<Problem> {
  const stop = new AbortController()
  const end = () => stop.abort()
  signal.addEventListener('abort', end)
  let timer = setTimeout(end, silence)
  try {
    const body = await api.tail(query, stop.signal)
    watcher.phase({ name: 'waiting' })
    const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
    const read = eventReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return new Problem(0, 'Ended', 'The server has ended the connection.')
      clearTimeout(timer)
      timer = setTimeout(end, silence)
      for (const event of read(value)) show(event, watcher, open)
    }
  } catch (cause) {
    return cause instanceof Problem ? cause : new Problem(0, 'Broken', 'The connection broke.')
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    end()
  }
}

function show({ name, data }: Sent, watcher: Watcher, open: () => void): void {
  if (name === 'open') {
    open()
    watcher.phase({ name: 'watching' })
  } else if (name === 'accepted' || name === 'rejected') watcher.item(JSON.parse(data) as TailEvent | TailReject)
  else if (name === 'missed') watcher.missed((JSON.parse(data) as { missed: number }).missed)
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = setTimeout(done, milliseconds)
    signal.addEventListener('abort', () => (clearTimeout(timer), done()), { once: true })
  })
}
