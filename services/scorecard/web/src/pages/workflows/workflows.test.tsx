import { render } from 'preact'
import { act } from 'preact/test-utils'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { workflowList } from '../../../fixtures/pillars'
import { setLocale } from '../../format'
import { baselineWords, entryWords, ownedWords } from './words'
import { WorkflowsAnswer } from './workflows'
import { linkIn } from '../../words'

let root: HTMLElement

beforeEach(() => {
  setLocale('en-US')
  root = document.createElement('div')
  document.body.append(root)
})
afterEach(() => {
  render(null, root)
  root.remove()
  setLocale(undefined)
})

async function show(workflow = '', list = workflowList): Promise<string> {
  history.replaceState(null, '', `/workflows?from=2026-09-01&to=2026-11-29${workflow && `&workflow=${workflow}`}`)
  await act(async () => render(<WorkflowsAnswer w={list} />, root))
  return root.textContent ?? ''
}

const cells = (row: number) => [...root.querySelectorAll(`tbody tr:nth-child(${row}) > *`)].map((c) => c.textContent?.replaceAll('\u00a0', ' '))

describe('workflows', () => {
  it('say who owns them, what prices them, and what is to be done', async () => {
    const text = await show()
    expect(text).toContain('0 of 3 workflows have a confirmed owner, a fresh baseline and a review policy.')
    expect(text).toContain('Open: not in the registry (1), no owner (1), owner not confirmed (1), no baseline (1), old baseline (1), no review policy (2).')
    expect(cells(1)).toEqual(['Brief', 'Content', 'a leader of Content', '78 min per brief (60 to 90) declared', '24.0 h', '31.5 h, where it comes from', '0.0%, where it comes from', 'old baseline'])
    expect(text).not.toContain('p000')
  })
  it('never show as 0 what is missing or withheld', async () => {
    await show()
    expect(cells(2)[3]).toContain('not shown: fewer than five people stand behind it')
    expect(cells(2)[5]).toContain('withheld')
    expect(cells(3).slice(1, 5)).toEqual(['no team', 'nobody', 'none', 'no target'])
  })
  it('open one beside the list, by the address', async () => {
    const text = await show('deck')
    expect(cells(2)).toEqual(['Deck', 'dana', 'owner not confirmed, no review policy'])
    const panel = root.querySelector('.panel')!.textContent
    expect(panel).toContain('last confirmed on Jan 1, 2026, more than 90 days before the end of the period')
    expect(panel).toContain('measured without AI, valid from 2026-01-01: it prices the hours.')
    expect(panel).toContain('declared since Jan 1, 2026: the one above prices the hours.')
    expect(panel).toContain('Evidence: none is given')
    expect(panel).toContain('There is no policy.')
    expect(root.querySelector('[aria-current]')?.textContent).toBe('Deck')
    expect(document.activeElement?.id).toBe('workflow')
    expect(text).toContain('All numbers of this workflow')
    await act(async () => render(null, root))
    await show('brief')
    expect([...root.querySelectorAll('.panel a')].map((a) => a.getAttribute('href'))).toContain('https://example.com/time-sheets')
  })
  it('say so where there is none, and where the address names none', async () => {
    expect(await show('gone')).toContain('It is not among these')
    await act(async () => render(null, root))
    expect(await show('', { ...workflowList, workflows: [], total: 0 })).toContain('There is no workflow here')
  })
})

describe('words', () => {
  it('follow no link that is none', () => {
    expect(linkIn('javascript:alert(1)')).toBeNull()
    expect(linkIn('see https://example.com')).toBeNull()
    expect(linkIn(' https://example.com/a ')).toBe('https://example.com/a')
  })
  it('say which way a trial went', () => {
    const trial = { ...workflowList.workflows[0]!.baselines[0]!, unit: 'share', value: '-0.048', low: '-0.215', high: '0.155' }
    expect(baselineWords(trial, 'deck')).toBe('without AI 4.8% less time than with it (−21.5% to 15.5%)')
    expect(entryWords('valid from 2026-05-03T00:00:00.000Z, recorded 2026-11-28T08:00:11.595Z')).toBe('entry valid from May 3, 2026')
  })
  it('name no pseudonym', () => {
    const owner = { state: 'confirmed' as const, name: `p${'1'.repeat(24)}`, by: null, confirmed_at: null, role: null }
    expect(ownedWords(owner)).toBe('somebody')
    expect(ownedWords({ ...owner, by: { you: true, role: 'ic', team: null, team_name: null } })).toBe('you')
  })
})
