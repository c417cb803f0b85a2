/** The inputs of an entry. */
import type { ComponentChildren } from 'preact'
import type { Catalogue } from '../../api/types'
import { useFields } from '../../components/fields'
import type { Doing, Draft } from './draft'
import { fieldsOf, type FieldOf, type Section } from './kinds'

export function SettingForm({ section, doing, draft, set, wrong, metrics, when, busy, submit, cancel, children, preview, waiting }: {
  section: Section
  doing: Doing
  draft: Draft
  set: (change: Partial<Record<string, string>>) => void
  wrong: Partial<Record<string, string>>
  metrics: Catalogue['metrics']
  /** What the day of the draft means. */
  when: string
  busy: boolean
  submit: () => void
  cancel: () => void
  preview: ComponentChildren
  /** The preview is asked for. */
  waiting: boolean
  children?: ComponentChildren
}) {
  const { id, said, typed, why } = useFields<string>(wrong, set)
  const ending = doing.action === 'end'
  const input = (f: FieldOf) => {
    const value = draft[f.name] ?? ''
    const choices = f.type === 'measure' ? [['', 'Choose one'], ...metrics.map((m) => [m.key, m.title])] : f.choices
    if (f.type === 'flag') return <input {...said(f.name)} type="checkbox" checked={value === 'true'} onChange={(e) => set({ [f.name]: String(e.currentTarget.checked) })} />
    if (choices) {
      return (
        <select {...said(f.name)} value={value} onChange={typed(f.name)}>
          {choices.map(([key = '', words]) => (
            <option key={key} value={key} selected={key === value}>
              {words}
            </option>
          ))}
        </select>
      )
    }
    return <input {...said(f.name)} type="text" inputMode={f.type === 'text' ? undefined : 'decimal'} autocomplete="off" value={value} onInput={typed(f.name)} />
  }
  return (
    <form
      class="outcome-form setting-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault()
        submit()
      }}
    >
      {doing.key === '' && (
        <div class="field wide">
          <label for={`${id}key`}>{section.keyed}</label>
          <input {...said('key')} type="text" autocomplete="off" value={draft['key']} onInput={typed('key')} />
          {why('key')}
        </div>
      )}
      {!ending &&
        fieldsOf(section.kind, draft['key'] ?? '').map((f) => (
          <div key={f.name} class={`field${f.wide ? ' wide' : ''}${f.type === 'flag' ? ' flag' : ''}`}>
            <label for={`${id}${f.name}`}>{f.label}</label>
            {input(f)}
            {why(f.name)}
          </div>
        ))}
      <div class="field wide">
        <label for={`${id}valid_from`}>{ending ? 'No longer holds from' : 'Holds from'}</label>
        <input {...said('valid_from')} type="date" value={draft['valid_from']} onInput={typed('valid_from')} />
        {why('valid_from')}
        <span class="meta">{when}</span>
      </div>
      <div class="wide preview" aria-busy={waiting}>
        {preview}
      </div>
      {doing.key !== '' && wrong['key'] && (
        <p class="callout wide" role="alert">
          {wrong['key']}
        </p>
      )}
      {wrong[''] && (
        <p class="callout wide" role="alert">
          {wrong['']}
        </p>
      )}
      {children}
      <p class="actions wide">
        <button type="submit" class="button primary" aria-disabled={busy}>
          {busy ? 'Saving…' : ending ? 'Withdraw it' : 'Save'}
        </button>
        <button type="button" class="button" onClick={cancel}>
          Cancel
        </button>
      </p>
    </form>
  )
}
