/** What did AI change just now? An outcome in fifteen seconds: five inputs, or two clicks for one that was logged before. */
import { useState } from 'preact/hooks'
import { api } from '../../api/api'
import type { Outcome, OutcomeList, RegistryList, Session } from '../../api/types'
import { Notice, Show } from '../../components/notice'
import * as format from '../../format'
import { useData } from '../../state/data'
import { hereHref, signInHref, usePlace } from '../../state/url'
import { LogDesk } from './desk'
import type { Workflow } from './form'

export function LogPage({ session }: { session: Session | null }) {
  const place = usePlace()
  const editing = place.query.get('edit')
  return (
    <>
      <header class="page-head">
        <h1>{editing ? 'What should it say?' : 'What did AI change just now?'}</h1>
      </header>
      {session && !session.person ? <ForPeople /> : <Loaded session={session} editing={editing} />}
    </>
  )
}

/** Who is signed in as no person has no work of their own. */
export function ForPeople() {
  const place = usePlace()
  return (
    <Notice title="Outcomes are a person's own">
      <p>You are here as a visitor, or with a link or key that is nobody in particular. Sign in as yourself, and what you log counts as yours.</p>
      <p class="actions">
        <a class="button" href={signInHref(place)}>
          Sign in
        </a>
      </p>
    </Notice>
  )
}

interface Known {
  workflows: RegistryList
  list: OutcomeList
  edited: Outcome | null
}

async function known(editing: string | null, signal: AbortSignal): Promise<Known> {
  const [workflows, list, edited] = await Promise.all([api.entries('workflows', signal), api.outcomes({ limit: 30 }, signal), editing ? api.outcome(editing, undefined, signal) : null])
  return { workflows, list, edited: edited && 'units' in edited ? edited : null }
}

function Loaded({ session, editing }: { session: Session | null; editing: string | null }) {
  const [round, setRound] = useState(0)
  const loaded = useData(session ? `log ${editing ?? ''} ${round}` : null, (signal) => known(editing, signal))
  return (
    // Once there is a form, it stays as it is: what is loaded again are the last five.
    <Show loaded={loaded.data ? { ...loaded, loading: false, problem: null } : { ...loaded, loading: loaded.loading || !session }} what="your outcomes">
      {(k) => <LogAnswer key={editing ?? ''} k={k} session={session!} editing={editing} changed={() => setRound((n) => n + 1)} />}
    </Show>
  )
}

export function LogAnswer({ k, session, editing, changed }: { k: Known; session: Session; editing: string | null; changed: () => void }) {
  const place = usePlace()
  if (editing && (!k.edited || k.edited.state === 'withdrawn')) {
    return (
      <Notice title={k.edited ? 'It was withdrawn' : 'You have no such outcome'}>
        <p>{k.edited ? 'It counts nowhere any more, and can not be changed. ' : ''}Log it as a new one instead.</p>
        <p class="actions">
          <a class="button" href={hereHref(place, { edit: null })}>
            Log a new one
          </a>
        </p>
      </Notice>
    )
  }
  return <LogDesk workflows={choices(k.workflows, k.list.outcomes)} recent={lastFive(k.list.outcomes)} today={session.today} edited={k.edited} changed={changed} />
}

/** The workflows of the registry, and those that one has logged and nobody has declared. */
export function choices(list: RegistryList, outcomes: Outcome[]): Workflow[] {
  const text = (v: unknown) => (typeof v === 'string' && v ? v : null)
  const found = new Map<string, Workflow>()
  for (const e of list.entries) {
    const entry = e as unknown as { key: string; deleted?: boolean; name?: unknown; unit?: unknown }
    if (!entry.deleted) found.set(entry.key, { key: entry.key, name: text(entry.name) ?? entry.key, unit: text(entry.unit) })
  }
  for (const o of outcomes) if (o.workflow && !found.has(o.workflow)) found.set(o.workflow, { key: o.workflow, name: o.workflow, unit: null })
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name))
}

/** The last five of one's own that can be logged again; the same work is offered once. */
export function lastFive(outcomes: Outcome[]): Outcome[] {
  const known = new Set<string>()
  return outcomes
    .filter((o) => {
      const words = workWords(o)
      const fresh = o.assisted && o.workflow !== null && o.state !== 'withdrawn' && !known.has(words)
      if (fresh) known.add(words)
      return fresh
    })
    .slice(0, 5)
}

/** "Brief, 48 min": what it was, in the words of a button. */
export function workWords(o: Pick<Outcome, 'workflow' | 'workflow_name' | 'minutes' | 'units'>): string {
  const units = o.units === 1 ? '' : `${format.plainNumber(o.units)} × `
  return `${units}${o.workflow_name ?? o.workflow ?? 'no workflow'}, ${format.plainNumber(o.minutes)} min`
}
