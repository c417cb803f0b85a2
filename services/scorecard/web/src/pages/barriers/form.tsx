/** The inputs of what is said about a barrier. */
import type { ComponentChildren } from 'preact'
import { useFields } from '../../components/fields'
import { categories, type Field, type SayDraft, type Saying } from './draft'

const buttons: Record<Saying['action'], string> = { report: 'Report it', support: 'Support it', take: 'Take it', resolve: 'Say that it is cleared' }

const notes: Record<Saying['action'], string> = {
  report: 'Others see the barrier once five people or more have reported or supported it and the month is over. They never see who. What you say last of a barrier counts, once.',
  support: 'It counts for others when the month is over, and nobody sees that it is you. What you say last of a barrier counts, once.',
  take: 'Everybody sees at once that you clear it, by your role and team in the registry. It says nothing of what it has cost you.',
  resolve: 'Everybody sees at once that it is cleared. Whoever reports it again opens it again.',
}

export function SayForm({ saying, draft, set, wrong, busy, submit, cancel, children }: {
  saying: Saying
  draft: SayDraft
  set: (change: Partial<SayDraft>) => void
  wrong: Partial<Record<Field | '', string>>
  busy: boolean
  submit: () => void
  cancel: () => void
  children?: ComponentChildren
}) {
  const { id, said, typed, why } = useFields<Field>(wrong, set)
  const costs = saying.action === 'report' || saying.action === 'support'
  return (
    <form
      class="outcome-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault()
        submit()
      }}
    >
      {saying.action === 'report' && (
        <>
          <div class="field wide">
            <label for={`${id}title`}>What, in a few words</label>
            <input {...said('title')} type="text" autocomplete="off" value={draft.title} onInput={typed('title')} />
            {why('title')}
          </div>
          <div class="field">
            <label for={`${id}category`}>Kind</label>
            <select {...said('category')} value={draft.category} onChange={typed('category')}>
              <option value="" selected={draft.category === ''}>
                Choose one
              </option>
              {categories.map((c) => (
                <option key={c.key} value={c.key} selected={c.key === draft.category}>
                  {c.words}
                </option>
              ))}
            </select>
            {why('category')}
          </div>
        </>
      )}
      {costs && (
        <div class="field">
          <label for={`${id}minutes`}>Minutes it has cost you (optional)</label>
          <input {...said('minutes')} type="text" inputMode="decimal" autocomplete="off" value={draft.minutes} onInput={typed('minutes')} />
          {why('minutes')}
        </div>
      )}
      <div class="field wide">
        <label for={`${id}note`}>Note (optional; kept with it, and not shown on the board)</label>
        <input {...said('note')} type="text" autocomplete="off" value={draft.note} onInput={typed('note')} />
        {why('note')}
      </div>
      <p class="quiet-note wide">{notes[saying.action]}</p>
      {wrong[''] && (
        <p class="callout wide" role="alert">
          {wrong['']}
        </p>
      )}
      {children}
      <p class="actions wide">
        <button type="submit" class="button primary" aria-disabled={busy}>
          {busy ? 'Sending…' : buttons[saying.action]}
        </button>
        <button type="button" class="button" onClick={cancel}>
          Cancel
        </button>
      </p>
    </form>
  )
}
