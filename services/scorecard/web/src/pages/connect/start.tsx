/** From an empty workspace to the first number, in five steps that can each be left out. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { api, asProblem } from '../../api/api'
import type { RegistryKind, Scorecard, Session } from '../../api/types'
import { Loading, Show } from '../../components/notice'
import * as format from '../../format'
import { keepDraft, keptDraft, newId } from '../../state/drafts'
import { useData } from '../../state/data'
import { pageHref, usePlace } from '../../state/url'
import { Arrival } from './arrival'
import { Copyable } from './copy'
import { settledOf, written, type Settled, type Written } from './settled'
import { snippetsOf, sourceOf, type Tool } from './snippets'

export function StartPage({ session }: { session: Session | null }) {
  return (
    <>
      <header class="page-head">
        <h1>From nothing to the first number</h1>
        <p class="lede">Five steps, of which each can be left out. What is done already is found in the workspace itself; nothing here is invented for you.</p>
      </header>
      {session ? <Guide session={session} /> : <Loading what="who you are" />}
    </>
  )
}

/** What is known of the workspace, read again after each step. */
function Guide({ session }: { session: Session }) {
  const loaded = useData('first steps', settledOf(session))
  return (
    <Show loaded={loaded} what="how far the workspace is">
      {(settled) => <Steps session={session} settled={settled} again={loaded.again} />}
    </Show>
  )
}

interface Typed {
  currency: string
  zone: string
  key: string
  vendor: string
  amount: string
  workflow: string
  unit: string
  low: string
  mode: string
  high: string
  rate: string
  skipped: string
}

const keptAt = 'plumbline.start'
const started: Typed = { currency: '', zone: '', key: '', vendor: 'Writer Inc', amount: '120.00', workflow: 'Blog article', unit: 'article', low: '90', mode: '120', high: '180', rate: '60.00', skipped: '' }

const slug = (text: string) => text.trim().toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '') || 'workflow'

function Steps({ session, settled, again }: { session: Session; settled: Settled; again: () => void }) {
  const [typed, setTyped] = useState<Typed>(() => keptDraft<Typed>(keptAt, Object.keys(started) as (keyof Typed)[]) ?? { ...started, currency: session.currency, zone: session.zone })
  useEffect(() => keepDraft(keptAt, typed), [typed])
  const change = (to: Partial<Typed>) => setTyped((before) => ({ ...before, ...to }))
  const [id] = useState(newId)
  const skipped = new Set(typed.skipped.split(' '))
  const input = (name: keyof Typed, title: string, attributes: Record<string, string> = {}) => (
    <label>
      <span>{title}</span>
      <input type="text" name={name} autocomplete="off" value={typed[name]} onInput={(e) => change({ [name]: e.currentTarget.value })} {...attributes} />
    </label>
  )
  const step = (n: string, title: string, done: string | null, children: ComponentChildren) => (
    <Step n={n} title={title} done={done} skipped={skipped.has(n)} skip={(out) => change({ skipped: [...skipped].filter((s) => s && s !== n).concat(out ? [n] : []).join(' ') })}>
      {children}
    </Step>
  )
  const tool: Tool = { how: 'http', name: 'bills', address: location.origin, key: typed.key || null, sample: 'vendor_spend', id, time: `${session.today}T00:00:00Z` }
  const bill = { vendor: typed.vendor, category: 'ai_tool', billed_cost: typed.amount, currency: typed.currency || session.currency }
  const writes = (entries: Entry[]) => <Writes entries={entries} today={session.today} written={again} />
  const workflow = slug(typed.workflow)
  return (
    <ol class="steps">
      {step('1', 'Say where you are', settled.calendar && `Days are those of ${settled.calendar.zone}, money is shown in ${settled.calendar.currency}.`, (
        <>
          <p>A day is a day of one time zone, and numbers are shown in one currency. Both can be changed later, from a date.</p>
          <div class="controls">
            {input('currency', 'Currency (ISO 4217)', { maxLength: '3' })}
            {input('zone', 'Time zone (IANA)')}
          </div>
          {writes([{ kind: 'calendar', key: 'default', value: { zone: typed.zone, currency: typed.currency } }])}
        </>
      ))}
      {step('2', 'Make a key for a tool', typed.key ? 'Made: it stands in the request of the next step.' : settled.keys > 0 ? `There ${settled.keys === 1 ? 'is 1 key' : `are ${format.count(settled.keys)} keys`} already.` : null, (
        <MakeKey source={sourceOf('http', 'bills')} made={(key) => change({ key })} />
      ))}
      {step('3', 'Send the first bill', settled.events > 0 ? `${format.counted(settled.events, 'event has', 'events have')} arrived.` : null, (
        <>
          <p>What a tool costs is nobody’s secret: it is the number that shows at once. Write in it what is true, since it counts.</p>
          <div class="controls">
            {input('vendor', 'Vendor')}
            {input('amount', `Amount, ${bill.currency}`, { inputMode: 'decimal' })}
          </div>
          <Copyable text={snippetsOf({ ...tool, data: bill })[0]!.text} label="the first bill" />
          <Arrival source={sourceOf('http', 'bills')} session={session} taken={again} />
        </>
      ))}
      {step('4', 'Say what work takes without AI, and what an hour costs', settled.baselines > 0 && settled.rates > 0 ? `${format.counted(settled.baselines, 'workflow has', 'workflows have')} a baseline, and there is a rate.` : null, (
        <>
          <p>Minutes for one unit without AI: the least, the likeliest and the most. A declared baseline is the lowest grade of evidence; measured work takes its place by itself.</p>
          <div class="controls">
            {input('workflow', 'Workflow')}
            {input('unit', 'Unit')}
            {input('low', 'Least', { inputMode: 'decimal' })}
            {input('mode', 'Likeliest', { inputMode: 'decimal' })}
            {input('high', 'Most', { inputMode: 'decimal' })}
            {input('rate', `An hour, loaded, ${bill.currency}`, { inputMode: 'decimal' })}
          </div>
          {writes([
            { kind: 'workflows', key: workflow, value: { name: typed.workflow.trim(), unit: typed.unit.trim(), team: 'marketing', baseline: { low: decimal(typed.low), mode: decimal(typed.mode), high: decimal(typed.high) } } },
            { kind: 'teams', key: 'marketing', value: { name: 'Marketing', default_rate_class: 'standard' } },
            { kind: 'rates', key: 'standard', value: { loaded_hourly_rate: typed.rate.trim(), currency: bill.currency } },
          ])}
          <p class="quiet-note">
            Then people log what they did, or a tool sends it. What one person does is shown to nobody else: a team’s hours appear once five people stand behind them, your own at once.
          </p>
        </>
      ))}
      {step('5', 'Read the first number', settled.first && 'Here it is.', <FirstNumber settled={settled} again={again} />)}
    </ol>
  )
}

