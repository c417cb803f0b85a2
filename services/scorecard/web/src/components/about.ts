/** What the answer of a page is about: a chart that leaves the page takes it along. */
import { createContext } from 'preact'
import * as format from '../format'

export interface AboutAnswer {
  /** Scope and period, and how fresh the data are: lines of a caption. */
  caption: string[]
  /** The end of the names of files, such as 2026-09-01-2026-11-29. */
  file: string
}

export const About = createContext<AboutAnswer>({ caption: [], file: '' })

export function aboutOf({ what, from, to, asOf, zone, definition }: { what: string; from?: string | null; to?: string | null; asOf: string; zone: string; definition?: string }): AboutAnswer {
  const period = from && to ? format.period(from, to) : ''
  return {
    caption: [[what, period].filter(Boolean).join(' · '), `Data as of ${format.instant(asOf, zone)} (${zone})${definition ? `, definitions of ${definition}` : ''}`].filter(Boolean),
    file: from && to ? `${from}-${to}` : asOf.slice(0, 10),
  }
}
