/** The five inputs of an outcome, and what they would add. */
import type { ComponentChildren } from 'preact'
import type { OutcomePreview } from '../../api/types'
import { useFields } from '../../components/fields'
import * as format from '../../format'
import type { Draft, Field } from './draft'

export interface Workflow {
  key: string
  name: string
  unit: string | null
}

export function OutcomeForm({ draft, set, workflows, wrong, today, editing, busy, submit, preview, children }: {
  draft: Draft
  set: (change: Partial<Draft>) => void
  workflows: Workflow[]
  wrong: Partial<Record<Field | '', string>>
  today: string
  editing: boolean
  busy: boolean
  submit: () => void
  preview: ComponentChildren
  children?: ComponentChildren
}) {
  const chosen = workflows.find((w) => w.key === draft.workflow)
  const { id, said, typed, why } = useFields<Field>(wrong, set)
  return (
    <form
      class="outcome-form"
      noValidate
      onSubmit={(e) => {
        e.preventDefault()
        submit()
      }}
    >
      <div class="field wide">
        <label for={`${id}workflow`}>Workflow</label>
        <select {...said('workflow')} value={draft.workflow} onChange={typed('workflow')}>
          <option value="" selected={draft.workflow === ''}>
            Choose one
          </option>
          {workflows.map((w) => (
            <option key={w.key} value={w.key} selected={w.key === draft.workflow}>
              {w.name}
            </option>
          ))}
        </select>
        {why('workflow')}
      </div>
      <div class="field">
        <label for={`${id}minutes`}>Minutes, with AI</label>
        <input {...said('minutes')} type="text" inputMode="decimal" autocomplete="off" value={draft.minutes} onInput={typed('minutes')} />
        {why('minutes')}
      </div>
      <div class="field">
        <label for={`${id}units`}>Units{chosen?.unit ? ` (${chosen.unit})` : ''}</label>
        <input {...said('units')} type="text" inputMode="decimal" autocomplete="off" value={draft.units} onInput={typed('units')} />
        {why('units')}
      </div>
      <div class="field">
        <label for={`${id}day`}>Day</label>
        <input {...said('day')} type="date" max={today} value={draft.day} disabled={editing} onInput={typed('day')} />
        {why('day')}
      </div>
      <div class="field wide">
        <label for={`${id}result`}>Result: a link, or what it was (optional)</label>
        <input {...said('result')} type="text" autocomplete="off" value={draft.result} onInput={typed('result')} />
        {why('result')}
      </div>
      {editing && <p class="quiet-note wide">The day stays. To move it to another day, withdraw it and log it again.</p>}
      <div class="wide">{preview}</div>
      {wrong[''] && (
        <p class="callout wide" role="alert">
          {wrong['']}
        </p>
      )}
      {children}
      <p class="actions wide">
        <button type="submit" class="button primary" aria-disabled={busy}>
          {busy ? 'Sending…' : editing ? 'Save the change' : 'Log it'}
        </button>
        <span class="quiet-note">Enter sends it, too.</span>
      </p>
    </form>
  )
}

const sources: Record<string, string> = { trial: 'a randomised time trial', measured: 'measured unassisted work', declared: 'declared', given: 'given by the outcome itself' }

/** What it would add, in the server's words, and what prices it. It keeps its place, so that nothing moves. */
export function PreviewText({ preview, waiting, away }: { preview: OutcomePreview | null; waiting: boolean; away: string | null }) {
  return (
    <div class="preview" aria-busy={waiting ? 'true' : undefined}>
      <p class="adds" role="status">
        {away ?? preview?.text ?? 'What it adds stands here, once the workflow and the minutes are known.'}
      </p>
      <p class="quiet-note">{preview && !away && <BaselineText preview={preview} />}</p>
    </div>
  )
}

function BaselineText({ preview }: { preview: OutcomePreview }) {
  const b = preview.baseline
  if (!b) return <>Its baseline: none. Whoever keeps the registry can declare one, or it is measured from eight pieces of work without AI.</>
  const detail = b.detail.replace(/^(declared|measured): /, '')
  const source = sources[b.source] ?? b.source
  return (
    <>
      Without AI: {b.minutes === null ? 'not told apart here' : `${format.plainNumber(Number(b.minutes))} min per unit`}, {source}
      {detail !== source && ` (${detail})`}. {preview.note}
    </>
  )
}
