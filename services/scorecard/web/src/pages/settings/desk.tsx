/** Where an entry is added, changed or withdrawn: what it moves is seen before, and what is typed is kept in the tab until the registry has it. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { Catalogue, RegistryEntry, RegistryVersion, Session } from '../../api/types'
import { Notice, Show } from '../../components/notice'
import { Refused } from '../../components/refused'
import * as format from '../../format'
import { useData } from '../../state/data'
import { atFields, bodyOf, complaints, draftOf, floorOf, forget, keep, kept, saysSame, type Doing, type Draft } from './draft'
import { SettingForm } from './form'
import { assumptions, byWords, dayIn, valueWords, type Section, type Value } from './kinds'
import { moved, Preview, usePreview, type Row } from './preview'

export interface Saved {
  words: string
  rows: Row[] | null
}

export interface DeskProps {
  section: Section
  doing: Doing
  session: Session
  metrics: Catalogue['metrics']
  from: string | null
  to: string | null
  /** What holds by default, where nothing is declared yet. */
  otherwise: Value | null
  close: () => void
  saved: (s: Saved) => void
}

export const titleOf = (section: Section, key: string): string => (section.kind === 'assumptions' ? (assumptions[key] ?? key).split(':')[0]! : key)

/** Loads the entry that is changed or withdrawn; a new one is begun at once. */
export function SettingDesk(props: DeskProps) {
  const { section, doing } = props
  const entry = useData(doing.action === 'add' ? null : `${section.kind} ${doing.key}`, (signal) => api.entry(section.kind, doing.key, signal))
  if (doing.action === 'add') return <Desk {...props} entry={null} />
  if (entry.problem?.status === 404) {
    return (
      <Notice title="There is no such entry">
        <p>It may have been withdrawn. Choose one from the list, or add it anew.</p>
        <p class="actions">
          <button type="button" class="button" onClick={props.close}>
            To the list
          </button>
        </p>
      </Notice>
    )
  }
  return (
    <Show loaded={entry} what="the entry">
      {(e) => <Desk {...props} entry={e} />}
    </Show>
  )
}

const tagOf = (e: RegistryEntry): string => e.versions?.[0]?.entry_id ?? ''

