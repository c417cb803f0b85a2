/** The frame of every page: name, navigation, who is looking, theme. */
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import type { Session } from './api/types'
import { pageHref, signInHref, usePlace } from './state/url'

const pages = [
  { path: '/', name: 'Scorecard' },
  { path: '/experiments', name: 'Experiments', also: '/trials' },
  { path: '/pipeline', name: 'Pipeline' },
  { path: '/perception', name: 'Perception' },
  { path: '/coverage', name: 'Coverage' },
  { path: '/barriers', name: 'Barriers' },
  { path: '/workflows', name: 'Workflows' },
  { path: '/ingest', name: 'Ingest' },
]

/** Pages for people: a key, the admin token and a visitor have no work of their own. */
const personal = [
  { path: '/log', name: 'Log an outcome' },
  { path: '/impact', name: 'My impact' },
]

/** Pages that only administrators can use. */
const administration = [
  { path: '/keys', name: 'Keys' },
  { path: '/audit', name: 'Audit' },
]

export interface ShellProps {
  session: Session | null
  /** Laid out, but not shown yet. */
  hidden: boolean
  /** The session is or was slow to come: its line keeps its place either way. */
  late: boolean
  /** What lies over the page, such as the drawer. */
  over: ComponentChildren
  children: ComponentChildren
}

export function Shell({ session, hidden, late, over, children }: ShellProps) {
  const place = usePlace()
  const current = (p: { path: string; also?: string }) =>
    p.path === '/' ? place.path === '/' : place.path.startsWith(p.path) || (p.also !== undefined && place.path.startsWith(p.also))
  return (
    <div hidden={hidden}>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href={pageHref('/', place.query)}>
          <svg width="18" height="26" viewBox="0 0 18 26" aria-hidden="true">
            <path d="M9 1v12" class="line" />
            <path d="M4 12h10L9 25z" class="bob" />
          </svg>
          Plumbline
        </a>
        <nav aria-label="Pages">
          <ul>
            {[...pages, ...(session?.person ? personal : []), ...(session?.role === 'admin' ? administration : [])].map((p) => (
              <li key={p.path}>
                <a href={pageHref(p.path, place.query)} aria-current={current(p) ? 'page' : undefined}>
                  {p.name}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <div class="who">
          {session && <Who session={session} href={signInHref(place)} />}
          <ThemeButton />
        </div>
      </header>
      {(session?.demo || late) && (
        <p class="banner">
          {session?.demo && (
            <>
              <strong>Demo organisation:</strong> invented numbers{!session.signed_in && ', read only'}
            </>
          )}
        </p>
      )}
      <main id="main" tabindex={-1}>
        {children}
      </main>
      {over}
      <footer class="bottom">
        <p>
          One number at every altitude: leaders and the people who do the work read the same figures. Choose any number to see where it comes from.
        </p>
        <p>
          <a href="/api/docs">API</a>
          {session && <span> · version {session.version}</span>}
        </p>
      </footer>
    </div>
  )
}

const roles: Record<Session['role'], string> = { ic: 'Individual contributor', leader: 'Leader', analyst: 'Analyst', admin: 'Administrator' }

/** Who is looking; the page behind it signs in, out, or in as somebody else. */
function Who({ session, href }: { session: Session; href: string }) {
  return (
    <a class="viewer" href={href}>
      {session.signed_in ? roles[session.role] : 'Visitor, sign in'}
      {session.workspace !== 'default' && `, ${session.workspace}`}
    </a>
  )
}

type Theme = 'light' | 'dark'

function themeNow(): Theme {
  const chosen = document.documentElement.dataset['theme']
  if (chosen === 'light' || chosen === 'dark') return chosen
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

function ThemeButton() {
  const [theme, setTheme] = useState(themeNow)
  const other: Theme = theme === 'dark' ? 'light' : 'dark'
  const toggle = () => {
    document.documentElement.dataset['theme'] = other
    try {
      localStorage.setItem('plumbline.theme', other)
    } catch {
      // Storage is blocked: the choice holds until the page is closed.
    }
    setTheme(other)
  }
  return (
    <button type="button" class="theme" onClick={toggle} aria-label={`Use the ${other} theme`}>
      <svg width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
        <circle cx="9" cy="9" r="7" class="ring" />
        <path d="M9 2a7 7 0 0 1 0 14z" class="half" />
      </svg>
    </button>
  )
}
