/** A number that opens its claim, and what stands in its place when there is none. */
import type { ComponentChildren } from 'preact'
import type { Measure, Status } from '../api/types'
import * as format from '../format'
import { claimId, hereHref, usePlace, writeOpened, type Opened } from '../state/url'
import { reasonWords } from '../words'

/** A link to the drawer. Everything that shows a number wraps it in one. */
export function Claimed({ open, class: name = '', children }: { open: Opened | null; class?: string; children: ComponentChildren }) {
  const place = usePlace()
  if (!open) return <span class={`number ${name}`}>{children}</span>
  return (
    <a class={`number opens ${name}`} href={hereHref(place, { open: writeOpened(open) })}>
      {children}
      <span class="sr">, where it comes from</span>
    </a>
  )
}

/** The drawer of a measure: its claim. A number without one opens nothing, rather than the claim of another number. */
export function openedBy(measure: Pick<Measure, 'claim'>): Opened | null {
  return measure.claim ? { claim: claimId(measure.claim) } : null
}

/** The large figure of a measure. */
export function Figure({ measure }: { measure: Measure }) {
  if (measure.status !== 'ok' || measure.value === null) {
    return (
      <Claimed open={openedBy(measure)} class="missing">
        {measure.status === 'withheld' ? 'Withheld' : 'No data'}
      </Claimed>
    )
  }
  const { number, unit } = format.figure(measure.value, measure.unit)
  return (
    <Claimed open={openedBy(measure)} class="figure">
      {number}
      {unit && <span class="unit"> {unit}</span>}
    </Claimed>
  )
}

/** "90% sure: 480 h to 744 h", or why there is no interval. */
export function IntervalText({ of }: { of: Pick<Measure, 'low' | 'high' | 'level' | 'unit' | 'status' | 'reason' | 'n'> }) {
  if (of.status !== 'ok') return <span>{reasonWords(of.reason ?? (of.status === 'no_data' ? 'no_data' : null))}</span>
  if (of.low === null || of.high === null) return <span>{format.isCurrency(of.unit) ? exactWords : 'No interval is known'}</span>
  if (of.low === of.high) return <span>{of.unit === 'share' ? 'A plain count: no range' : exactWords}</span>
  return (
    <span>
      {of.level !== null ? `${format.chance(of.level)} sure: ` : ''}
      {format.range(of.low, of.high, of.unit)}
    </span>
  )
}

/** A sum of amounts has no sampling error: an interval of no width would only look like one. */
const exactWords = 'A plain sum: no range'

/** The words in place of a value: never a dash, never 0. */
export function StatusWords({ status, reason }: { status: Status; reason: string | null }) {
  const word = status === 'withheld' ? 'withheld' : 'no data'
  return (
    <span class="missing small">
      {word}
      {reason && reason !== status && <span class="why">: {reasonWords(reason)}</span>}
    </span>
  )
}

/** Which days a number is of, where they are not all of the period. */
export function Covered({ measure }: { measure: Pick<Measure, 'covers' | 'status'> }) {
  if (!measure.covers || measure.status !== 'ok') return null
  return <span class="covered">Of {format.period(measure.covers.from, measure.covers.to)}, whole months</span>
}

/** "1,234 events · 41 people". */
export function Counts({ measure, noun = ['event', 'events'] }: { measure: Pick<Measure, 'n' | 'people'>; noun?: [string, string] }) {
  if (measure.n === null) return null
  return (
    <span>
      {format.counted(measure.n, ...noun)}
      {measure.people !== null && ` · ${format.counted(measure.people, 'person', 'people')}`}
    </span>
  )
}
