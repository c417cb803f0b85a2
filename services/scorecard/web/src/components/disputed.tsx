/** The quiet mark at a number or a baseline that somebody says is wrong, and the ways to the page of disputes. */
import * as format from '../format'
import { pageHref, usePlace, type Place } from '../state/url'

/** The address of the page of disputes with parameters of its own. */
export function disputesHref(place: Place, of: Record<string, string>): string {
  const href = pageHref('/disputes', place.query)
  return `${href}${href.includes('?') ? '&' : '?'}${new URLSearchParams(of).toString()}`
}

/** How many are open, as a link to them; of one workflow, or of all. */
export function OpenDisputes({ open, workflow }: { open: number; workflow?: string }) {
  const place = usePlace()
  return <a href={disputesHref(place, { state: 'open', ...(workflow === undefined ? {} : { workflow }) })}>{format.counted(open, 'open dispute', 'open disputes')}</a>
}

/** At a measure: nothing where none is open. */
export function DisputedMark({ open }: { open: number | undefined }) {
  if (!open) return null
  return (
    <p class="meta">
      <OpenDisputes open={open} /> of what prices it
    </p>
  )
}
