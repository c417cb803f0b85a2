/** The frame of every page: name, navigation, who is looking, theme. */
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { Session } from './api/types'
import { locales } from './format'
import { isCurrent, navigation } from './navigation'
import { pageHref, signInHref, usePlace } from './state/url'

export interface ShellProps {
  session: Session | null
  /** Laid out, but not shown yet. */
  hidden: boolean
  /** The session is or was slow to come: its line keeps its place either way. */
  late: boolean
  /** The locale that was chosen for numbers and dates; undefined is the browser's own. */
  locale: string | undefined
  chooseLocale: (tag: string | undefined) => void
  /** What lies over the page, such as the drawer. */
  over: ComponentChildren
  children: ComponentChildren
}

export function Shell({ session, hidden, late, locale, chooseLocale, over, children }: ShellProps) {
  const place = usePlace()
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
        <button type="button" class="menu button" popovertarget="pages">
          <svg width="16" height="14" viewBox="0 0 16 14" aria-hidden="true">
            <path d="M0 2h16M0 7h16M0 12h16" />
          </svg>
          Menu
        </button>
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
      <div class="frame">
        <Pages session={session} />
        <main id="main" tabindex={-1}>
          {children}
        </main>
      </div>
      {over}
      <footer class="bottom">
        <p>
          One number at every altitude: leaders and the people who do the work read the same figures. Choose any number to see where it comes from.
        </p>
        <label class="locale">
          <span>Numbers and dates</span>
          <select value={locale ?? ''} onChange={(e) => chooseLocale(e.currentTarget.value || undefined)}>
            <option value="" selected={!locale}>
              as the browser
            </option>
            {locales.map((l) => (
              <option key={l.tag} value={l.tag} lang={l.tag} selected={l.tag === locale}>
                {l.name}
              </option>
            ))}
          </select>
        </label>
        <p>
          <a href="/api/docs">API</a>
          {session && <span> · version {session.version}</span>}
        </p>
      </footer>
    </div>
  )
}

/**
 * The pages in their groups: a rail beside the page where there is room for one, else a native popover behind the button Menu. It is
 * the same element either way, so that nothing is there twice.
 */
function Pages({ session }: { session: Session | null }) {
  const place = usePlace()
  const nav = useRef<HTMLElement>(null)
  // Whoever chose a page is done with the menu.
  useLayoutEffect(() => {
    if (nav.current?.matches(':popover-open')) nav.current.hidePopover()
  }, [place.path])
  return (
    <nav ref={nav} id="pages" class="pages" popover="auto" aria-label="Pages">
      {navigation(session).map((group) => (
        <div key={group.title}>
          <p id={`pages-${group.title}`} class="group">
            {group.title}
          </p>
          <ul aria-labelledby={`pages-${group.title}`}>
            {group.entries.map((entry) => (
              <li key={entry.path}>
                <a href={pageHref(entry.path, place.query)} aria-current={isCurrent(entry, place.path) ? 'page' : undefined}>
                  {entry.name}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
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
