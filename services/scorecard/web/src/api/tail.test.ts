import { afterEach, describe, expect, it, vi } from 'vitest'
import { eventReader, follow, type Phase, type Watcher } from './tail'

describe('eventReader', () => {
  const text = ': waiting\n\nevent: open\ndata: {}\n\nevent: accepted\ndata: {"id":\ndata: "é"}\n\r\n'
  const want = [{ name: 'open', data: '{}' }, { name: 'accepted', data: '{"id":\n"é"}' }]
  it('reads whatever way the stream is cut', () => {
    for (let size = 1; size <= text.length; size++) {
      const read = eventReader()
      const got = []
      for (let at = 0; at < text.length; at += size) got.push(...read(text.slice(at, at + size)))
      expect(got, `pieces of ${size}`).toEqual(want)
    }
  })
  it('keeps the half of an event until the rest comes, and takes no comment for one', () => {
    const read = eventReader()
    expect(read('data: {}\n')).toEqual([])
    expect(read(': alive\n\n')).toEqual([{ name: 'message', data: '{}' }])
  })
})

/** Answers of a server, one after the other; after the last one the connection stays open. */
function server(...answers: (Response | string | Error)[]) {
  const asked: string[] = []
  vi.stubGlobal('fetch', async (request: Request) => {
    asked.push(new URL(request.url).search)
    const next = answers.shift()
    if (next instanceof Response) return next
    if (next instanceof Error) throw next
    const last = answers.length === 0
    const body = new ReadableStream({
      start(stream) {
        stream.enqueue(new TextEncoder().encode(next ?? ''))
        if (!last) stream.close()
        request.signal.addEventListener('abort', () => last && stream.error(new DOMException('Aborted', 'AbortError')))
      },
    })
    return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  })
  return asked
}

const refusal = (status: number, detail: string, wait?: number) =>
  new Response(JSON.stringify({ title: 'No', status, detail }), { status, headers: { 'content-type': 'application/problem+json', ...(wait ? { 'retry-after': String(wait) } : {}) } })

/** Notes everything that is told, in words. */
function notes() {
  const said: string[] = []
  const watcher: Watcher = {
    phase: (p: Phase) => said.push('problem' in p ? `${p.name}: ${p.problem.detail}${p.name === 'away' ? ` ${p.seconds} s` : ''}` : p.name),
    item: (item) => said.push(item.id),
    missed: (n) => said.push(`missed ${n}`),
    gap: () => said.push('gap'),
  }
  return { said, watcher }
}

describe('follow', () => {
  afterEach(() => {
    vi.useRealTimers()
    vi.unstubAllGlobals()
  })

  it('waits as long as it is asked to, and says what was not shown after a break', async () => {
    vi.useFakeTimers()
    const open = 'event: open\ndata: {}\n\n'
    const asked = server(
      refusal(429, 'Too many watch.', 7), new Error('away'), `${open}event: accepted\ndata: {"outcome":"accepted","id":"a"}\n\n`,
      `${open}event: missed\ndata: {"missed":3}\n\nevent: rejected\ndata: {"outcome":"rejected","id":"b"}\n\n`,
    )
    const { said, watcher } = notes()
    const stop = new AbortController()
    const ended = follow({ source: ['/a*', '/b'], kind: ['hours_saved'] }, stop.signal, watcher)
    await vi.advanceTimersByTimeAsync(6900)
    expect(said).toEqual(['connecting', 'away: Too many watch. 7 s'])
    await vi.advanceTimersByTimeAsync(30_000)
    expect(said.slice(2)).toEqual([
      'connecting', 'away: The server did not answer. It may be stopped, or the network is away. 2 s',
      'connecting', 'waiting', 'watching', 'a', 'away: The server has ended the connection. 1 s',
      'connecting', 'waiting', 'gap', 'watching', 'missed 3', 'b',
    ])
    expect(asked).toEqual(Array(4).fill('?source=%2Fa*&source=%2Fb&kind=hours_saved'))
    stop.abort()
    await ended
  })

  it('takes silence for a broken connection', async () => {
    vi.useFakeTimers()
    server('event: open\ndata: {}\n\n')
    const { said, watcher } = notes()
    const stop = new AbortController()
    const ended = follow({}, stop.signal, watcher)
    await vi.advanceTimersByTimeAsync(35_500)
    expect(said).toEqual(['connecting', 'waiting', 'watching', 'away: The connection broke. 1 s'])
    stop.abort()
    await ended
  })

  it.each([401, 403, 400])('does not try again after %i', async (status) => {
    const asked = server(refusal(status, 'Never.'))
    const { said, watcher } = notes()
    await follow({}, new AbortController().signal, watcher)
    expect(said).toEqual(['connecting', 'refused: Never.'])
    expect(asked).toHaveLength(1)
  })
})
