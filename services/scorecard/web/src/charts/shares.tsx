/** How much of a value rests on which evidence grade, as one stacked bar with its words. */
import type { GradeShare } from '../api/types'
import type { Column } from '../components/table'
import { exactText } from '../exact'
import * as format from '../format'
import { gradeWords } from '../words'
import { pct } from './scale'

export function Shares({ shares, unit }: { shares: GradeShare[]; unit: string }) {
  let start = 0
  const parts = shares.map((s) => {
    const x = start
    start += s.share * 100
    return { ...s, x }
  })
  const label = shares.map((s) => `grade ${s.grade}, ${gradeWords(s.grade).name}: ${format.value(s.share, 'share')}`).join('; ')
  return (
    <div class="shares">
      <svg role="img" aria-label={`Share by evidence grade. ${label}`} width="100%" height="22">
        {parts.map((p) => (
          <rect key={p.grade} class={`g${p.grade}`} x={pct(p.x)} width={pct(p.share * 100)} y="2" height="18" />
        ))}
      </svg>
      <ul class="legend">
        {shares.map((s) => (
          <li key={s.grade}>
            <svg width="12" height="12" aria-hidden="true"><rect class={`g${s.grade}`} width="12" height="12" /></svg>
            <span>
              {format.value(s.share, 'share')} grade {s.grade}, {gradeWords(s.grade).name}: {format.value(s.value, unit)}
              {' from '}
              {format.counted(s.n, 'event', 'events')}
            </span>
          </li>
        ))}
      </ul>
    </div>
  )
}

/** The same as a table. */
export function shareColumns(unit: string): Column<GradeShare>[] {
  return [
    { name: 'grade', title: 'Grade', cell: (s) => `${s.grade}, ${gradeWords(s.grade).name}`, csv: (s) => s.grade },
    { name: 'share', title: 'Share', numeric: true, cell: (s) => format.value(s.share, 'share'), csv: (s) => exactText(s, 'share') },
    { name: `value (${unit})`, title: 'Value', numeric: true, cell: (s) => format.value(s.value, unit), csv: (s) => exactText(s, 'value') },
    { name: 'n', title: 'Events', numeric: true, cell: (s) => format.count(s.n), csv: (s) => s.n },
  ]
}
