/** How alerts and digests stand, what became of their last message, and the secrets of webhooks. */
import { useState } from 'preact/hooks'
import { api, asProblem } from '../../api/api'
import type { AlertState, Delivery, Session } from '../../api/types'
import { Notice, Show } from '../../components/notice'
import { Table, type Column } from '../../components/table'
import * as format from '../../format'
import { useData } from '../../state/data'
import type { Section } from './kinds'

export function Outgoing({ section, session, held }: { section: Section; session: Session; held: string[] }) {
  if (held.length === 0) return null
  if (section.kind === 'webhooks') return session.role === 'admin' ? <Secrets keys={held} /> : null
  return <States kind={section.kind === 'alerts' ? 'alerts' : 'digests'} session={session} />
}

function States({ kind, session }: { kind: 'alerts' | 'digests'; session: Session }) {
  const loaded = useData(`outgoing ${kind}`, api.alerts)
  const [said, setSaid] = useState<string | null>(null)
  const test = async (key: string) => {
    setSaid(`Sending a test of ${key}…`)
    try {
      const t = await api.testAlert(key)
      setSaid(t.delivered ? `The receiver has taken the test of ${key}${t.status === null ? '' : ` (${t.status})`}.` : `The test of ${key} was not taken: ${t.error ?? `the receiver answered ${t.status}`}.`)
    } catch (cause) {
      setSaid(asProblem(cause).detail)
    }
  }
  const columns: Column<AlertState>[] = [
    { name: 'key', title: 'Of', cell: (a) => a.name || a.key, csv: (a) => a.key },
    { name: 'state', title: 'Stands', cell: (a) => stateWords(a, session.zone), csv: (a) => a.state },
    { name: 'last', title: 'Last message', cell: (a) => messageWords(a.pending[0] ?? a.last, session.zone), csv: (a) => a.last?.state ?? null },
    {
      name: 'act', title: <span class="sr">Test</span>, csv: () => null,
      cell: (a) => kind === 'alerts' && (
        <button type="button" class="button small" onClick={() => void test(a.key)} aria-label={`Send a test of ${a.name || a.key}`}>
          Send a test
        </button>
      ),
    },
  ]
  return (
    <section aria-labelledby="stands">
      <div class="section-head">
        <h2 id="stands">How they stand</h2>
        <button type="button" class="button" onClick={loaded.again}>
          Look again
        </button>
      </div>
      <Show loaded={loaded} what="how they stand">
        {(list) => <Table caption="How they stand" hideCaption columns={columns} rows={list[kind]} />}
      </Show>
      <p class="quiet-note" role="status">
        {said ?? (kind === 'alerts' ? 'A test is signed as any message, and tells no number.' : 'A digest is taken up within a minute of its hour.')}
      </p>
    </section>
  )
}

/** Why nothing can be said of an alert, for whoever waits for it. */
const judged: Record<string, string> = {
  withheld: 'its number is withheld', no_data: 'there is no data', no_target: 'there is no target', behind: 'not everything may have been loaded yet', unanswerable: 'it can not be asked for',
}

export function stateWords(a: Pick<AlertState, 'active' | 'state' | 'since' | 'judged' | 'reason' | 'due_at'>, zone: string): string {
  if (!a.active) return 'off'
  if (a.due_at) return `last due ${format.instant(a.due_at, zone)}`
  if (a.state === null) return a.judged && a.judged !== 'ok' ? `nothing can be said: ${judged[a.judged] ?? a.reason ?? a.judged}` : 'not looked at yet'
  const now = a.state === 'firing' ? `fires${a.since ? ` since ${format.instant(a.since, zone)}` : ''}` : 'quiet'
  return a.judged && a.judged !== 'ok' ? `${now}; nothing can be said now: ${judged[a.judged] ?? a.reason ?? a.judged}` : now
}

const became: Record<Delivery['state'], string> = { pending: 'still to be sent', delivered: 'taken by the receiver', refused: 'refused by the receiver', given_up: 'given up after a day' }

export function messageWords(d: Delivery | null | undefined, zone: string): string {
  if (!d) return 'none yet'
  const tries = d.attempts > 1 ? `, ${format.counted(d.attempts, 'try', 'tries')}` : ''
  return `${format.instant(d.tried_at ?? d.made_at, zone)}: ${became[d.state]}${d.error ? ` (${d.error})` : ''}${tries}`
}

/** Secrets are asked for one by one: that they were seen is recorded. */
function Secrets({ keys }: { keys: string[] }) {
  const [shown, setShown] = useState<{ key: string; secret: string; before: string | null } | null>(null)
  const [problem, setProblem] = useState<string | null>(null)
  const show = async (key: string) => {
    setProblem(null)
    setShown(null)
    try {
      const s = await api.webhookSecret(key)
      setShown({ key, secret: s.secret, before: s.secret_before ?? null })
    } catch (cause) {
      setProblem(asProblem(cause).detail)
    }
  }
  return (
    <section aria-labelledby="secrets">
      <h2 id="secrets">What messages are signed with</h2>
      <p>The receiver verifies messages with it. That you have seen it is recorded in the audit log.</p>
      <p class="actions">
        {keys.map((key) => (
          <button key={key} type="button" class="button" onClick={() => void show(key)}>
            Show the secret of {key}
          </button>
        ))}
      </p>
      <div role="status">
        {problem && <p class="callout">{problem}</p>}
        {shown && (
          <Notice title={`The secret of ${shown.key}`}>
            <p class="digits wrap-any">{shown.secret}</p>
            {shown.before && <p>For a day after a rotation the one before is good, too: <span class="digits wrap-any">{shown.before}</span></p>}
          </Notice>
        )}
      </div>
    </section>
  )
}
