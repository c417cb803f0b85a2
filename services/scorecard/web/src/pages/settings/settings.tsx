/** Which assumptions price this? What holds, since when and by whom; and for those who may, a change with what it moves before it is saved. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { api } from '../../api/api'
import type { Catalogue, RegistryEntry, RegistryList, Session } from '../../api/types'
import { PeriodControl } from '../../components/controls'
import { Notice, Show } from '../../components/notice'
import { Table, type Column } from '../../components/table'
import * as format from '../../format'
import { useData, type Loaded } from '../../state/data'
import { go, hereHref, usePlace } from '../../state/url'
import { SettingDesk, titleOf, versionWords, type Saved } from './desk'
import { readDoing } from './draft'
import { assumptions, byWords, dayIn, sectionOf, sectionsFor, valueWords, type Section, type Value } from './kinds'
import { Outgoing } from './outgoing'
import { differenceWords } from './preview'

export interface SettingsProps {
  session: Session | null
  catalogue: Loaded<Catalogue>
  from: string | null
  to: string | null
}

export function SettingsPage({ session, catalogue, from, to }: SettingsProps) {
  const place = usePlace()
  const section = sectionOf(place.query.get('tab'))
  const list = useData(session ? section.kind : null, (signal) => api.entries(section.kind, signal))
  return (
    <>
      <header class="page-head">
        <h1>Which assumptions price this?</h1>
        <p class="lede">Each holds from a day on. What it was before stays, and so do the numbers of those days.</p>
        {from && to && (
          <div class="controls">
            <PeriodControl key={`${from} ${to}`} from={from} to={to} session={session} set={(changes) => go(hereHref(place, changes))} />
          </div>
        )}
      </header>
      <nav class="tabs" aria-label="Settings">
        {sectionsFor(session?.role).map((s) => (
          <a key={s.kind} href={hereHref(place, { tab: s.kind, do: null })} aria-current={s === section ? 'true' : undefined}>
            {s.title}
          </a>
        ))}
      </nav>
      <Show loaded={session === null ? { ...list, loading: true } : list} what={section.title.toLowerCase()}>
        {(entries) => entries.kind === section.kind && <SettingsAnswer key={section.kind} section={section} list={entries} session={session!} metrics={catalogue.data?.metrics ?? []} from={from} to={to} again={list.again} />}
      </Show>
    </>
  )
}

export interface AnswerProps {
  section: Section
  list: RegistryList
  session: Session
  metrics: Catalogue['metrics']
  from: string | null
  to: string | null
  again: () => void
}

export function SettingsAnswer(props: AnswerProps) {
  const { section, list, metrics, from, to, again } = props
  // What administrators alone change is read by analysts.
  const session = section.edits === 'admin' && props.session.role !== 'admin' ? { ...props.session, can_edit: false } : props.session
  const place = usePlace()
  const doing = readDoing(place.query.get('do'))
  const [saved, setSaved] = useState<Saved | null>(null)
  const close = () => go(hereHref(place, { do: null }), 'replace')
  const otherwise = list.defaults.find((d) => d.key === doing?.key)?.value as Value | undefined
  return (
    <>
      {saved && <SavedNotice saved={saved} session={session} />}
      {doing && doing.action === 'history' && <History key={doing.key} {...props} session={session} of={doing.key} close={close} />}
      {doing && doing.action !== 'history' && session.can_edit && (
        <SettingDesk
          key={place.query.get('do')} section={section} doing={doing} session={session} metrics={metrics} from={from} to={to} close={close}
          otherwise={section.kind === 'benchmarks' ? null : (otherwise ?? null)}
          saved={(s) => {
            setSaved(s)
            close()
            again()
          }}
        />
      )}
      {doing && doing.action !== 'history' && !session.can_edit && (
        <Notice title={section.edits === 'admin' ? 'Changing this is for administrators' : 'Changing this is for analysts and administrators'}>
          <p>Your role may read what holds, and its history.</p>
        </Notice>
      )}
      <List {...props} session={session} />
      {section.who && props.session.can_edit && <Outgoing section={section} session={session} held={list.entries.map((e) => e.key)} />}
    </>
  )
}

function SavedNotice({ saved, session }: { saved: Saved; session: Session }) {
  const { words, rows } = saved
  // The form is gone: the focus goes to what became of it.
  const head = useRef<HTMLParagraphElement>(null)
  useEffect(() => head.current?.focus(), [saved])
  const query = new URLSearchParams({ action: 'registry.write', since: session.today, until: format.addDays(session.today, 1) })
  return (
    <section class="sent" aria-label="What was saved">
      <p class="adds" role="status" tabindex={-1} ref={head}>
        {words}
      </p>
      {rows && <p>{rows.length === 0 ? 'No number of the period has moved.' : 'Moved:'}</p>}
      {rows && rows.length > 0 && (
        <ul>
          {rows.map((r) => (
            <li key={r.name}>
              {r.name}: {differenceWords(r)}
            </li>
          ))}
        </ul>
      )}
      {session.role === 'admin' && (
        <p>
          <a href={`/audit?${query.toString()}`}>What the audit log says of it</a>
        </p>
      )}
    </section>
  )
}

/** What holds of a key: what is declared, or else by default. */
type Held = { key: string; entry: RegistryEntry | null; value: Value; source: string }

