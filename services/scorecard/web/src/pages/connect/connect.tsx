/** How does a tool get in? What to copy, with the right key in it, and whether the first event has arrived. */
import { useEffect, useState } from 'preact/hooks'
import { api, asProblem } from '../../api/api'
import type { Session } from '../../api/types'
import { Loading } from '../../components/notice'
import { keepDraft, keptDraft, newId } from '../../state/drafts'
import { go, hereHref, usePlace } from '../../state/url'
import { Arrival } from './arrival'
import { Builder } from './builder'
import { Copyable } from './copy'
import { howOf, hows, isName, sampleOf, samples, snippetsOf, sourceOf, takeBack, type How, type Sample, type Tool } from './snippets'

export function ConnectPage({ session }: { session: Session | null }) {
  return (
    <>
      <header class="page-head">
        <h1>How does a tool get in?</h1>
        <p class="lede">Choose what it speaks, copy what is here, and see its first event arrive. What is sent twice under the same id counts once.</p>
      </header>
      {session ? <Steps session={session} /> : <Loading what="who you are" />}
    </>
  )
}

/** What is kept in the tab and in no address: an address is shown to others. A key is that of one source. */
interface Kept {
  source: string
  key: string
  address: string
}

const keptFor = (source: string): Kept => {
  const address = keptDraft<Kept>('plumbline.connect', ['address'])?.address ?? location.origin
  return keptDraft<Kept>(`plumbline.connect ${source}`, ['key', 'source', 'address']) ?? { source, key: '', address }
}

function Steps({ session }: { session: Session }) {
  const place = usePlace()
  const how = howOf(place.query.get('how'))
  const sample = sampleOf(place.query.get('kind'))
  const name = place.query.get('name') ?? hows.find((h) => h.how === how)!.first
  const source = sourceOf(how, name)
  const [last, setKept] = useState<Kept>(() => keptFor(source))
  const kept = last.source === source ? last : keptFor(source)
  const [id] = useState(newId)
  const [time] = useState(() => new Date().toISOString())
  const [taken, setTaken] = useState<string | null>(null)
  const change = (to: Partial<Kept>) => setKept({ ...kept, ...to })
  useEffect(() => {
    keepDraft('plumbline.connect', last)
    keepDraft(`plumbline.connect ${last.source}`, last)
  }, [last])
  const address = kept.address.trim().replace(/\/+$/, '')
  const tool: Tool = { how, name, address, key: kept.key.trim() || null, sample, id, time }
  useEffect(() => setTaken(null), [source])
  const set = (changes: Record<string, string | null>) => go(hereHref(place, changes), 'replace')
  return (
    <div class="connect">
      <Choice how={how} choose={(h) => set({ how: h, name: null, kind: null })} />
      <section aria-labelledby="named">
        <h2 id="named">2. Its name and its key</h2>
        <NameAndKey how={how} name={name} source={source} kept={kept} session={session} change={change} rename={(to) => set({ name: to })} />
      </section>
      {isName(name) && (
        <>
          {how === 'webhook' && <Builder key={name} name={name} address={address} writeKey={tool.key} session={session} />}
          <section aria-labelledby="send">
            <h2 id="send">{how === 'webhook' ? '4' : '3'}. {how === 'webhook' ? 'Give the tool the address, and the key as a header' : 'Send the first event'}</h2>
            {how !== 'segment' && how !== 'webhook' && <SampleChoice how={how} sample={sample} choose={(kind) => set({ kind })} />}
            <Snippets tool={tool} />
          </section>
          <section aria-labelledby="arrives">
            <h2 id="arrives">{how === 'webhook' ? '5' : '4'}. It arrives</h2>
            <Arrival key={source} source={source} session={session} taken={setTaken} />
            {taken !== null && tool.key !== null && (
              <details>
                <summary>It was sent only to try: take it back</summary>
                <p class="quiet-note">A void takes the event out of every number. It stays on record that it was there.</p>
                <Copyable text={takeBack(tool, source, taken)} label="request that takes the event back" />
              </details>
            )}
          </section>
        </>
      )}
    </div>
  )
}

function Choice({ how, choose }: { how: How; choose: (how: How) => void }) {
  return (
    <fieldset class="choices">
      <legend>1. What does it speak?</legend>
      {hows.map((h) => (
        <label key={h.how} class={h.how === how ? 'choice chosen' : 'choice'}>
          <input type="radio" name="how" value={h.how} checked={h.how === how} onChange={() => choose(h.how)} />
          <span>
            <strong>{h.name}</strong>
            <span class="sub"> {h.about}</span>
          </span>
        </label>
      ))}
    </fieldset>
  )
}

