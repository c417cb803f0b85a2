/** What the calls of a webhook become: a sample is pasted, its members are given to the fields of a kind, and the event stands beside it. */
import { useEffect, useMemo, useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { HookPreview, RegistryEntry, Session } from '../../api/types'
import { forgetDraft, keepDraft, keptDraft } from '../../state/drafts'
import { useData } from '../../state/data'
import * as format from '../../format'
import { headingOf } from '../../words'
import { connectionOf, fieldsOf, membersOf, proposed, proposedId, proposedTime, sampleProblem, type Draft, type Member, type Said, type Schema } from './mapping'

const kinds = ['pipeline', 'conversion', 'vendor_spend', 'hours_saved', 'training', 'review', 'barrier']

/** How long after the last key the preview is asked for. */
const pause = 400

/** How often, and how far apart, a key is tried that the collector does not know yet. */
const keyTries = 12
const keyPause = 750

interface Typed {
  sample: string
  kind: string
  nameMember: string
  name: string
  id: string
  time: string
  /** The fields as JSON, since drafts are texts. */
  fields: string
}

const nothing: Typed = { sample: '', kind: '', nameMember: '', name: '', id: '', time: '', fields: '{}' }

export function Builder({ name, address, writeKey, session }: { name: string; address: string; writeKey: string | null; session: Session }) {
  const keptAt = `plumbline.mapping.${name}`
  const [typed, setTyped] = useState<Typed>(() => keptDraft<Typed>(keptAt, Object.keys(nothing) as (keyof Typed)[]) ?? nothing)
  useEffect(() => keepDraft(keptAt, typed), [keptAt, typed])
  const change = (to: Partial<Typed>) => setTyped((before) => ({ ...before, ...to }))
  const held = useData(`connection ${name}`, (signal) => api.entryIfAny('connections', name, signal))
  const schema = useData(typed.kind ? `schema ${address} ${typed.kind}` : null, (signal) => api.kindSchema(address, typed.kind, signal))
  const wrong = typed.sample.trim() === '' ? null : sampleProblem(typed.sample)
  const members = useMemo(() => (typed.sample.trim() === '' || wrong ? [] : membersOf(typed.sample)), [typed.sample, wrong])
  const fields = JSON.parse(typed.fields) as Record<string, Said>
  const draft: Draft = { kind: typed.kind, nameMember: typed.nameMember, name: typed.name, id: typed.id, time: typed.time, fields }
  const connection = connectionOf(draft)
  const shape = schema.data as Schema | null

  // A kind that was just chosen is filled in as far as names say so; what was said before stays.
  useEffect(() => {
    if (!shape || members.length === 0) return
    setTyped((before) => ({
      ...before,
      id: before.id || proposedId(members), time: before.time || proposedTime(members),
      fields: JSON.stringify({ ...proposed(members, shape), ...(JSON.parse(before.fields) as Record<string, Said>) }),
    }))
  }, [shape, members])

  return (
    <section aria-labelledby="becomes">
      <h2 id="becomes">3. What its calls become</h2>
      {held.data && <Standing entry={held.data} zone={session.zone} />}
      <label class="block">
        <span>Paste a call as the tool sends it</span>
        <textarea
          name="sample" rows={8} class="digits" spellcheck={false} value={typed.sample} aria-invalid={wrong ? true : undefined} aria-describedby="sample-said"
          placeholder={'{"type": "deal.won", "at": "2026-11-20T10:00:00Z", "deal": {"id": 17, "amount": 1000.10, "currency": "EUR"}}'}
          onInput={(e) => change({ sample: e.currentTarget.value })}
        />
      </label>
      <p id="sample-said" class="quiet-note">
        {wrong ?? (members.length > 0 ? `${format.counted(members.length, 'member', 'members')} can be used. It stays in this tab and is stored nowhere.` : 'It stays in this tab and is stored nowhere.')}
      </p>
      {members.length > 0 && (
        <>
          <div class="controls">
            <label>
              <span>It is an event of the kind</span>
              <select name="becomes" value={typed.kind} onChange={(e) => change({ kind: e.currentTarget.value, fields: '{}' })}>
                <option value="" selected={typed.kind === ''}>
                  choose one
                </option>
                {kinds.map((k) => (
                  <option key={k} value={k} selected={k === typed.kind}>
                    {headingOf(k)}
                  </option>
                ))}
              </select>
            </label>
            <MemberChoice title="Its id is" none="the content of the call" name="id" members={members} value={typed.id} set={(id) => change({ id })} />
            <MemberChoice title="It happened at" none="choose one" name="time" members={members} value={typed.time} set={(time) => change({ time })} also={[['@received', 'when it arrives']]} />
            <MemberChoice
              title="It holds for calls whose" none="every call" name="nameMember" members={members} value={typed.nameMember}
              set={(nameMember) => change({ nameMember, name: members.find((m) => m.path === nameMember)?.value ?? '' })}
            />
            {typed.nameMember && (
              <label>
                <span>is</span>
                <input type="text" name="eventName" autocomplete="off" value={typed.name} onInput={(e) => change({ name: e.currentTarget.value })} />
              </label>
            )}
          </div>
          {shape && <Fields schema={shape} members={members} fields={fields} set={(to) => change({ fields: JSON.stringify(to) })} />}
          {typed.kind && (
            <Outcome
              name={name} address={address} writeKey={writeKey} connection={connection} sample={typed.sample} today={session.today} held={held.data} admin={session.role === 'admin'}
              written={() => (forgetDraft(keptAt), held.again())}
            />
          )}
        </>
      )}
    </section>
  )
}

/** What the registry has under this name already. */
function Standing({ entry, zone }: { entry: RegistryEntry; zone: string }) {
  return (
    <details>
      <summary>
        There is a connection of this name, since {format.instant(entry.valid_from, zone)}: what is saved here takes its place
      </summary>
      <pre tabindex={0} role="region" aria-label="the connection as it holds">
        <code>{JSON.stringify(entry, ['name', 'via', 'event_column', 'events', 'event', 'kind', 'id', 'time', 'fields', 'column', 'value', 'ignore', 'signature', 'header'], 2)}</code>
      </pre>
    </details>
  )
}

function MemberChoice({ title, none, name, members, value, set, also = [] }: {
  title: string
  none: string
  name: string
  members: Member[]
  value: string
  set: (to: string) => void
  also?: [string, string][]
}) {
  return (
    <label>
      <span>{title}</span>
      <select name={name} value={value} onChange={(e) => set(e.currentTarget.value)}>
        <option value="" selected={value === ''}>
          {none}
        </option>
        {also.map(([v, words]) => (
          <option key={v} value={v} selected={v === value}>
            {words}
          </option>
        ))}
        {members.map((m) => (
          <option key={m.path} value={m.path} selected={m.path === value}>
            {m.path} ({m.value.slice(0, 40)})
          </option>
        ))}
      </select>
    </label>
  )
}

function Fields({ schema, members, fields, set }: { schema: Schema; members: Member[]; fields: Record<string, Said>; set: (to: Record<string, Said>) => void }) {
  const all = fieldsOf(schema)
  const [more, setMore] = useState(false)
  const shown = all.filter((f) => more || f.usual || (fields[f.name]?.text ?? '') !== '')
  const say = (name: string, said: Said) => set({ ...fields, [name]: said })
  return (
    <fieldset class="mapping">
      <legend>Its fields</legend>
      {shown.map((f) => {
        const said = fields[f.name] ?? { from: 'member', text: '' }
        return (
          <div key={f.name} class="field">
            <label for={`from-${f.name}`}>
              <code>{f.name}</code>
              {f.required && ', needed'}
            </label>
            <select
              id={`from-${f.name}`} name={`field-${f.name}`} value={said.from === 'value' ? '=' : said.text} aria-describedby={f.about ? `about-${f.name}` : undefined}
              onChange={(e) => say(f.name, e.currentTarget.value === '=' ? { from: 'value', text: f.choices[0] ?? ' ' } : { from: 'member', text: e.currentTarget.value })}
            >
              <option value="" selected={said.from === 'member' && said.text === ''}>
                not told
              </option>
              <option value="=" selected={said.from === 'value'}>
                always the same
              </option>
              {members.map((m) => (
                <option key={m.path} value={m.path} selected={said.from === 'member' && said.text === m.path}>
                  {m.path} ({m.value.slice(0, 40)})
                </option>
              ))}
            </select>
            {said.from === 'value' &&
              (f.choices.length > 0 ? (
                <select aria-label={`${f.name} is always`} value={said.text} onChange={(e) => say(f.name, { from: 'value', text: e.currentTarget.value })}>
                  {f.choices.map((c) => (
                    <option key={c} value={c} selected={c === said.text}>
                      {c}
                    </option>
                  ))}
                </select>
              ) : (
                <input type="text" autocomplete="off" aria-label={`${f.name} is always`} value={said.text.trim()} onInput={(e) => say(f.name, { from: 'value', text: e.currentTarget.value || ' ' })} />
              ))}
            {f.about && (
              <span class="quiet-note" id={`about-${f.name}`}>
                {f.about}
              </span>
            )}
          </div>
        )
      })}
      {!more && shown.length < all.length && (
        <p class="actions">
          <button type="button" class="button" onClick={() => setMore(true)}>
            {format.counted(all.length - shown.length, 'other field', 'other fields')}
          </button>
        </p>
      )}
    </fieldset>
  )
}

type Seen = { of: string; preview: HookPreview } | { of: string; problem: string }

/** The event that results, and the button that makes it hold. */
function Outcome({ name, address, writeKey, connection, sample, today, held, admin, written }: {
  name: string
  address: string
  writeKey: string | null
  connection: Record<string, unknown>
  sample: string
  today: string
  held: RegistryEntry | null
  admin: boolean
  written: () => void
}) {
  const asked = JSON.stringify([connection, sample, writeKey, address])
  const [seen, setSeen] = useState<Seen | null>(null)
  const [said, setSaid] = useState<{ text: string; bad: boolean } | null>(null)
  const [busy, setBusy] = useState(false)
  useEffect(() => {
    setSaid(null)
    if (!writeKey) return
    const stop = new AbortController()
    let tries = 0
    let timer = setTimeout(ask, pause)
    function ask() {
      api.previewCall(address, writeKey!, name, connection, sample, stop.signal).then(
        (preview) => setSeen({ of: asked, preview }),
        (cause: unknown) => {
          if (stop.signal.aborted) return
          // A key that was just made is known to the collector a moment later.
          if (cause instanceof Problem && cause.code === 'wrong_key' && tries++ < keyTries) timer = setTimeout(ask, keyPause)
          else setSeen({ of: asked, problem: asProblem(cause).detail })
        },
      )
    }
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [asked])
  const current = seen?.of === asked ? seen : null
  const fine = current !== null && 'preview' in current && works(current.preview)
  const save = async () => {
    if (busy || !fine) return
    setBusy(true)
    try {
      await api.writeEntry('connections', name, JSON.stringify({ ...connection, valid_from: today }), held?.versions?.[0]?.entry_id ?? null)
      setSaid({ text: 'Saved. Calls are read by it from now on.', bad: false })
      written()
    } catch (cause) {
      setSaid({ text: cause instanceof Problem ? (cause.status === 412 ? 'Somebody has changed this connection meanwhile. Look at what holds now, above, and save again if yours is to take its place.' : cause.detail) : String(cause), bad: true })
      if (cause instanceof Problem && cause.status === 412) written()
    }
    setBusy(false)
  }
  return (
    <div class="mapped" aria-busy={current === null && writeKey ? 'true' : undefined}>
      <h3>The event that results</h3>
      {!writeKey && <p class="quiet-note">It is shown here once there is a key above that may write this source.</p>}
      {current && 'problem' in current && <p class="callout" role="alert">{current.problem}</p>}
      {current && 'preview' in current && <Preview preview={current.preview} />}
      <p class="actions">
        <button type="button" class="button primary" aria-disabled={busy || !fine || !admin} onClick={() => void (admin && save())}>
          {busy ? 'Saving…' : 'Save the connection'}
        </button>
        {!admin && <span class="quiet-note">Connections are saved by administrators.</span>}
      </p>
      <div role="status">{said && <p class={said.bad ? 'callout' : 'quiet-note'}>{said.text}</p>}</div>
    </div>
  )
}

const works = (p: HookPreview) => p.problems.length === 0 && p.events.length > 0 && p.events.every((e) => e.problems.length === 0)

function Preview({ preview }: { preview: HookPreview }) {
  const problems = [...preview.problems, ...preview.events.flatMap((e) => e.problems)]
  return (
    <>
      {preview.not_counted && <p class="callout">Nothing: this call is not counted ({preview.not_counted}).</p>}
      {problems.length > 0 && (
        <ul class="todo" role="alert">
          {problems.map((p, i) => (
            <li key={i}>
              {p.pointer && <code>{p.pointer}</code>} {p.message}
            </li>
          ))}
        </ul>
      )}
      {preview.events.map((e, i) => e.event && (
        <pre key={i} tabindex={0} role="region" aria-label="the event that results">
          <code>{JSON.stringify(e.event, null, 2)}</code>
        </pre>
      ))}
    </>
  )
}