function heldOf(list: RegistryList): Held[] {
  const declared = list.entries.map((e): Held => ({ key: e.key, entry: e, value: e as Value, source: '' }))
  // A published benchmark stands beside a measure until one is declared for it, whatever its key.
  const taken = new Set(list.kind === 'benchmarks' ? list.entries.map((e) => String((e as Value)['measure'])) : list.entries.map((e) => e.key))
  return [...declared, ...list.defaults.filter((d) => !taken.has(d.key)).map((d): Held => ({ key: d.key, entry: null, value: d.value as Value, source: d.source }))]
}

function List({ section, list, session, metrics }: AnswerProps) {
  const place = usePlace()
  const titles = new Map(metrics.map((m) => [m.key as string, m.title]))
  const rows = heldOf(list)
  const name = (h: Held) => (section.kind === 'assumptions' ? (assumptions[h.key] ?? h.key) : h.key)
  const since = (h: Held) => (h.entry ? `${dayIn(h.entry.valid_from, session.zone) > session.today ? 'only from' : 'since'} ${format.day(dayIn(h.entry.valid_from, session.zone))}` : 'by default')
  const link = (action: string, h: Held, words: string) => (
    <a class="button small" href={hereHref(place, { do: `${action} ${h.key}` })} aria-label={`${words} ${titleOf(section, h.key)}`}>
      {words}
    </a>
  )
  const columns: Column<Held>[] = [
    { name: 'of', title: 'Of', cell: name, csv: (h) => h.key },
    { name: 'value', title: 'Holds now', cell: (h) => <span class="sentence">{valueWords(section.kind, h.key, h.value, titles)}</span>, csv: (h) => valueWords(section.kind, h.key, h.value, titles) },
    { name: 'since', title: 'Since', cell: (h) => <>{since(h)}<span class="sub wraps">{h.entry ? `by ${byWords(h.entry)}` : `set by ${h.source}`}</span></>, csv: since },
    {
      name: 'next', title: 'To come', csv: (h) => h.entry?.upcoming?.valid_from ?? null,
      cell: (h) => (h.entry?.upcoming ? versionWords(section, h.key, h.entry.upcoming, session.zone, metrics) : 'nothing'),
    },
    {
      name: 'act', title: <span class="sr">History and changes</span>, csv: () => null,
      cell: (h) => (
        <span class="actions tight">
          {h.entry && link('history', h, 'History')}
          {session.can_edit && (h.entry ? link('change', h, 'Change') : section.kind !== 'benchmarks' && link('add', h, 'Change'))}
          {session.can_edit && h.entry && section.kind !== 'calendar' && link('end', h, 'Withdraw')}
        </span>
      ),
    },
  ]
  const fixed = section.kind === 'assumptions' || section.kind === 'calendar'
  return (
    <section aria-labelledby="held">
      <div class="section-head">
        <h2 id="held">{section.title}</h2>
        {session.can_edit && !fixed && (
          <a class="button primary" href={hereHref(place, { do: 'add' })}>
            Add {section.one}
          </a>
        )}
      </div>
      <p>{section.about}</p>
      {rows.length === 0 ? (
        <Notice title="Nothing is declared">
          <p>{section.otherwise}</p>
        </Notice>
      ) : (
        <>
          <Table caption={section.title} hideCaption columns={columns} rows={rows} />
          {section.otherwise && <p class="quiet-note">{section.otherwise}</p>}
        </>
      )}
    </section>
  )
}

function History({ section, of, session, metrics, close }: AnswerProps & { of: string; close: () => void }) {
  const loaded = useData(`${section.kind} ${of}`, (signal) => api.entry(section.kind, of, signal))
  const titles = new Map(metrics.map((m) => [m.key as string, m.title]))
  return (
    <section class="panel" aria-labelledby="history">
      <header class="panel-head">
        <h2 id="history">History: {titleOf(section, of)}</h2>
        <button type="button" class="button" onClick={close}>
          Close
        </button>
      </header>
      <Show loaded={loaded} what="the history">
        {(entry) => (
          <Table
            caption={`What ${of} was, the latest write first`} hideCaption rows={entry.versions ?? []}
            columns={[
              { name: 'written', title: 'Written', cell: (v) => format.instant(v.recorded_at, session.zone), csv: (v) => v.recorded_at },
              { name: 'by', title: 'By', cell: byWords, csv: byWords },
              { name: 'from', title: 'Holds from', cell: (v) => format.day(dayIn(v.valid_from, session.zone)), csv: (v) => v.valid_from },
              {
                name: 'value', title: 'What it says', csv: (v) => JSON.stringify(v.value),
                cell: (v) => <span class="sentence">{v.value === null ? 'withdrawn: nothing holds from then on' : valueWords(section.kind, of, v.value as Value, titles)}</span>,
              },
            ]}
          />
        )}
      </Show>
    </section>
  )
}
