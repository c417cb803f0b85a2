/**
 * The pages of the app in groups, in reading order. A page of its own is one line here: from it come the navigation, the title of
 * the window and who is shown the entry. (What a role may do is decided by the server; an entry that leads nowhere is only not shown.)
 */
import type { Session } from './api/types'

export interface Entry {
  path: string
  name: string
  /** Another path that belongs to it, with the title of its pages. */
  also?: { path: string; name: string }
  /** People have work of their own: a key, the admin token and a visitor have none. */
  who?: 'person' | 'admin'
}

export interface Group {
  title: string
  entries: Entry[]
}

const groups: Group[] = [
  {
    title: 'Numbers',
    entries: [
      { path: '/', name: 'Scorecard' },
      { path: '/experiments', name: 'Experiments', also: { path: '/trials', name: 'Time trial' } },
      { path: '/pipeline', name: 'Pipeline' },
      { path: '/perception', name: 'Perception' },
      { path: '/coverage', name: 'Coverage' },
    ],
  },
  {
    title: 'Work',
    entries: [
      { path: '/log', name: 'Log an outcome', who: 'person' },
      { path: '/impact', name: 'My impact', who: 'person' },
      { path: '/barriers', name: 'Barriers' },
      { path: '/workflows', name: 'Workflows' },
      { path: '/disputes', name: 'Disputes' },
    ],
  },
  {
    title: 'Data',
    entries: [
      { path: '/ingest', name: 'Ingest' },
      { path: '/connect', name: 'Connect a source', also: { path: '/start', name: 'First steps' }, who: 'admin' },
    ],
  },
  {
    title: 'Administration',
    entries: [
      { path: '/settings', name: 'Settings' },
      { path: '/keys', name: 'Keys', who: 'admin' },
      { path: '/audit', name: 'Audit', who: 'admin' },
    ],
  },
]

/** What this viewer is shown; a group of which nothing is left is not shown either. */
export function navigation(session: Pick<Session, 'person' | 'role'> | null): Group[] {
  const shown = (e: Entry) => e.who === undefined || (e.who === 'person' ? Boolean(session?.person) : session?.role === 'admin')
  return groups.map((g) => ({ ...g, entries: g.entries.filter(shown) })).filter((g) => g.entries.length > 0)
}

const within = (path: string, root: string) => (root === '/' ? path === '/' : path === root || path.startsWith(`${root}/`))

/** Whether an address is of this entry. */
export function isCurrent(entry: Entry, path: string): boolean {
  return within(path, entry.path) || (entry.also !== undefined && within(path, entry.also.path))
}

/** The title of the page at an address, whoever may see it; null where there is none. */
export function titleOf(path: string): string | null {
  const entry = groups.flatMap((g) => g.entries).find((e) => isCurrent(e, path))
  if (!entry) return null
  return entry.also && within(path, entry.also.path) ? entry.also.name : entry.name
}