/** A number of minutes as the registry takes it; what is none is sent as it was typed, and refused with a sentence. */
const decimal = (text: string): number | string => (/^\d+(\.\d+)?$/.test(text.trim()) ? Number(text) : text)

function Step({ n, title, done, skipped, skip, children }: { n: string; title: string; done: string | null; skipped: boolean; skip: (out: boolean) => void; children: ComponentChildren }) {
  const open = !skipped && (done === null || n === '5')
  return (
    <li>
      <section class={done ? 'step done' : 'step'} aria-labelledby={`step-${n}`}>
        <h2 id={`step-${n}`}>{title}</h2>
        <p class="state">
          <span class={done ? 'label' : 'label open'}>{done ? '✓ done' : skipped ? 'left out' : 'to do'}</span> {done}
        </p>
        {open && children}
        {done === null && (
          <p class="actions">
            <button type="button" class="button quiet" onClick={() => skip(!skipped)} aria-label={`${skipped ? 'Do it after all' : 'Leave it out'}: ${title}`}>
              {skipped ? 'Do it after all' : 'Leave it out'}
            </button>
          </p>
        )}
      </section>
    </li>
  )
}

function MakeKey({ source, made }: { source: string; made: (key: string) => void }) {
  const [wrong, setWrong] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const make = async () => {
    if (busy) return
    setBusy(true)
    try {
      made((await api.makeKey({ name: 'Bills', scopes: ['write'], sources: [source] })).text)
    } catch (cause) {
      setWrong(asProblem(cause).detail)
    }
    setBusy(false)
  }
  return (
    <>
      <p>Each tool has a key of its own, with no more than it needs: this one may send events of {source} only. It is shown once.</p>
      <p class="actions">
        <button type="button" class="button primary" aria-disabled={busy} onClick={() => void make()}>
          Make the key
        </button>
      </p>
      {wrong && (
        <p class="callout" role="alert">
          {wrong}
        </p>
      )}
    </>
  )
}

interface Entry {
  kind: RegistryKind
  key: string
  value: Record<string, unknown>
}

/** Entries of the registry, to be written from here or from anywhere. */
function Writes({ entries, today, written: done }: { entries: Entry[]; today: string; written: () => void }) {
  const [state, setState] = useState<Written | null>(null)
  const [busy, setBusy] = useState(false)
  // The past is priced, too: events of last month count by it.
  const from = `${today.slice(0, 4)}-01-01`
  const bodies = entries.map((e) => ({ ...e, value: { valid_from: from, ...e.value } }))
  const write = async () => {
    if (busy) return
    setBusy(true)
    const result = await written(bodies)
    setState(result)
    setBusy(false)
    if (result.wrong === null) done()
  }
  const requests = bodies.map((e) => `curl -sS -X PUT ${location.origin}/api/v1/registry/${e.kind}/${encodeURIComponent(e.key)} \\\n  -H 'Authorization: Bearer YOUR_ADMIN_TOKEN' -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(e.value).replaceAll("'", "'\\''")}'`)
  return (
    <>
      <p class="actions">
        <button type="button" class="button primary" aria-disabled={busy} onClick={() => void write()}>
          {busy ? 'Writing…' : 'Write it'}
        </button>
        <span class="quiet-note">It holds from {format.day(from)} on.</span>
      </p>
      {state?.wrong && (
        <p class="callout" role="alert">
          {state.wrong}
        </p>
      )}
      <details>
        <summary>Or as a request</summary>
        <Copyable text={requests.join('\n')} label="the same as a request" />
      </details>
    </>
  )
}

function FirstNumber({ settled, again }: { settled: Settled; again: () => void }) {
  const place = usePlace()
  return settled.first ? (
    <p class="first-number">
      <span class="figure">{numberText(settled.first)}</span> {settled.first.title.toLowerCase()}. It links to where it comes from, says how sure it is, and everybody reads the same one:{' '}
      <a href={pageHref('/', place.query)}>to the scorecard</a>.
    </p>
  ) : (
    <p>
      Nothing is in the numbers yet: an event is, a second or two after it arrived.{' '}
      <button type="button" class="button" onClick={again}>
        Look again
      </button>
    </p>
  )
}

const numberText = (first: { value: number; unit: Scorecard['measures'][string]['unit'] }) => format.value(first.value, first.unit)
