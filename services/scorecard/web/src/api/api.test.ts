import { afterEach, describe, expect, it, vi } from 'vitest'
import { exactText } from '../exact'
import { api, Problem } from './api'

afterEach(() => vi.unstubAllGlobals())

/** Answers every request with one response; gives the requests made. */
function answering(make: () => Response | Promise<never>): Request[] {
  const requests: Request[] = []
  vi.stubGlobal('fetch', (request: Request) => {
    requests.push(request)
    return Promise.resolve().then(make)
  })
  return requests
}

const json = (body: string, init: ResponseInit = {}) => new Response(body, { headers: { 'content-type': 'application/json' }, ...init })

const failure = async (call: Promise<unknown>): Promise<Problem> => {
  const problem = await call.then(() => null, (cause: unknown) => cause)
  expect(problem).toBeInstanceOf(Problem)
  return problem as Problem
}

describe('api', () => {
  it('keeps exact decimals', async () => {
    answering(() => json('{"definition":"x","metrics":[{"key":"a","value":20.520226728991234567}]}'))
    const catalogue = await api.metrics()
    expect(exactText(catalogue.metrics[0] as unknown as { value: number }, 'value')).toBe('20.520226728991234567')
  })
  it('escapes what goes into the address', async () => {
    const requests = answering(() => json('{}'))
    await api.experiment('a/b ?', 'x&y')
    expect(requests[0]?.url).toMatch(/\/api\/v1\/experiments\/a%2Fb%20%3F\?metric=x%26y$/)
  })
  it('reads a problem', async () => {
    answering(() => json('{"type":"about:blank","title":"Bad Request","status":400,"code":"bad_parameter","detail":"from must be a day"}', { status: 400 }))
    expect(await failure(api.session())).toMatchObject({ status: 400, title: 'Bad Request', detail: 'from must be a day', code: 'bad_parameter', retryAfter: null })
  })
  it('reads a failure without a problem, and how long to wait', async () => {
    answering(() => new Response('<html>gateway</html>', { status: 503, headers: { 'retry-after': '7' } }))
    expect(await failure(api.session())).toMatchObject({ status: 503, detail: 'The server answered 503.', retryAfter: 7 })
  })
  it('says when there is no answer, or none that it can read', async () => {
    answering(() => Promise.reject(new TypeError('failed to fetch')))
    expect(await failure(api.session())).toMatchObject({ status: 0, title: 'No answer' })
    answering(() => new Response('<html>', { status: 200 }))
    expect(await failure(api.session())).toMatchObject({ status: 200, title: 'Not an answer' })
  })
})
