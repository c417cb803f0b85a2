/** Which programs may come in, and with what? For administrators: make, rotate and revoke API keys. */
import { useState } from 'preact/hooks'
import { api, asProblem } from '../../api/api'
import type { Key, KeyList, NewKey } from '../../api/types'
import { Notice, Show } from '../../components/notice'
import { Table, type Column } from '../../components/table'
import * as format from '../../format'
import { useData } from '../../state/data'
import { KeyForm } from './form'
import { mayWords } from './words'

export function KeysPage({ zone }: { zone: string }) {
  const loaded = useData('keys', allKeys)
  const [made, setMade] = useState<NewKey | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  /** Does something with keys; false where it failed, and why is told. */
  const act = async (what: () => Promise<NewKey | Key>): Promise<boolean> => {
    setProblem(null)
    try {
      const done = await what()
      setMade('text' in done ? done : null)
      loaded.again()
      return true
    } catch (cause) {
      setProblem(asProblem(cause).detail)
      return false
    }
  }
  return (
    <>
      <header class="page-head">
        <h1>Which programs may come in?</h1>
        <p class="lede">Each tool has a key of its own, with no more than it needs. A revoked key is refused everywhere a moment later.</p>
      </header>
      <div role="status">
        {made && <Made made={made} />}
        {problem && <p class="callout">{problem}</p>}
      </div>
      <Show loaded={loaded} what="the keys">
        {(keys) => (
          <>
            <KeysAnswer keys={keys} zone={zone} act={(what) => void act(what)} />
            <KeyForm make={(request) => act(() => api.makeKey(request))} />
          </>
        )}
      </Show>
    </>
  )
}

/** All pages of the list: there are few keys. */
async function allKeys(signal: AbortSignal): Promise<Key[]> {
  const keys: Key[] = []
  let next: string | null | undefined
  do {
    const page: KeyList = await api.keys(next ?? undefined, signal)
    keys.push(...page.keys)
    next = page.next
  } while (next)
  return keys
}

/** The text of a key, which is told once. */
function Made({ made }: { made: NewKey }) {
  return (
    <Notice title={`The text of the key “${made.key.name}”`}>
      <p class="digits">{made.text}</p>
      <p>
        Keep it now: only a hash of it is kept here, and nobody can read it again.
        {made.key.overlap_until && ' The text before works on until the overlap is over.'}
      </p>
    </Notice>
  )
}

type Act = (what: () => Promise<NewKey | Key>) => void

const states: Record<Key['state'], string> = { active: 'works', expired: 'expired', revoked: 'revoked' }

export function KeysAnswer({ keys, zone, act }: { keys: Key[]; zone: string; act: Act }) {
  if (keys.length === 0) {
    return (
      <Notice title="There is no key yet">
        <p>The write key and the admin token of the configuration work without one. Make a key for each tool, so that each can be revoked by itself.</p>
      </Notice>
    )
  }
  const columns: Column<Key>[] = [
    { name: 'name', title: 'What for', cell: (k) => k.name, csv: (k) => k.name },
    { name: 'prefix', title: 'Begins with', cell: (k) => <span class="digits">{k.prefix}…</span>, csv: (k) => k.prefix },
    { name: 'may', title: 'May', cell: (k) => mayWords(k), csv: (k) => mayWords(k) },
    { name: 'state', title: 'State', cell: (k) => stateWords(k, zone), csv: (k) => k.state },
    { name: 'last_used_at', title: 'Last used', cell: (k) => (k.last_used_at ? format.instant(k.last_used_at, zone) : 'never'), csv: (k) => k.last_used_at },
    { name: 'act', title: <span class="sr">Change</span>, cell: (k) => k.state === 'active' && <Change k={k} act={act} />, csv: () => null },
  ]
  return <Table caption="API keys" hideCaption columns={columns} rows={keys} />
}

function stateWords(k: Key, zone: string): string {
  if (k.state === 'revoked' && k.revoked_at) return `revoked ${format.instant(k.revoked_at, zone)}`
  if (k.overlap_until && k.state === 'active') return `works; the text before until ${format.instant(k.overlap_until, zone)}`
  if (k.expires_at) return `${states[k.state]}, ${k.state === 'active' ? 'until' : 'since'} ${format.instant(k.expires_at, zone)}`
  return states[k.state]
}

/** Revoking can not be taken back: it is asked for twice. */
function Change({ k, act }: { k: Key; act: Act }) {
  const [sure, setSure] = useState(false)
  return (
    <span class="actions">
      <button type="button" class="button" onClick={() => act(() => api.rotateKey(k.id, '24h'))} aria-label={`New text for the key ${k.name}`}>
        New text
      </button>
      {sure ? (
        <button type="button" class="button" onClick={() => (setSure(false), act(() => api.revokeKey(k.id)))} aria-label={`For good: revoke the key ${k.name}`}>
          For good
        </button>
      ) : (
        <button type="button" class="button" onClick={() => setSure(true)} aria-label={`Revoke the key ${k.name}`}>
          Revoke
        </button>
      )}
    </span>
  )
}
