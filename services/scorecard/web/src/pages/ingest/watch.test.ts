import { describe, expect, it } from 'vitest'
import { arrived, cleared, most, nothing, paused, resumed, type Row } from './watch'

const rows = (from: number, n: number): Row[] => Array.from({ length: n }, (_, i) => ({ key: from + i, what: 'missed', n: 1 }))
const event = (key: number, what: 'accepted' | 'rejected') => ({ key, what, item: {} }) as Row
const keys = (list: Row[]) => list.map((r) => r.key)

describe('the live tail', () => {
  it('shows the latest first, and keeps so many', () => {
    const w = arrived(arrived(nothing, rows(0, 150)), rows(150, 100))
    expect(w.rows).toHaveLength(most)
    expect(keys(w.rows).slice(0, 2)).toEqual([249, 248])
    expect(keys(w.rows).at(-1)).toBe(50)
  })

  it('stands still while it is paused, and goes on with what came', () => {
    let w = paused(arrived(nothing, [event(1, 'accepted')]))
    w = arrived(arrived(w, [event(2, 'rejected'), event(3, 'accepted')]), [event(4, 'accepted')])
    expect(keys(w.rows)).toEqual([1])
    expect(w).toMatchObject({ waiting: 3, accepted: 3, rejected: 1 })
    w = resumed(w)
    expect(keys(w.rows)).toEqual([4, 3, 2, 1])
    expect(w).toMatchObject({ waiting: 0, paused: false })
  })

  it('is bounded while it is paused, and counts all', () => {
    const many = Array.from({ length: 1000 }, (_, i) => event(i, 'accepted'))
    const w = arrived(paused(nothing), many)
    expect(w.held).toHaveLength(most)
    expect(w.waiting).toBe(1000)
    expect(cleared(w)).toEqual({ ...nothing, paused: true })
  })
})
