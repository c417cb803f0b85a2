/** Loading, failing and being empty: said plainly, in place. */
import type { ComponentChildren } from 'preact'
import type { Problem } from '../api/api'
import type { Loaded } from '../state/data'
import { signInHref, usePlace } from '../state/url'

export function Loading({ what, lines = 6 }: { what: string; lines?: number }) {
  return (
    <div class="loading" role="status">
      <span class="sr">Loading {what}</span>
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} class="bone" aria-hidden="true" />
      ))}
    </div>
  )
}

export function Notice({ title, children, kind = 'plain' }: { title: string; children?: ComponentChildren; kind?: 'plain' | 'problem' }) {
  return (
    <section class={`notice ${kind}`} role={kind === 'problem' ? 'alert' : undefined}>
      <h2>{title}</h2>
      {children}
    </section>
  )
}

/** What went wrong, what it means for the reader, and the way on. */
export function ProblemNotice({ problem, again }: { problem: Problem; again: () => void }) {
  if (problem.status === 401) return <SignIn again={again} />
  const title =
    problem.status === 0 ? 'The server does not answer'
    : problem.status === 403 ? 'You may not see this'
    : problem.status === 404 ? 'There is no such thing here'
    : problem.status === 429 || problem.status === 503 ? 'The server is busy'
    : problem.status >= 500 ? 'The server failed'
    : 'This can not be shown'
  return (
    <Notice title={title} kind="problem">
      <p>{problem.detail}</p>
      {problem.retryAfter !== null && <p>It asks to wait {problem.retryAfter} seconds.</p>}
      <p class="actions">
        {problem.code === 'not_registered' && <SignInLink />}
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      </p>
    </Notice>
  )
}

/** To the page that signs in, or out, and back here. */
function SignInLink() {
  return (
    <a class="button" href={signInHref(usePlace())}>
      Sign in
    </a>
  )
}

export function SignIn({ again }: { again: () => void }) {
  return (
    <Notice title="Sign in to see the numbers" kind="problem">
      <p>These numbers belong to the people of one organisation. The sign-in page says how you are let in, and leads back here.</p>
      <p class="actions">
        <SignInLink />
        <button type="button" class="button" onClick={again}>
          I have signed in
        </button>
      </p>
    </Notice>
  )
}

/** The content once it is loaded; until then, and when it fails, a notice in its place. */
export function Show<T>({ loaded, what, children }: { loaded: Loaded<T>; what: string; children: (data: T) => ComponentChildren }) {
  if (loaded.problem) return <ProblemNotice problem={loaded.problem} again={loaded.again} />
  if (loaded.data === null) return <Loading what={what} />
  return (
    <div class="shown" aria-busy={loaded.loading}>
      {children(loaded.data)}
    </div>
  )
}
