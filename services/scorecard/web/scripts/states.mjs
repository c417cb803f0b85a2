// The states in which pages are pictured. Each prepares a browser page and gives the address to open.

/** What every page needs before it can say anything: who looks, and what the measures are called. */
const kept = /\/api\/v1\/(session|metrics|registry\/(?:teams|workflows)|tail)\b/

const answers = (page, change) =>
  page.route(
    (url) => url.pathname.startsWith('/api/v1/') && !kept.test(url.pathname),
    async (route) => (route.request().method() === 'GET' ? change(route) : route.continue()),
  )

/** Changes every object inside a value. */
function deep(value, change) {
  if (Array.isArray(value)) value.forEach((v) => deep(v, change))
  else if (value && typeof value === 'object') {
    change(value)
    Object.values(value).forEach((v) => deep(v, change))
  }
  return value
}

/** A measure that is withheld says nothing but why. */
function withhold(o) {
  if (!('status' in o && 'value' in o)) return
  for (const key of ['value', 'low', 'high', 'n', 'people', 'grade', 'previous', 'risk_adjusted']) if (key in o) o[key] = null
  for (const key of ['shares', 'series', 'parts', 'warnings']) if (key in o) o[key] = []
  Object.assign(o, { status: 'withheld', reason: 'privacy_floor' })
}

const lists = ['experiments', 'trials', 'keys', 'entries', 'rejects', 'outcomes', 'waves', 'barriers', 'disputes', 'teams', 'again']

/** Answers that are no answer of the API, such as a file, stay as they are. */
async function changed(route, change) {
  const response = await route.fetch()
  let body
  try {
    body = await response.json()
  } catch {
    return route.fulfill({ response })
  }
  return route.fulfill({ response, json: change(body) })
}

export const states = {
  full: async (_, path) => path,
  /** A period before all data, and lists without entries. */
  empty: async (page, path) => {
    await answers(page, (route) => changed(route, (body) => {
      for (const name of lists) if (Array.isArray(body[name])) body[name] = []
      if ('next' in body) body.next = null
      return body
    }))
    return `${path}${path.includes('?') ? '&' : '?'}from=2001-01-01&to=2001-04-01`
  },
  withheld: async (page, path) => {
    await answers(page, (route) => changed(route, (body) => deep(body, withhold)))
    return path
  },
  error: async (page, path) => {
    const body = JSON.stringify({ type: 'about:blank', title: 'Service Unavailable', status: 503, detail: 'the database is starting' })
    await answers(page, (route) => route.fulfill({ status: 503, headers: { 'content-type': 'application/problem+json', 'retry-after': '7' }, body }))
    return path
  },
}
