/** Scope, period and comparison: the filters every page shares, all kept in the address. */
import { useId, useRef } from 'preact/hooks'
import type { Session } from '../api/types'
import * as format from '../format'
import { go, hereHref, usePlace, viewOf, type Compare } from '../state/url'
import { scopeWords } from '../words'

export interface ControlsProps {
  session: Session | null
  teams: Map<string, string>
  /** The period shown; null until it is known. */
  from: string | null
  to: string | null
  withCompare?: boolean
}

export function Controls({ session, teams, from, to, withCompare = false }: ControlsProps) {
  const place = usePlace()
  const view = viewOf(place.query)
  // Who is signed in as a person has numbers of their own.
  const scopes = ['org', ...(session?.person ? ['me'] : []), ...[...teams.keys()].map((key) => `team:${key}`)]
  if (!scopes.includes(view.scope)) scopes.push(view.scope)
  const set = (changes: Record<string, string | null>) => go(hereHref(place, { ...changes, open: null }))
  return (
    <div class="controls">
      <label>
        <span>For</span>
        <select class="scope" value={view.scope} onChange={(e) => set({ scope: e.currentTarget.value })}>
          {scopes.map((scope) => (
            <option key={scope} value={scope} selected={scope === view.scope}>
              {scopeWords(scope, teams)}
            </option>
          ))}
        </select>
      </label>
      {!(from && to) && (
        <div class="control">
          <span>Period</span>
          <span class="select-like empty">not known yet</span>
        </div>
      )}
      {from && to && <PeriodControl key={`${from} ${to}`} from={from} to={to} session={session} set={set} />}
      {withCompare && (
        <label>
          <span>Compared with</span>
          <select value={view.compare} onChange={(e) => set({ compare: e.currentTarget.value as Compare })}>
            <option value="previous" selected={view.compare === 'previous'}>the period before</option>
            <option value="year" selected={view.compare === 'year'}>a year before</option>
            <option value="none" selected={view.compare === 'none'}>nothing</option>
          </select>
        </label>
      )}
    </div>
  )
}

export type Set = (changes: Record<string, string | null>) => void

export function PeriodControl({ from, to, session, set }: { from: string; to: string; session: Session | null; set: Set }) {
  const id = useId()
  const form = useRef<HTMLFormElement>(null)
  const submit = (event: Event) => {
    event.preventDefault()
    const data = new FormData(form.current ?? undefined)
    const first = String(data.get('first'))
    const last = String(data.get('last'))
    if (first && last && first <= last) set({ from: first, to: format.addDays(last, 1) })
  }
  return (
    <div class="control">
      <span id={`${id}l`}>Period</span>
      <button type="button" id={`${id}b`} class="select-like" popovertarget={id} aria-labelledby={`${id}l ${id}b`}>
        {format.period(from, to)}
      </button>
      <div id={id} popover="auto" class="tip period" role="dialog" aria-label="Period">
        <ul class="presets">
          {presets(session).map((p) => (
            <li key={p.name}>
              <button type="button" class={p.from === from && p.to === to ? 'preset current' : 'preset'} onClick={() => set({ from: p.from, to: p.to })}>
                {p.name}
              </button>
            </li>
          ))}
        </ul>
        <form ref={form} onSubmit={submit}>
          <label>
            <span>First day</span>
            <input type="date" name="first" required defaultValue={from} />
          </label>
          <label>
            <span>Last day</span>
            <input type="date" name="last" required defaultValue={format.addDays(to, -1)} />
          </label>
          <button type="submit" class="button">
            Show
          </button>
        </form>
      </div>
    </div>
  )
}

/**
 * Ready-made periods as absolute dates, of whole months, since others' work is shown in those. They end on the last day with data,
 * or with its month where that is over.
 */
export function presets(session: Session | null): { name: string; from: string; to: string }[] {
  if (!session) return []
  const to = endOf(session)
  const last = format.addDays(to, -1)
  const list = [
    { name: 'This month', from: format.monthStart(last, 0), to },
    { name: 'Three months', from: format.monthStart(last, -2), to },
    { name: 'Twelve months', from: format.monthStart(last, -11), to },
  ]
  if (session.first_day && session.first_day < to) list.push({ name: 'All days with data', from: session.first_day, to })
  return list
}

/** The first day after the default period. */
export function endOf(session: Pick<Session, 'today' | 'last_day'>): string {
  const last = lastDay(session)
  const end = format.monthStart(last, 1)
  return end > session.today ? format.addDays(last, 1) : end
}

/** Today, or the last day with data where that is earlier: an imported history should not open on an empty page. */
export function lastDay(session: Pick<Session, 'today' | 'last_day'>): string {
  return session.last_day && session.last_day < session.today ? session.last_day : session.today
}
