import type { Workflow } from '../../api/types'
import { Claimed, openedBy, StatusWords } from '../../components/number'
import * as format from '../../format'

/** A measure of the workflow that opens its claim. */
export function Of({ row, measure, why = true }: { row: Workflow; measure: 'review_cycle_hours' | 'trained_share'; why?: boolean }) {
  const m = row.measures[measure]
  if (!m) return null
  if (m.status !== 'ok' || m.value === null) return <StatusWords status={m.status} reason={why ? m.reason : null} />
  return <Claimed open={openedBy(m)}>{format.value(m.value, m.unit)}</Claimed>
}
