/**
 * The address bar is the state of the app: page, period, scope, comparison and the open drawer. A link shows a colleague the
 * same thing, and the back button undoes. Dates are absolute; `to` is the first day that is not in the period, as in the API.
 */
import { useEffect, useState } from 'preact/hooks'

export type Compare = 'previous' | 'year' | 'none'

export interface Place {
  path: string
  query: URLSearchParams
}

export function here(): Place {
  return { path: location.pathname, query: new URLSearchParams(location.search) }
}

const moved = 'plumbline:moved'

/** Parameters that hold from page to page. */
const lasting = ['from', 'to', 'scope', 'compare']

/** The address of a page that keeps period, scope and comparison. */
export function pageHref(path: string, query: URLSearchParams): string {
  const kept = new URLSearchParams()
  for (const name of lasting) {
    const held = query.get(name)
    if (held) kept.set(name, held)
  }
  return withQuery(path, kept)
}

/** The address of the same page with some parameters set, or removed where null. */
export function hereHref(place: Place, changes: Record<string, string | null>): string {
  const query = new URLSearchParams(place.query)
  for (const [name, to] of Object.entries(changes)) {
    if (to === null) query.delete(name)
    else query.set(name, to)
  }
  return withQuery(place.path, query)
}

/** The page that signs in, and leads back to this one. */
export function signInHref(place: Place): string {
  return `/signin?to=${encodeURIComponent(hereHref(place, {}))}`
}

function withQuery(path: string, query: URLSearchParams): string {
  // Colons and commas are legal in a query and far easier to read than %3A.
  const text = query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',').replaceAll('%3B', ';')
  return text ? `${path}?${text}` : path
}

export function go(href: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState({ inApp: true }, '', href)
  else history.replaceState(null, '', href)
  dispatchEvent(new Event(moved))
}

/** The current place; the component renders again when it changes. */
export function usePlace(): Place {
  const [place, setPlace] = useState(here)
  useEffect(() => {
    const update = () => setPlace(here())
    addEventListener('popstate', update)
    addEventListener(moved, update)
    // The address may have moved after this was drawn and before anyone listened.
    if (hereHref(place, {}) !== hereHref(here(), {})) update()
    return () => {
      removeEventListener('popstate', update)
      removeEventListener(moved, update)
    }
  }, [])
  return place
}

/** Lets plain links move inside the app; new tabs, downloads and other servers stay with the browser. */
export function followLinks(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
  const link = (event.target as Element | null)?.closest?.('a')
  if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return
  if (link.pathname.startsWith('/api/') || link.pathname.startsWith('/v1/') || link.pathname === '/signin' || link.pathname.startsWith('/signin/')) return
  if (link.hash && link.pathname === location.pathname && link.search === location.search) return
  event.preventDefault()
  const changesPage = link.pathname !== location.pathname
  go(link.pathname + link.search)
  if (changesPage) scrollTo(0, 0)
}

const dayShape = /^\d{4}-\d{2}-\d{2}$/

/** The period, scope and comparison that the address names; null parts are not named or not readable. */
export function viewOf(query: URLSearchParams): { from: string | null; to: string | null; scope: string; compare: Compare } {
  const day = (name: string) => {
    const text = query.get(name)
    return text && dayShape.test(text) && !Number.isNaN(Date.parse(text)) ? text : null
  }
  const compare = query.get('compare')
  return {
    from: day('from'),
    to: day('to'),
    scope: query.get('scope') || 'org',
    compare: compare === 'year' || compare === 'none' ? compare : 'previous',
  }
}

/**
 * What the drawer shows: a claim by its id, or a measure of another scope or basis whose claim is looked up.
 * Written as `open=claim:ID` or `open=win_rate;scope=team:emea;basis=created`.
 */
export type Opened = { claim: string } | { measure: string; scope?: string; basis?: 'created' | 'decided'; from?: string; to?: string }

export function writeOpened(opened: Opened): string {
  if ('claim' in opened) return `claim:${opened.claim}`
  const parts = [opened.measure]
  for (const name of ['scope', 'basis', 'from', 'to'] as const) {
    const part = opened[name]
    // A key may hold a semicolon of its own.
    if (part) parts.push(`${name}=${part.replaceAll('%', '%25').replaceAll(';', '%3B')}`)
  }
  return parts.join(';')
}

export function readOpened(text: string | null): Opened | null {
  if (!text) return null
  if (text.startsWith('claim:')) return { claim: text.slice('claim:'.length) }
  const [measure = '', ...rest] = text.split(';')
  if (!measure) return null
  const unescaped = (part: string) => part.replaceAll('%3B', ';').replaceAll('%25', '%')
  const named = new Map(rest.map((part) => [part.slice(0, part.indexOf('=')), unescaped(part.slice(part.indexOf('=') + 1))]))
  const basis = named.get('basis')
  return {
    measure,
    scope: named.get('scope'),
    basis: basis === 'created' || basis === 'decided' ? basis : undefined,
    from: named.get('from'),
    to: named.get('to'),
  }
}

/** The id in a claim link such as /api/v1/claims/eyJ…. */
export function claimId(link: string): string {
  return decodeURIComponent(link.slice(link.lastIndexOf('/') + 1))
}