function Desk({ section, doing, session, metrics, from, to, otherwise, close, saved, entry }: DeskProps & { entry: RegistryEntry | null }) {
  const { kind } = section
  const [draft, setDraft] = useState<Draft>(
    () => kept(kind, doing) ?? draftOf(kind, doing.key, (entry as Value | null) ?? otherwise, session.today, entry ? tagOf(entry) : ''),
  )
  const [tried, setTried] = useState(false)
  const [refused, setRefused] = useState<Problem | null>(null)
  const [theirs, setTheirs] = useState<string | null>(null)
  const [busy, setBusy] = useState(false)
  const sending = useRef(false)
  const root = useRef<HTMLElement>(null)
  // The form comes by a click on the page: the focus goes along.
  useEffect(() => root.current?.querySelector<HTMLElement>('h2')?.focus(), [])
  const key = (draft['key'] ?? '').trim()
  const local = complaints(kind, doing, draft)
  const body = bodyOf(kind, doing, draft)
  const asked = { section, key, body: Object.keys(local).length > 0 ? null : body, from, to }
  const previewed = usePreview(asked)
  const floored = previewed.problem && floorOf(previewed.problem.fields) !== null
  const wrong = {
    ...(tried ? local : {}),
    ...atFields(kind, draft, previewed.problem?.status === 400 && !floored ? previewed.problem.fields : []),
    ...atFields(kind, draft, refused?.status === 400 ? refused.fields : []),
  }
  const set = (change: Partial<Record<string, string>>) => {
    setDraft((before) => {
      const next = { ...before, ...change } as Draft
      keep(kind, doing, next)
      return next
    })
    setRefused(null)
  }
  const focusWrong = () => setTimeout(() => root.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  const finish = () => {
    forget(kind, doing)
    const day = format.day(draft['valid_from'] ?? '')
    saved({
      words: doing.action === 'end' ? `Withdrawn: ${titleOf(section, key)}. No longer holds from ${day} on.` : `Saved: ${titleOf(section, key)}. Holds from ${day} on.`,
      rows: previewed.answer && moved(previewed.answer, metrics),
    })
  }
  const submit = async () => {
    if (sending.current) return
    setTried(true)
    if (Object.keys(local).length > 0) return void focusWrong()
    sending.current = true
    setBusy(true)
    setRefused(null)
    setTheirs(null)
    keep(kind, doing, draft)
    try {
      if (doing.action === 'end') await api.endEntry(kind, key, draft['valid_from']!, draft['tag']!)
      else await api.writeEntry(kind, key, body, draft['tag'] || null)
      return finish()
    } catch (cause) {
      const problem = asProblem(cause)
      // The answer of a first try may have been lost: then what is there is what is typed.
      if (problem.status === 412 && (await isThere())) return finish()
      setRefused(problem)
      focusWrong()
    }
    sending.current = false
    setBusy(false)
  }
  const isThere = async (): Promise<boolean> => {
    const newest = (await api.entry(kind, key).catch(() => null))?.versions?.[0]
    return newest !== undefined && saysSame(kind, doing, draft, { value: newest.value as Value | null, deleted: newest.deleted }, dayIn(newest.valid_from, session.zone))
  }
  const reload = async () => {
    try {
      const now = await api.entry(kind, key)
      set({ tag: tagOf(now) })
      setTheirs(`It says now: ${versionWords(section, key, now.versions?.[0], session.zone, metrics)}. Saving puts what stands here beside it, or in its place where it holds from the same day.`)
    } catch (cause) {
      const problem = asProblem(cause)
      if (problem.status !== 404) return setRefused(problem)
      set({ tag: '' })
      setTheirs(doing.action === 'end' ? 'It was withdrawn meanwhile: there is nothing left to do here.' : 'It was withdrawn meanwhile. Saving adds it anew.')
    }
  }
  return (
    <section ref={root} class="setting-desk" aria-labelledby="setting">
      <h2 id="setting" tabindex={-1}>
        {doing.action === 'add' && doing.key === '' ? `Add ${section.one}` : `${doing.action === 'end' ? 'Withdraw' : 'Change'}: ${titleOf(section, doing.key)}`}
      </h2>
      {doing.action === 'end' && <p>What it said before that day stays, with all numbers of those days. From then on: {section.otherwise || 'what holds by default, as the list says.'}</p>}
      <SettingForm
        section={section} doing={doing} draft={draft} set={set} wrong={wrong} metrics={metrics} busy={busy}
        when={whenWords(draft['valid_from'] ?? '', session.today, (entry?.versions ?? []).map((v) => dayIn(v.valid_from, session.zone)))}
        submit={() => void submit()} cancel={() => (forget(kind, doing), close())}
        waiting={previewed.waiting} preview={<Preview asked={asked} previewed={previewed} metrics={metrics} ending={doing.action === 'end'} />}
      >
        {theirs && !refused && (
          <p class="callout wide" role="status">
            {theirs}
          </p>
        )}
        {refused && refused.status !== 400 && <Refused problem={refused} reload={() => void reload()} take="Look at it as it is now, and go on" />}
      </SettingForm>
    </section>
  )
}

export function versionWords(section: Section, key: string, v: RegistryVersion | undefined, zone: string, metrics: Catalogue['metrics']): string {
  if (!v) return 'nothing'
  const titles = new Map(metrics.map((m) => [m.key as string, m.title]))
  const what = v.value === null ? 'withdrawn' : valueWords(section.kind, key, v.value as Value, titles)
  return `${what}, from ${format.day(dayIn(v.valid_from, zone))} on, by ${byWords(v)}`
}

/** What it means that an entry holds from a day on, beside the days from which other versions hold. */
export function whenWords(day: string, today: string, others: string[]): string {
  if (!day) return ''
  const next = others.filter((d) => d > day).toSorted()[0]
  const until = next ? ` It holds until another version begins on ${format.day(next)}.` : ''
  const same = others.includes(day) ? ' It takes the place of the version of the same day.' : ''
  if (day > today) return `Until then nothing changes.${until}${same}`
  if (day === today) return `From today on.${until}${same}`
  const end = next && next <= today ? format.addDays(next, -1) : today
  return `In the past: numbers of ${format.period(day, format.addDays(end, 1))} change with it, also those that were shown already. Their claims say that they have moved.${until}${same}`
}
