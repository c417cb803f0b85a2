import { render } from 'preact'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { scorecard } from '../../fixtures/answers'
import type { Measure } from '../api/types'
import { csvOf } from '../components/table'
import { parseExact } from '../exact'
import { setLocale } from '../format'
import { measureTable } from './measure-table'
import { pictureOf, wrapped } from './picture'

beforeEach(() => setLocale('en-US'))
afterEach(() => setLocale(undefined))

describe('the table of a measure', () => {
  const exact = parseExact(
    '{"key":"hours_saved_net","unit":"h","value":829.123456789012345678,"low":742.5,"high":917.25,"level":0.9,"status":"ok",' +
      '"covers":{"from":"2026-09-01","to":"2026-11-01"},"previous":{"from":"2026-06-01","to":"2026-09-01","value":null,"status":"withheld"},' +
      '"target":{"value":634},"benchmark":null,"series":[{"from":"2026-09-01","to":"2026-10-01","value":400.000000000000000001},{"from":"2026-10-01","to":"2026-11-01","value":null}]}',
  ) as Measure

  it('is the CSV, with every digit, and what is missing is empty and named', () => {
    const { columns, rows } = measureTable(exact)
    expect(csvOf(columns, rows).split('\r\n')).toEqual([
      'what,from,to,value (h),status',
      'This period,2026-09-01,2026-10-31,829.123456789012345678,ok',
      'Lower end of the range (90% sure),,,742.5,ok',
      'Upper end of the range (90% sure),,,917.25,ok',
      'Period compared with,2026-06-01,2026-08-31,,withheld',
      'Target,,,634,ok',
      'Month,2026-09-01,2026-09-30,400.000000000000000001,ok',
      'Month,2026-10-01,2026-10-31,,no data',
      '',
    ])
  })

  it('has a row for each mark of every measure of the fixtures', () => {
    for (const m of Object.values(scorecard.measures)) {
      const marks = 1 + (m.low !== null && m.high !== null ? 2 : 0) + (m.previous ? 1 : 0) + (m.target ? 1 : 0) + (m.benchmark ? 1 : 0) + (m.series?.length ?? 0)
      expect(measureTable(m).rows.length).toBe(marks)
    }
  })
})

describe('a picture', () => {
  it('wraps its caption by words', () => {
    expect(wrapped('Whole organisation · Sep 1 – Nov 28, 2026', 22)).toEqual(['Whole organisation ·', 'Sep 1 – Nov 28, 2026'])
    expect(wrapped('averyveryverylongword', 5)).toEqual(['averyveryverylongword'])
  })
  it('is one well-formed document with its title and caption, whatever they say', () => {
    const root = document.createElement('figure')
    document.body.append(root)
    render(<svg width="10" height="10"><rect class="actual" width="5" height="5" /></svg>, root)
    const { svg } = pictureOf(root, { title: 'A <b> & "c" \u0001', caption: ['Whole organisation'] })
    root.remove()
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/)
    expect(svg).toContain('A &lt;b&gt; &amp; "c" ')
    expect(svg).toContain('Whole organisation')
    expect(svg).not.toContain('class=')
    expect(svg).not.toContain('\u0001')
  })
})
