import { describe, expect, it } from 'vitest'
import { isCurrent, navigation, titleOf } from './navigation'

const names = (session: Parameters<typeof navigation>[0]) => navigation(session).map((g) => `${g.title}: ${g.entries.map((e) => e.name).join(', ')}`)

describe('navigation', () => {
  it('shows a visitor nothing that only others can use, and no empty group', () => {
    expect(names({ person: null, role: 'leader' })).toEqual(['Numbers: Scorecard, Experiments, Pipeline, Perception, Coverage', 'Work: Barriers, Workflows, Disputes', 'Data: Ingest', 'Administration: Settings'])
    expect(names(null)).toEqual(names({ person: null, role: 'leader' }))
  })
  it('adds what a person does, and what an administrator sets', () => {
    expect(names({ person: 'p1', role: 'ic' })).toContain('Work: Log an outcome, My impact, Barriers, Workflows, Disputes')
    expect(names({ person: null, role: 'admin' }).at(-1)).toBe('Administration: Settings, Keys, Audit')
  })
})

describe('an address', () => {
  const entries = navigation({ person: 'p1', role: 'admin' }).flatMap((g) => g.entries)
  it.each([
    ['/', 'Scorecard', 'Scorecard'],
    ['/experiments/hillstrom', 'Experiments', 'Experiments'],
    ['/trials/metr', 'Experiments', 'Time trial'],
    ['/ingest', 'Ingest', 'Ingest'],
  ])('%s belongs to one entry', (path, entry, title) => {
    expect(entries.filter((e) => isCurrent(e, path)).map((e) => e.name)).toEqual([entry])
    expect(titleOf(path)).toBe(title)
  })
  it('that only begins like one belongs to none', () => {
    expect(titleOf('/logs')).toBeNull()
    expect(titleOf('/no-such-page')).toBeNull()
  })
})
