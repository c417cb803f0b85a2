import { describe, expect, it } from 'vitest'
import { claimId, hereHref, pageHref, readOpened, viewOf, writeOpened } from './url'

const query = (text: string) => new URLSearchParams(text)

describe('view', () => {
  it('reads what the address names', () => {
    expect(viewOf(query('from=2026-08-27&to=2026-11-25&scope=team:emea&compare=year'))).toEqual({
      from: '2026-08-27', to: '2026-11-25', scope: 'team:emea', compare: 'year',
    })
  })
  it('takes nothing that is not a day', () => {
    expect(viewOf(query('from=yesterday&to=2026-13-01&compare=x'))).toEqual({ from: null, to: null, scope: 'org', compare: 'previous' })
  })
})

describe('links', () => {
  const place = { path: '/', query: query('from=2026-08-27&to=2026-11-25&scope=team:emea&open=win_rate') }
  it('keeps the view from page to page and leaves the drawer behind', () => {
    expect(pageHref('/pipeline', place.query)).toBe('/pipeline?from=2026-08-27&to=2026-11-25&scope=team:emea')
  })
  it('changes and removes single parameters', () => {
    expect(hereHref(place, { open: null, scope: 'org' })).toBe('/?from=2026-08-27&to=2026-11-25&scope=org')
  })
  it('finds the id of a claim', () => {
    expect(claimId('/api/v1/claims/eyJ%3D')).toBe('eyJ=')
  })
})

describe('the open drawer', () => {
  it.each([
    [{ claim: 'eyJhIjoxfQ' }],
    [{ measure: 'win_rate', scope: 'team:emea', basis: 'created' as const, from: '2017-01-01', to: '2017-02-01' }],
    [{ measure: 'hours_saved_net', scope: 'team:a;b=c%3Bd', basis: undefined, from: undefined, to: undefined }],
  ])('survives the address bar: %o', (opened) => {
    const href = hereHref({ path: '/', query: query('') }, { open: writeOpened(opened) })
    expect(readOpened(new URL(href, 'http://localhost').searchParams.get('open'))).toEqual(opened)
  })
  it('is closed without a parameter', () => {
    expect(readOpened(null)).toBeNull()
    expect(readOpened('')).toBeNull()
  })
})