function NameAndKey({ how, name, source, kept, session, change, rename }: {
  how: How
  name: string
  source: string
  kept: Kept
  session: Session
  change: (to: Partial<Kept>) => void
  rename: (to: string) => void
}) {
  const [busy, setBusy] = useState(false)
  const [said, setSaid] = useState<{ text: string; bad: boolean } | null>(null)
  const valid = isName(name)
  const make = async () => {
    if (busy || !valid) return
    setBusy(true)
    try {
      const made = await api.makeKey({ name: `${name} (${source})`, scopes: ['write'], sources: [source] })
      change({ key: made.text })
      setSaid({ text: `Made. It may send events of ${source} and nothing else, and stands in what is below. Only a hash of it is kept: it is not shown again once this tab is closed.`, bad: false })
    } catch (cause) {
      setSaid({ text: asProblem(cause).detail, bad: true })
    }
    setBusy(false)
  }
  return (
    <>
      <div class="controls">
        <label>
          <span>Name</span>
          <input
            type="text" name="name" autocomplete="off" spellcheck={false} value={name} aria-invalid={!valid || undefined} aria-describedby="name-said"
            onInput={(e) => rename(e.currentTarget.value.trim().toLowerCase())}
          />
        </label>
        <label>
          <span>Address of the collector</span>
          <input type="url" name="address" autocomplete="off" value={kept.address} onInput={(e) => change({ address: e.currentTarget.value })} />
        </label>
        {how !== 'kafka' && (
          <label>
            <span>Write key</span>
            <input type="text" name="key" class="digits" autocomplete="off" spellcheck={false} value={kept.key} placeholder="paste one, or make one" onInput={(e) => change({ key: e.currentTarget.value })} />
          </label>
        )}
        {how !== 'kafka' && session.role === 'admin' && (
          <div class="control">
            <span aria-hidden="true">&nbsp;</span>
            <button type="button" class="button" aria-disabled={busy || !valid} onClick={() => void make()}>
              Make a key for it
            </button>
          </div>
        )}
      </div>
      <p id="name-said" class="quiet-note">
        {valid ? (
          <>
            Its events come from the source <code>{source}</code>.
          </>
        ) : (
          'A name has small letters, digits, hyphens and underscores, a letter or digit first: it is part of an address.'
        )}
      </p>
      {how !== 'kafka' && session.role !== 'admin' && <p class="quiet-note">Keys are made by administrators: ask one for a key of the source {source}.</p>}
      <div role="status">{said && <p class={said.bad ? 'callout' : 'quiet-note'}>{said.text}</p>}</div>
    </>
  )
}

function SampleChoice({ how, sample, choose }: { how: How; sample: Sample; choose: (kind: Sample) => void }) {
  return (
    <div class="controls">
      <label>
        <span>{how === 'file' ? 'NDJSON with' : 'To begin with'}</span>
        <select name="kind" value={sample} onChange={(e) => choose(e.currentTarget.value as Sample)}>
          {(Object.keys(samples) as Sample[]).map((kind) => (
            <option key={kind} value={kind} selected={kind === sample}>
              {samples[kind].name}
            </option>
          ))}
        </select>
      </label>
    </div>
  )
}

function Snippets({ tool }: { tool: Tool }) {
  const place = usePlace()
  const all = snippetsOf(tool)
  const [title, setTitle] = useState(all[0]!.title)
  const shown = all.find((s) => s.title === title) ?? all[0]!
  return (
    <>
      {all.length > 1 && tool.how !== 'webhook' && (
        <div class="presets" role="group" aria-label="Written in">
          {all.map((s) => (
            <button key={s.title} type="button" class={s === shown ? 'preset current' : 'preset'} aria-pressed={s === shown} onClick={() => setTitle(s.title)}>
              {s.title}
            </button>
          ))}
        </div>
      )}
      {(tool.how === 'webhook' ? all : [shown]).map((s) => (
        <Copyable key={s.title} text={s.text} label={tool.how === 'webhook' ? s.title : `the first event in ${s.title}`} />
      ))}
      <p class="quiet-note">
        {tool.key === null && tool.how !== 'kafka' && 'Put your write key in the place of YOUR_WRITE_KEY. '}
        {tool.how === 'kafka' && 'Put the addresses of your brokers in the place of YOUR_BROKERS. '}
        It counts as it is: write in it what is true. <a href={hereHref(place, {})}>This address</a> shows a colleague the same page, without the key.
      </p>
    </>
  )
}
