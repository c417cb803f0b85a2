/** A new key: what for, what it may, and until when. What was typed stays when the server refuses it. */
import { useId, useState } from 'preact/hooks'
import type { KeyRequest } from '../../api/types'
import { complaint, requestOf, type Typed } from './words'

const empty: Typed = { name: '', scope: 'write', role: 'leader', sources: '', kinds: '', days: '365' }

export function KeyForm({ make }: { make: (request: KeyRequest) => Promise<boolean> }) {
  const [typed, setTyped] = useState<Typed>(empty)
  const [wrong, setWrong] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const id = useId()
  const set = (change: Partial<Typed>) => setTyped((before) => ({ ...before, ...change }))
  const submit = async (event: Event) => {
    event.preventDefault()
    if (busy) return
    const bad = complaint(typed)
    setWrong(bad)
    if (bad) return
    setBusy(true)
    if (await make(requestOf(typed, new Date()))) setTyped(empty)
    setBusy(false)
  }
  return (
    <section aria-labelledby={`${id}h`}>
      <h2 id={`${id}h`}>A new key</h2>
      <form class="fix" onSubmit={(e) => void submit(e)}>
        <fieldset class="change">
          <legend>What it is for, and what it may</legend>
          <label>
            <span>What for</span>
            <input type="text" maxLength={100} value={typed.name} onInput={(e) => set({ name: e.currentTarget.value })} aria-describedby={`${id}w`} />
          </label>
          <label>
            <span>It may</span>
            <select value={typed.scope} onChange={(e) => set({ scope: e.currentTarget.value as Typed['scope'] })}>
              <option value="write" selected={typed.scope === 'write'}>send events</option>
              <option value="read" selected={typed.scope === 'read'}>read the scorecard</option>
              <option value="admin" selected={typed.scope === 'admin'}>administer</option>
            </select>
          </label>
          {typed.scope === 'read' && (
            <label>
              <span>As</span>
              <select value={typed.role} onChange={(e) => set({ role: e.currentTarget.value as Typed['role'] })}>
                <option value="leader" selected={typed.role === 'leader'}>a leader</option>
                <option value="ic" selected={typed.role === 'ic'}>an individual contributor</option>
                <option value="analyst" selected={typed.role === 'analyst'}>an analyst</option>
              </select>
            </label>
          )}
          {typed.scope === 'write' && (
            <>
              <label>
                <span>Of these sources only, such as /crm/*</span>
                <input type="text" class="digits" value={typed.sources} onInput={(e) => set({ sources: e.currentTarget.value })} />
              </label>
              <label>
                <span>Of these kinds only, such as pipeline</span>
                <input type="text" class="digits" value={typed.kinds} onInput={(e) => set({ kinds: e.currentTarget.value })} />
              </label>
            </>
          )}
          <label>
            <span>Expires after, days</span>
            <input type="text" inputMode="numeric" value={typed.days} onInput={(e) => set({ days: e.currentTarget.value })} />
          </label>
        </fieldset>
        <p id={`${id}w`} role="status" class={wrong ? 'callout' : 'sr'}>
          {wrong}
        </p>
        <p class="actions">
          <button type="submit" class="button" aria-disabled={busy}>
            Make the key
          </button>
        </p>
      </form>
    </section>
  )
}
