/** The days of what arrived or was done, `since` and `until` in the address: other than the period of the numbers, which is when something happened. */
import { useLayoutEffect } from 'preact/hooks'
import type { Session } from '../api/types'
import * as format from '../format'
import { go, here, hereHref, usePlace, type Place } from '../state/url'

export interface Days {
  since: string | null
  until: string | null
}

/** The days of the address; where it names none, the last ones are put into it. */
export function useDays(session: Session | null, days: number): Days {
  const place = usePlace()
  const since = day(place, 'since')
  const until = day(place, 'until')
  useLayoutEffect(() => {
    if (!session || (since && until)) return
    const end = until ?? format.addDays(session.today, 1)
    // Where the address stands now: others may have put their own part into it since this was drawn.
    go(hereHref(here(), { since: since ?? format.addDays(end, -days), until: end }), 'replace')
  }, [session, since, until, place.query.toString()])
  return { since, until }
}

function day(place: Place, name: string): string | null {
  const text = place.query.get(name)
  return text && /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text)) ? text : null
}

export function DaysForm({ since, until, title }: { since: string; until: string; title: string }) {
  const submit = (event: Event) => {
    event.preventDefault()
    const data = new FormData(event.currentTarget as HTMLFormElement)
    const first = String(data.get('first'))
    const last = String(data.get('last'))
    if (first && last && first <= last) go(hereHref(here(), { since: first, until: format.addDays(last, 1), reject: null }))
  }
  return (
    <form class="controls" onSubmit={submit}>
      <label>
        <span>{title}</span>
        <input type="date" name="first" required defaultValue={since} />
      </label>
      <label>
        <span>to</span>
        <input type="date" name="last" required defaultValue={format.addDays(until, -1)} />
      </label>
      <div class="control">
        <span aria-hidden="true">&nbsp;</span>
        <button type="submit" class="button">
          Show
        </button>
      </div>
    </form>
  )
}
