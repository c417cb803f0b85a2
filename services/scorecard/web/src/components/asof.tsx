/** How fresh the page is, and for print: which filters it was made with. */
import * as format from '../format'

export function AsOf({ asOf, completeThrough, zone, definition }: { asOf: string; completeThrough: string | null; zone: string; definition?: string }) {
  return (
    <p class="as-of">
      Data as of <time dateTime={asOf}>{format.instant(asOf, zone)}</time>
      {completeThrough ? (
        <>
          , complete through <time dateTime={completeThrough}>{format.instant(completeThrough, zone)}</time>
        </>
      ) : (
        ', completeness not known yet'
      )}{' '}
      ({zone}){definition && `, definitions of ${definition}`}.
    </p>
  )
}

export function Warnings({ of }: { of: { code: string; message: string }[] }) {
  if (of.length === 0) return null
  return (
    <ul class="warnings">
      {of.map((w) => (
        <li key={w.code + w.message}>{w.message}</li>
      ))}
    </ul>
  )
}
