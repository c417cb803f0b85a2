/** Why something that was typed was not taken. It stays where it is, and sending it again makes nothing twice. */
import type { Problem } from '../api/api'
import { signInHref, usePlace } from '../state/url'

export function Refused({ problem, reload, take }: {
  problem: Problem
  reload: () => void
  /** What the button says that goes on from the version that is there now. */
  take: string
}) {
  const place = usePlace()
  const title =
    problem.status === 401 ? 'Your session has ended'
    : problem.status === 412 ? 'It was changed elsewhere meanwhile'
    : problem.status === 429 ? 'A moment, please'
    : problem.status === 0 ? 'The server does not answer'
    : problem.status >= 500 ? 'The log does not take it just now'
    : 'It was not taken'
  return (
    <div class="callout wide" role="alert">
      <p>
        <strong>{title}.</strong> {problem.status === 412 ? 'Nothing was overwritten, and what you have typed is still here.' : problem.detail}
      </p>
      {problem.status === 401 && (
        <p>
          What you have typed is kept in this tab. <a href={signInHref(place)}>Sign in</a>, and it is here again.
        </p>
      )}
      {problem.status === 412 && (
        <p>
          <button type="button" class="button" onClick={reload}>
            {take}
          </button>
        </p>
      )}
      {(problem.status === 0 || problem.status === 429 || problem.status >= 500) && (
        <p>What you have typed is kept. Send it again{problem.retryAfter === null ? '' : ` in ${problem.retryAfter} seconds`}: however often it is sent, it counts once.</p>
      )}
    </div>
  )
}
