/** Below a list that is read page by page: how much of it is shown, and the way on. */
import * as format from '../format'
import type { More } from '../state/more'

export function MoreOf<Row>({ list, one, many }: { list: More<Row>; one: string; many: string }) {
  return (
    <>
      {list.problem && (
        <p class="callout" role="alert">
          {list.problem.detail}
        </p>
      )}
      <p class="actions">
        <span class="meta">{format.counted(list.rows.length, one, many)} shown, the latest first</span>
        {list.open && (
          <button type="button" class="button" aria-disabled={list.loading} onClick={list.show}>
            Show more
          </button>
        )}
      </p>
    </>
  )
}
