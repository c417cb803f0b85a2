import { describe, expect, it } from 'vitest'
import type { TailEvent, TailReject } from '../../api/types'
import { after, type Came } from './arrival'
import { connectionOf, fieldsOf, membersOf, proposed, proposedId, proposedTime, sampleProblem, type Schema } from './mapping'
import { howOf, hows, isName, sampleOf, snippetsOf, sourceOf, takeBack, type Tool } from './snippets'

const tool: Tool = { how: 'http', name: 'docs', address: 'https://plumbline.example.com', key: "it's", sample: 'training', id: 'one', time: '2026-11-20T10:00:00.000Z' }

describe('what is copied', () => {
  it('has the address, the source and the key', () => {
    for (const { how } of hows) {
      for (const { text, title } of snippetsOf({ ...tool, how, key: 'plk_x' })) {
        if (how !== 'kafka' && title !== 'Header') expect(text, `${how} ${title}`).toContain('https://plumbline.example.com')
        if (how !== 'kafka' && title !== 'Address') expect(text, `${how} ${title}`).toContain('plk_x')
        expect(text, `${how} ${title}`).not.toContain('YOUR_WRITE_KEY')
      }
    }
    expect(snippetsOf({ ...tool, key: null })[0]!.text).toContain('YOUR_WRITE_KEY')
  })
  it('ends no quote of the shell', () => {
    expect(snippetsOf(tool)[0]!.text).toContain(`'Authorization: Bearer it'\\''s'`)
    expect(snippetsOf({ ...tool, data: { course: "d'accord" } })[0]!.text).toContain(`d'\\''accord`)
  })
  it('takes back what was sent, and nothing else', () => {
    const text = takeBack(tool, '/docs', 'one')
    expect(text).toContain('"type": "plumbline.void.v1"')
    expect(JSON.parse(/-d '(.*)'$/s.exec(text)![1]!).data).toEqual({ source: '/docs', id: 'one', reason: 'it was sent to try the connection' })
  })
  it('knows sources and names', () => {
    expect([sourceOf('segment', 'shop'), sourceOf('webhook', 'crm'), sourceOf('file', 'bills')]).toEqual(['/segment/shop', '/hooks/crm', '/bills'])
    expect(['shop', 'a_b-1', '1a'].every(isName)).toBe(true)
    expect(['', 'Shop', '-a', 'a/b', 'a'.repeat(65)].some(isName)).toBe(false)
    expect([howOf(null), howOf('segment'), howOf('toString')]).toEqual(['http', 'segment', 'http'])
    expect([sampleOf('pipeline'), sampleOf('toString'), sampleOf(null)]).toEqual(['pipeline', 'vendor_spend', 'vendor_spend'])
  })
})

describe('a mapping from a sample', () => {
  const sample = '{"type": "deal.won", "at": "2026-11-20T10:00:00Z", "deal": {"id": 17, "amount": 1.5, "closed": null, "tags": ["a"]}, "a.b": 1}'
  const schema: Schema = {
    required: ['deal', 'status'],
    properties: {
      amount: { $ref: 'common.json#/$defs/decimal', description: 'What it is worth.' }, deal: { type: 'string' }, status: { type: 'string', enum: ['open', 'won'] },
      touches: { type: 'array' }, margin: { type: 'number' }, stage: { type: 'string' },
    },
    examples: [{ deal: 'D-1', stage: 'proposal' }],
  }
  it('finds the members that hold one value', () => {
    expect(membersOf(sample)).toEqual([
      { path: 'type', value: 'deal.won' }, { path: 'at', value: '2026-11-20T10:00:00Z' }, { path: 'deal.id', value: '17' }, { path: 'deal.amount', value: '1.5' },
    ])
  })
  it('says what is no call', () => {
    expect(sampleProblem(sample)).toBeNull()
    expect(sampleProblem('[{}]')).toContain('Paste one call')
    expect(sampleProblem('null')).toContain('Paste one call')
    expect(sampleProblem('{')).toContain('This is no JSON')
  })
  it('proposes by name, time by its form and the id by its name', () => {
    const members = membersOf(sample)
    expect(proposed(members, schema)).toEqual({ amount: { from: 'member', text: 'deal.amount' } })
    expect([proposedTime(members), proposedId(members)]).toEqual(['at', 'deal.id'])
    expect(proposedTime([{ path: 'day', value: '2026-11-20' }])).toBe('')
  })
  it('lists the fields that are needed first, then those of the examples, and those that can be built', () => {
    expect(fieldsOf(schema).map((f) => [f.name, f.required, f.usual])).toEqual([
      ['deal', true, true], ['status', true, true], ['stage', false, true], ['amount', false, false], ['margin', false, false],
    ])
    expect(fieldsOf(schema)[1]!.choices).toEqual(['open', 'won'])
  })
  it('is a connection of the registry', () => {
    const fields = { deal: { from: 'member', text: 'deal.id' }, status: { from: 'value', text: 'won' }, amount: { from: 'member', text: '' } } as const
    expect(connectionOf({ kind: 'pipeline', nameMember: 'type', name: 'deal.won', id: 'deal.id', time: 'at', fields })).toEqual({
      via: 'webhook', event_column: 'type',
      events: [{ kind: 'pipeline', event: 'deal.won', id: '{deal.id}', time: { column: 'at' }, fields: { deal: { column: 'deal.id' }, status: { value: 'won' } } }],
    })
    expect(connectionOf({ kind: 'training', nameMember: '', name: '', id: '', time: '', fields: {} })).toEqual({ via: 'webhook', events: [{ kind: 'training', fields: {} }] })
  })
})

describe('what arrives', () => {
  const taken = { outcome: 'accepted', id: 'one' } as unknown as TailEvent
  const refused = { outcome: 'rejected', id: 'two' } as unknown as TailReject
  it('keeps the first that was taken, and of what was refused the latest', () => {
    const nothing: Came = { what: 'nothing' }
    expect(after(nothing, refused)).toEqual({ what: 'refused', item: refused })
    expect(after(after(nothing, refused), taken)).toEqual({ what: 'taken', item: taken })
    expect(after({ what: 'taken', item: taken }, refused)).toEqual({ what: 'taken', item: taken })
  })
})
