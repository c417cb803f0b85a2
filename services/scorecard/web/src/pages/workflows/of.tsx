import type { Workflow } from '../../api/types'
import { Claimed, openedBy, StatusWords } from '../../components/number'
import * as format from '../../format'

/** A measure of the workflow that opens its claim. */
export function Of({ row, measure }: { row: Workflow; measure: 'review_cycle_hours' | 'trained_share' }) {
  const m = row.measures[measure]
  if (!m) return null
  if (m.status !== 'ok' || m.value === null) return <StatusWords status={m.status} reason={m.reason} />
  return <Claimed open={openedBy(m)}>{format.value(m.value, m.unit)}</Claimed>
}
