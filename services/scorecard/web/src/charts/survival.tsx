/** The Kaplan–Meier curve: share of deals still undecided by days since creation, with its band and the median. */
import { area, curveStepAfter, line } from 'd3-shape'
import type { Survival } from '../api/types'
import * as format from '../format'
import { useWidth } from './width'
import { linear } from './scale'

const height = 260
const margin = { top: 12, right: 14, bottom: 40, left: 46 }

type Point = Survival['points'][number]

export function SurvivalCurve({ survival }: { survival: Survival }) {
  const [frame, width] = useWidth<HTMLDivElement>(640)
  const points: Point[] = startingAtZero(survival.points)
  const last = points[points.length - 1]?.days ?? 1
  const x = linear([0, Math.max(last, 1)], [margin.left, width - margin.right], 6)
  const y = linear([0, 1], [height - margin.bottom, margin.top])
  const band = area<Point>().x((p) => x(p.days)).y0((p) => y(p.low)).y1((p) => y(p.high)).curve(curveStepAfter)(points)
  const curve = line<Point>().x((p) => x(p.days)).y((p) => y(p.undecided)).curve(curveStepAfter)(points)
  return (
    <div ref={frame} class="survival">
      <svg role="img" aria-label={describe(survival)} width={width} height={height}>
        {y.ticks(4).map((t) => (
          <g key={t}>
            <line class="grid" x1={margin.left} x2={width - margin.right} y1={y(t)} y2={y(t)} />
            <text x={margin.left - 8} y={y(t) + 4} text-anchor="end">{format.chance(t)}</text>
          </g>
        ))}
        {x.ticks(width < 480 ? 4 : 8).map((t) => (
          <text key={t} x={x(t)} y={height - margin.bottom + 18} text-anchor="middle">{format.plainNumber(t)}</text>
        ))}
        <text x={(margin.left + width - margin.right) / 2} y={height - 4} text-anchor="middle" class="axis-note">
          days since the deal was created
        </text>
        {band && <path d={band} class="band" />}
        {curve && <path d={curve} class="curve" />}
        <line class="zero" x1={margin.left} x2={width - margin.right} y1={y(0)} y2={y(0)} />
        {survival.median !== null && (
          <g class="median">
            <line x1={margin.left} x2={x(survival.median)} y1={y(0.5)} y2={y(0.5)} />
            <line x1={x(survival.median)} x2={x(survival.median)} y1={y(0.5)} y2={y(0)} />
            <circle class="point" cx={x(survival.median)} cy={y(0.5)} r="4.5" />
            <text x={width < 480 ? width - margin.right : x(survival.median) + 10} y={y(0.5) - 8} text-anchor={width < 480 ? 'end' : 'start'}>half decided after {format.value(survival.median, 'days', { digits: 0 })}</text>
          </g>
        )}
      </svg>
    </div>
  )
}

/** Before the first decision all deals are undecided. */
function startingAtZero(points: Point[]): Point[] {
  const first = points[0]
  if (!first || first.days === 0) return points
  return [{ days: 0, undecided: 1, low: 1, high: 1, at_risk: first.at_risk, decided: 0 }, ...points]
}

function describe(s: Survival): string {
  const median = s.median === null ? 'Fewer than half are decided.' : `Half are decided after ${format.value(s.median, 'days')}.`
  return `Share of ${format.count(s.n)} deals still undecided by days since creation. ${median} ${format.count(s.censored)} are still open.`
}
