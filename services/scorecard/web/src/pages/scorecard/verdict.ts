/** What an interval says about time saved, in one sentence, without claiming more than it does. */
import type { Measure } from '../../api/types'
import * as format from '../../format'

export function verdict(m: Pick<Measure, 'value' | 'low' | 'high' | 'level' | 'status'>): string {
  if (m.status !== 'ok' || m.value === null) return 'It can not be said yet whether AI saved time.'
  if (m.low === null || m.high === null || m.level === null) return 'How sure this is can not be said: there is no interval.'
  const sure = format.chance(m.level)
  if (m.low > 0) return `The whole ${sure} range is above zero: AI saved time, after all rework and review.`
  if (m.high < 0) return `The whole ${sure} range is below zero: AI cost more time than it saved.`
  return `The ${sure} range includes zero: it is not certain that AI saved any time.`
}

/** The change since the period compared with: "before: 574 h (+38 h)". Null where there is nothing to compare with. */
export function change(m: Pick<Measure, 'value' | 'unit' | 'previous'>): string | null {
  if (!m.previous) return null
  if (m.previous.status !== 'ok' || m.previous.value === null) {
    return m.previous.status === 'withheld' ? 'before: withheld' : 'before: no data'
  }
  const before = format.value(m.previous.value, m.unit)
  if (m.value === null) return `before: ${before}`
  return `before: ${before} (${format.difference(m.value - m.previous.value, m.unit)})`
}
