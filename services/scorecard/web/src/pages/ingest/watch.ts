/** What a person sees of the live tail: a bounded list that can be held still. */
import type { TailEvent, TailReject } from '../../api/types'

/** How many are kept; older ones leave. */
export const most = 200

export type Row =
  | { key: number; what: 'accepted'; item: TailEvent }
  | { key: number; what: 'rejected'; item: TailReject }
  /** The connection was away, until then. */
  | { key: number; what: 'gap'; at: string }
  | { key: number; what: 'missed'; n: number }

export interface Watch {
  /** The latest first. */
  rows: Row[]
  /** What came while it was paused, the latest first; bounded, too. */
  held: Row[]
  paused: boolean
  accepted: number
  rejected: number
  /** How many events came while it was paused. */
  waiting: number
}

export const nothing: Watch = { rows: [], held: [], paused: false, accepted: 0, rejected: 0, waiting: 0 }

/** Takes in what came, the earliest first. */
export function arrived(w: Watch, rows: Row[]): Watch {
  const counted = (what: Row['what']) => rows.filter((r) => r.what === what).length
  const accepted = counted('accepted')
  const rejected = counted('rejected')
  const next = { ...w, accepted: w.accepted + accepted, rejected: w.rejected + rejected }
  const latest = [...rows].reverse()
  if (w.paused) return { ...next, held: [...latest, ...w.held].slice(0, most), waiting: w.waiting + accepted + rejected }
  return { ...next, rows: [...latest, ...w.rows].slice(0, most) }
}

export const paused = (w: Watch): Watch => ({ ...w, paused: true })

export const resumed = (w: Watch): Watch => ({ ...w, paused: false, rows: [...w.held, ...w.rows].slice(0, most), held: [], waiting: 0 })

/** An empty list that stays paused if it was. */
export const cleared = (w: Watch): Watch => ({ ...nothing, paused: w.paused })
