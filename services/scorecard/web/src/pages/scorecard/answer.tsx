/** The answer to the page's question, before everything else: how much time, and how sure that is. */
import type { Measure, Scorecard } from '../../api/types'
import { Bullet } from '../../charts/bullet'
import { shareColumns, Shares } from '../../charts/shares'
import { Sparkline, spanOf } from '../../charts/sparkline'
import { Warnings } from '../../components/asof'
import { measureTable, SaveChart, tableOf } from '../../components/chart'
import { DisputedMark } from '../../components/disputed'
import { Grade } from '../../components/grade'
import { Counts, Figure, IntervalText } from '../../components/number'
import * as format from '../../format'
import { reasonWords } from '../../words'
import type { Titled } from './measures'
import { change, verdict } from './verdict'

/** Money beside the time: what AI costs and what it brings. Never added up here: capacity is not cash. */
const beside = ['ai_cost', 'vendor_savings', 'capacity_value', 'conversion_value']

export function Answer({ scorecard, hours, rows }: { scorecard: Scorecard; hours: Measure; rows: Titled[] }) {
  const before = change(hours)
  const known = hours.status === 'ok' && hours.value !== null
  return (
    <section class="answer" aria-labelledby="answer">
      <div class="answer-figure" data-chart>
        <h2 id="answer">{known && (hours.value ?? 0) < 0 ? 'Time lost with AI' : 'Time saved with AI'}</h2>
        <p class="big">
          <Figure measure={hours} />
        </p>
        <p class="verdict">{known ? verdict(hours) : reasonWords(hours.reason ?? hours.status)}</p>
        <Bullet tall measure={hours} label={`Time saved: ${known ? format.value(hours.value ?? 0, hours.unit) : 'not known'}`} />
        <p class="meta">
          In {format.counted(scorecard.period.days, 'day', 'days')}, {format.period(scorecard.period.from, scorecard.period.to)}
          {before && `; ${before}`}
          {hours.covers && known && `; of others’ work, what was done ${format.period(hours.covers.from, hours.covers.to)}`}
          {hours.target && `; target: ${format.value(hours.target.value, hours.unit)}`}
        </p>
        {hours.series && hours.series.length > 1 && (
          <div class="answer-trend">
            <Sparkline series={hours.series} label={`Time saved by ${spanOf(hours.series)}`} notes={scorecard.annotations} />
            <span class="meta">by {spanOf(hours.series)}</span>
          </div>
        )}
        {known && <SaveChart name="hours-saved" title="Time saved with AI" table={measureTable(hours)} />}
      </div>
      <div class="answer-sure">
        <h3>How sure is that?</h3>
        <dl class="facts">
          <div>
            <dt>Range</dt>
            <dd>
              <IntervalText of={hours} />
            </dd>
          </div>
          <div>
            <dt>Evidence</dt>
            <dd>{hours.grade === null ? 'not known' : <Grade grade={hours.grade} />}</dd>
          </div>
          <div>
            <dt>Based on</dt>
            <dd>{hours.n === null ? 'not shown' : <Counts measure={hours} />}</dd>
          </div>
          {hours.risk_adjusted != null && (
            <div>
              <dt>Cautious value</dt>
              <dd>
                {format.value(hours.risk_adjusted, hours.unit)}, after a cut for weak evidence
              </dd>
            </div>
          )}
        </dl>
        {hours.shares && hours.shares.length > 0 && (
          <div data-chart>
            <Shares shares={hours.shares} unit={hours.unit} />
            <SaveChart name="hours-by-grade" title="Time saved by evidence grade" table={() => tableOf(shareColumns(hours.unit), hours.shares ?? [])} />
          </div>
        )}
        <DisputedMark open={hours.open_disputes} />
        <Warnings of={hours.warnings} />
      </div>
      <Beside rows={rows} />
    </section>
  )
}

function Beside({ rows }: { rows: Titled[] }) {
  const shown = beside.flatMap((key) => rows.filter((r) => r.measure.key === key))
  if (shown.length === 0) return null
  return (
    <ul class="beside">
      {shown.map(({ measure, title, about }) => (
        <li key={measure.key}>
          <h3>{title}</h3>
          <p class="figure-line">
            <Figure measure={measure} />
          </p>
          <p class="interval">
            <IntervalText of={measure} />
          </p>
          <Grade grade={measure.grade} />
          <p class="about">{about}</p>
        </li>
      ))}
    </ul>
  )
}
