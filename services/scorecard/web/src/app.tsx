/** Chooses the page by the address, and loads what every page needs. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { api } from './api/api'
import type { RegistryList, Session } from './api/types'
import { endOf } from './components/controls'
import { lazy } from './components/lazy'
import { Notice, ProblemNotice } from './components/notice'
import * as format from './format'
import { titleOf } from './navigation'
import { ScorecardPage } from './pages/scorecard/scorecard'
import { Shell } from './shell'
import { useData } from './state/data'
import { followLinks, go, hereHref, pageHref, readOpened, usePlace, viewOf, type Place } from './state/url'

const ExperimentsPage = lazy(async () => (await import('./pages/experiments/experiments')).ExperimentsPage, 'experiments')
const ExperimentPage = lazy(async () => (await import('./pages/experiments/experiment')).ExperimentPage, 'the experiment')
const TrialPage = lazy(async () => (await import('./pages/experiments/trial')).TrialPage, 'the time trial')
const PipelinePage = lazy(async () => (await import('./pages/pipeline/pipeline')).PipelinePage, 'the pipeline')
const CoveragePage = lazy(async () => (await import('./pages/coverage/coverage')).CoveragePage, 'the coverage')
const PerceptionPage = lazy(async () => (await import('./pages/perception/perception')).PerceptionPage, 'the perception')
const BarriersPage = lazy(async () => (await import('./pages/barriers/barriers')).BarriersPage, 'the barriers')
const WorkflowsPage = lazy(async () => (await import('./pages/workflows/workflows')).WorkflowsPage, 'the workflows')
const DisputesPage = lazy(async () => (await import('./pages/disputes/disputes')).DisputesPage, 'the disputes')
const SettingsPage = lazy(async () => (await import('./pages/settings/settings')).SettingsPage, 'the settings')
const KeysPage = lazy(async () => (await import('./pages/keys/keys')).KeysPage, 'the keys')
const ConnectPage = lazy(async () => (await import('./pages/connect/connect')).ConnectPage, 'the ways in')
const StartPage = lazy(async () => (await import('./pages/connect/start')).StartPage, 'the first steps')
const AuditPage = lazy(async () => (await import('./pages/audit/audit')).AuditPage, 'the audit log')
const IngestPage = lazy(async () => (await import('./pages/ingest/ingest')).IngestPage, 'what is not counted')
const LogPage = lazy(async () => (await import('./pages/log/log')).LogPage, 'the form')
const ImpactPage = lazy(async () => (await import('./pages/impact/impact')).ImpactPage, 'your outcomes')
const Drawer = lazy(async () => (await import('./drawer/drawer')).Drawer, 'the claim', true)

export function App() {
  const place = usePlace()
  const session = useData('session', api.session)
  const catalogue = useData('catalogue', api.metrics)
  const teams = useData(session.data ? 'teams' : null, (signal) => api.entries('teams', signal))
  const view = viewOf(place.query)
  const opened = readOpened(place.query.get('open'))
  const [locale, setLocale] = useState(format.rememberedLocale)
  const chooseLocale = (tag: string | undefined) => {
    format.chooseLocale(tag)
    setLocale(tag)
  }

  useEffect(() => {
    document.addEventListener('click', followLinks)
    return () => document.removeEventListener('click', followLinks)
  }, [])
  useAbsolutePeriod(session.data, place)
  const late = useLateness(session.loading)
  useArrival(place)

  const shared = { session: session.data, teams: names(teams.data), from: view.from, to: view.to }
  const failed = session.problem && !(view.from && view.to)
  const titles = new Map((catalogue.data?.metrics ?? []).map((m) => [m.key as string, m.title]))
  const drawer = opened && <Drawer opened={opened} titles={titles} />
  return (
    // Numbers and dates are written while drawing: in another locale all is drawn anew.
    <Shell key={locale ?? ''} locale={locale} chooseLocale={chooseLocale} session={session.data} hidden={session.loading && !late} late={late} over={drawer}>
      {failed ? (
        <>
          <h1 class="sr">Plumbline</h1>
          <ProblemNotice problem={session.problem!} again={session.again} />
        </>
      ) : (
        page(place, { ...shared, catalogue })
      )}
    </Shell>
  )
}

type Shared = Parameters<typeof ScorecardPage>[0]

function page(place: Place, shared: Shared) {
  const [, first = '', second] = place.path.split('/').map(unescaped)
  const zone = shared.session?.zone ?? 'UTC'
  if (place.path === '/') return <ScorecardPage {...shared} />
  if (first === 'experiments' && !second) return <ExperimentsPage zone={zone} />
  if (first === 'experiments' && second) return <ExperimentPage key={second} name={second} zone={zone} />
  if (first === 'trials' && second) return <TrialPage key={second} name={second} zone={zone} />
  if (first === 'pipeline' && !second) return <PipelinePage {...shared} />
  if (first === 'perception' && !second) return <PerceptionPage {...shared} />
  if (first === 'coverage' && !second) return <CoveragePage {...shared} />
  if (first === 'barriers' && !second) return <BarriersPage {...shared} />
  if (first === 'workflows' && !second) return <WorkflowsPage {...shared} />
  if (first === 'disputes' && !second) return <DisputesPage session={shared.session} />
  if (first === 'log' && !second) return <LogPage session={shared.session} />
  if (first === 'impact' && !second) return <ImpactPage {...shared} />
  if (first === 'settings' && !second) return <SettingsPage {...shared} />
  if (first === 'keys' && !second) return <KeysPage zone={zone} />
  if (first === 'connect' && !second) return <ConnectPage session={shared.session} />
  if (first === 'start' && !second) return <StartPage session={shared.session} />
  if (first === 'audit' && !second) return <AuditPage session={shared.session} teams={shared.teams} />
  if (first === 'ingest' && !second) return <IngestPage session={shared.session} />
  return (
    <>
      <h1>No such page</h1>
      <Notice title="There is nothing at this address">
        <p>
          <a href={pageHref('/', place.query)}>Go to the scorecard</a>
        </p>
      </Notice>
    </>
  )
}

/** A part of the path as text; one that is broken stays as it is and finds nothing. */
function unescaped(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

/**
 * Who is looking decides what stands above the page. It is usually known within milliseconds, so nothing is shown until then and
 * nothing moves afterwards. When it takes longer the frame is shown without it, with its place kept free.
 */
function useLateness(loading: boolean): boolean {
  const [late, setLate] = useState(false)
  useEffect(() => {
    if (!loading) return
    const timer = setTimeout(() => setLate(true), 600)
    return () => clearTimeout(timer)
  }, [loading])
  return late
}

/** Puts the default period into the address as absolute days, so that the link means the same tomorrow. */
function useAbsolutePeriod(session: Session | null, place: Place): void {
  const view = viewOf(place.query)
  useLayoutEffect(() => {
    if (!session || (view.from && view.to)) return
    const to = view.to ?? endOf(session)
    go(hereHref(place, { from: view.from ?? format.monthStart(format.addDays(to, -1), -2), to }), 'replace')
  }, [session, view.from, view.to])
}

/** Tells the window and the screen reader where one has arrived. */
function useArrival(place: Place): void {
  const before = useRef(place.path)
  useEffect(() => {
    const name = titleOf(place.path) ?? 'No such page'
    document.title = `${name} · Plumbline`
    if (before.current === place.path) return
    before.current = place.path
    document.getElementById('main')?.focus({ preventScroll: true })
  }, [place.path])
}

function names(list: RegistryList | null): Map<string, string> {
  const found = (list?.entries ?? []).filter((e) => !e.deleted).map((e): [string, string] => {
    const name = (e as unknown as { name?: unknown }).name
    return [e.key, typeof name === 'string' && name ? name : e.key]
  })
  return new Map(found.sort((a, b) => a[1].localeCompare(b[1])))
}
