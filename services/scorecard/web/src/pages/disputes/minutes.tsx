/** How long a unit takes: at least, usually, at most. */
import type { useFields } from '../../components/fields'

type Part = 'low' | 'mode' | 'high'

const parts: { key: Part; words: string }[] = [
  { key: 'low', words: 'at least' },
  { key: 'mode', words: 'usually' },
  { key: 'high', words: 'at most' },
]

/** In a form with more fields than these. */
export function MinutesFields<Field extends string>({ draft, unit, fields: { id, said, typed, why } }: {
  draft: Record<Part, string>
  unit: string | null
  fields: ReturnType<typeof useFields<Field | Part>>
}) {
  return (
    <>
      {parts.map(({ key, words }) => (
        <div class="field" key={key}>
          <label for={`${id}${key}`}>
            Minutes per {unit ?? 'unit'}, {words}
          </label>
          <input {...said(key)} type="text" inputMode="decimal" autocomplete="off" value={draft[key]} onInput={typed(key)} />
          {why(key)}
        </div>
      ))}
    </>
  )
}
