/** The evidence grade beside a value; its meaning opens on click and by keyboard. */
import { useId } from 'preact/hooks'
import { allGrades, gradeWords } from '../words'

export function Grade({ grade }: { grade: number | null }) {
  const id = useId()
  if (grade === null) return null
  const words = gradeWords(grade)
  return (
    <>
      <button type="button" class="grade" popovertarget={id} aria-label={`Evidence grade ${grade}: ${words.name}. What this means`}>
        <Bars grade={grade} />
        <span>
          Grade {grade} <span class="grade-name">{words.name}</span>
        </span>
      </button>
      <div id={id} popover="auto" class="tip" role="dialog" aria-label="Evidence grades">
        <p>
          <strong>
            Evidence grade {grade}: {words.name}.
          </strong>{' '}
          {words.meaning}
        </p>
        <ol class="grade-list" start={0}>
          {allGrades.map((g, i) => (
            <li key={g.name} class={i === grade ? 'current' : ''}>
              {g.name}
            </li>
          ))}
        </ol>
      </div>
    </>
  )
}

/** Five steps, filled up to the grade: a second reading of the same number, not its only one. */
function Bars({ grade }: { grade: number }) {
  return (
    <svg class="bars" width="19" height="10" aria-hidden="true">
      {[1, 2, 3, 4, 5].map((step) => (
        <rect key={step} x={(step - 1) * 4} y={8 - step * 1.6} width="3" height={step * 1.6 + 2} class={step <= grade ? 'on' : 'off'} />
      ))}
    </svg>
  )
}
