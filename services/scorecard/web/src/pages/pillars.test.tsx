import { render } from 'preact'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Problem } from '../api/api'
import type { WaveState } from '../api/types'
import { barriers, coverage, perception } from '../../fixtures/pillars'
import { setLocale } from '../format'
import { BarriersAnswer } from './barriers/barriers'
import { CoverageAnswer } from './coverage/coverage'
import { PerceptionAnswer } from './perception/perception'
import { SurveyForm } from './perception/survey'

let root: HTMLElement
beforeEach(() => {
  setLocale('en-US')
  root = document.createElement('div')
})
afterEach(() => {
  root.remove()
  setLocale(undefined)
})

const show = (node: preact.ComponentChild) => {
  render(node, root)
  return root.textContent ?? ''
}
const cells = (row: number) => [...root.querySelector('table')!.querySelectorAll(`tbody tr:nth-child(${row}) > *`)].map((c) => c.textContent)

describe('coverage', () => {
  it('says in words what each team measures, how far it has come, and what is next', () => {
    const text = show(<CoverageAnswer c={coverage} />)
    expect(cells(1)).toEqual(['Content', 'measured', 'measured', 'measured', 'not yet', '2 of 3', 'Established'])
    expect(text).toContain('Next: measure conversion in one more team.')
    expect(text).toContain('Some events name no team (vendor spend)')
    expect(text).toContain('25.0% of the spend on AI is linked')
  })
  it('says where there is no team', () => {
    expect(show(<CoverageAnswer c={{ ...coverage, teams: [], criteria: [], level: null, next: null }} />)).toContain('There is no team here')
  })
})

describe('perception', () => {
  it('says how far leaders and ICs are apart, in words and as a chart with its own words', () => {
    const text = show(<PerceptionAnswer p={perception} />)
    expect(text).toContain('73% of leaders say so and 5% of individual contributors: 68 points, where it comes from apart (37 to 86).')
    expect(root.querySelector('.dumbbell')?.getAttribute('aria-label')).toBe('Here: leaders 73%, individual contributors 5%')
  })
  it('writes nothing of a wave that is withheld', () => {
    show(<PerceptionAnswer p={perception} />)
    const [wave, from, , leaders] = cells(2)
    expect([wave, from]).toEqual(['2026-q3', 'not shown'])
    expect(leaders).toContain('withheld')
    expect(cells(2).join('')).not.toMatch(/\d%/)
  })
  it('has no answers of one person', () => {
    expect(show(<PerceptionAnswer p={{ ...perception, scope: 'me', waves: [] }} />)).toContain('Answers belong to nobody')
  })
})

describe('the survey', () => {
  const waves: WaveState[] = [
    { wave: '2026-q4', state: 'open', opened_at: '2026-11-01T09:00:00.000Z', closes_at: '2027-01-02T09:00:00.000Z', closed_at: null },
    { wave: '2026-q3', state: 'open', opened_at: '2026-10-01T09:00:00.000Z', closes_at: '2026-12-02T09:00:00.000Z', closed_at: null },
  ]
  const radios = () => root.querySelectorAll<HTMLInputElement>('input[type="radio"]')
  const settled = () => new Promise((done) => setTimeout(done))
  const press = async (sent: [string, string][], choose: boolean, fails = false) => {
    const send = async (wave: string, says: string) => {
      sent.push([wave, says])
      if (fails) throw new Problem(409, 'Conflict', 'This wave is closed for good.', 'wave_closed')
    }
    document.body.append(root) // only there a click changes a radio
    show(<SurveyForm waves={waves} zone="UTC" send={send} />)
    if (choose) radios()[1]?.click()
    await settled()
    root.querySelector('form')!.dispatchEvent(new Event('submit', { bubbles: true, cancelable: true }))
    await settled()
    return root.textContent ?? ''
  }
  it('sends the answer to the wave that was opened last, and says when it is shown', async () => {
    const sent: [string, string][] = []
    const text = await press(sent, true)
    expect(sent).toEqual([['2026-q4', 'partly']])
    expect(text).toContain('your answer is in')
    expect(text).toContain('Jan 2, 2027')
  })
  it('sends nothing that was not chosen', async () => {
    const sent: [string, string][] = []
    expect(await press(sent, false)).toContain('Choose one of the three first.')
    expect(sent).toEqual([])
  })
  it('says why an answer was not taken, and keeps what was chosen', async () => {
    expect(await press([], true, true)).toContain('This wave is closed for good.')
    expect(radios()[1]?.checked).toBe(true)
  })
})

describe('barriers', () => {
  it('names no owner, and says where nobody clears it or nobody knows the time', () => {
    const text = show(<BarriersAnswer b={barriers} />)
    expect(cells(1).at(-2)).toBe('a leader of Content')
    expect(cells(2).at(-2)).toBe('nobody yet')
    expect(cells(2).at(-1)).toBe('In my way, too: No licenceI clear it: No licence')
    expect(cells(3)[2]).toContain('no data')
    expect(cells(3)[7]).toContain('cleared on Nov 1, 2026')
    expect(cells(4)[0]).toBe('Others, of few people each')
    expect(text).not.toContain('p80822b')
  })
  it('says why single barriers are withheld, and that there are none', () => {
    expect(show(<BarriersAnswer b={{ ...barriers, status: 'withheld', reason: 'privacy_floor', barriers: [] }} />)).toContain('Single barriers are not shown here')
    expect(show(<BarriersAnswer b={{ ...barriers, status: 'no_data', barriers: [] }} />)).toContain('Nobody has reported a barrier')
  })
})
