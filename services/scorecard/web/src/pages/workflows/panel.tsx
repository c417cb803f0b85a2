/** One workflow: who answers for it, what prices it and since when, how it is reviewed, and what is to be done. */
import { useEffect, useRef } from 'preact/hooks'
import type { Workflow, Workflows, WorkflowBaseline } from '../../api/types'
import { Grade } from '../../components/grade'
import { Counts, Covered, IntervalText } from '../../components/number'
import * as format from '../../format'
import { disputesHref, OpenDisputes } from '../../components/disputed'
import { hereHref, pageHref, usePlace } from '../../state/url'
import { Of } from './of'
import { baselineWords, confirmedWords, entryWords, flagWords, ownedWords, sourceWords } from './words'
import { linkIn } from '../../words'

export function WorkflowPanel({ row, w }: { row: Workflow; w: Workflows }) {
  const place = usePlace()
  const head = useRef<HTMLHeadingElement>(null)
  // Chosen from the list, it is where the reader goes on; below it, on a narrow screen.
  useEffect(() => head.current?.focus(), [])
  const numbers = new URLSearchParams(place.query)
  numbers.set('scope', `workflow:${row.workflow}`)
  return (
    <section class="panel" aria-labelledby="workflow">
      <header class="panel-head">
        <h2 id="workflow" tabindex={-1} ref={head}>
          {row.name}
        </h2>
        <a class="button" href={hereHref(place, { workflow: null })}>
          Close
        </a>
      </header>
      <p class="meta">
        {row.team_name ?? 'no team'} · key {row.workflow}
        {row.version && ` · ${entryWords(row.version)}`}
      </p>
      {row.flags.length > 0 && (
        <>
          <h3>To do</h3>
          <ul class="todo">
            {row.flags.map((flag) => (
              <li key={flag}>
                <strong>{flagWords[flag].short}.</strong> {flagWords[flag].todo}
              </li>
            ))}
          </ul>
        </>
      )}
      <h3>Owner</h3>
      <p>
        {ownedWords(row.owner)}
        {row.owner.role && `, as ${row.owner.role}`}
        {row.owner.state !== 'none' && `; ${confirmedWords(row.owner, w.owner_days)}`}.
      </p>
      <h3>Baseline: without AI</h3>
      {row.baselines.length === 0 ? (
        <p>Nothing is measured or declared, so that nothing can be called saved. That is not the same as 0.</p>
      ) : (
        row.baselines.map((b) => <Baseline key={b.source} b={b} unit={row.unit} />)
      )}
      <p class="actions">
        {row.open_disputes > 0 && <OpenDisputes workflow={row.workflow} open={row.open_disputes} />}
        {row.baselines.length > 0 && <a href={disputesHref(place, { raise: row.workflow })}>Dispute this baseline</a>}
      </p>
      <h3>Review</h3>
      <Review row={row} />
      <h3>Trained</h3>
      <Measured row={row} measure="trained_share" what="of those who work on it have been trained in the year before" />
      <p class="actions">
        <a href={pageHref('/', numbers)}>All numbers of this workflow</a>
        {linkIn(row.review?.link ?? null) && (
          <a href={linkIn(row.review?.link ?? null)!} rel="noreferrer">
            Its policy
          </a>
        )}
      </p>
    </section>
  )
}

function Baseline({ b, unit }: { b: WorkflowBaseline; unit: string | null }) {
  const place = usePlace()
  const link = linkIn(b.evidence)
  const dispute = /^dispute ([0-9a-f-]{36})$/.exec(b.evidence ?? '')?.[1]
  return (
    <div class={b.prices ? 'baseline prices' : 'baseline'}>
      <p>
        <strong>{baselineWords(b, unit)}</strong> <Grade grade={b.grade} />
      </p>
      <p class="meta">
        {sourceWords(b)}
        {b.since && ` since ${format.day(b.since)}`}
        {b.n !== null && `, ${format.counted(b.n, 'piece of work', 'pieces of work')}`}
        {b.source === 'measured' && b.version && `, ${b.version}`}
        {b.prices ? ': it prices the hours.' : ': the one above prices the hours.'}
      </p>
      {b.source === 'declared' && (
        <p class="meta">Evidence: {link ? <a href={link} rel="noreferrer">{link}</a> : dispute ? <a href={disputesHref(place, { dispute })}>an accepted dispute</a> : (b.evidence ?? 'none is given')}</p>
      )}
    </div>
  )
}

function Review({ row }: { row: Workflow }) {
  return (
    <>
      <p>
        {row.review === null ? 'There is no policy.' : row.review.target_hours === null ? 'The policy has no target.' : `Decided within ${format.value(row.review.target_hours, 'h')}.`}
        {row.review?.text && ` The policy: ${row.review.text}`}
      </p>
      <Measured row={row} measure="review_cycle_hours" what="from the first submission to the decision, the median" />
    </>
  )
}

function Measured({ row, measure, what }: { row: Workflow; measure: 'review_cycle_hours' | 'trained_share'; what: string }) {
  const m = row.measures[measure]
  if (!m) return null
  return (
    <p>
      <Of row={row} measure={measure} /> {m.status === 'ok' && what}
      {m.status === 'ok' && (
        <span class="meta">
          {' '}
          {measure === 'trained_share' ? format.counted(m.n ?? 0, 'person', 'people') : <><IntervalText of={m} />, <Counts measure={m} noun={['review', 'reviews']} /></>} <Covered measure={m} />
        </span>
      )}
    </p>
  )
}
