import { describe, expect, it } from 'vitest'
import { complaint, fixText, line, pairs, suggested } from './operations'

describe('fixText', () => {
  it('writes what the API reads', () => {
    const text = fixText([
      line('set', '/data/billed_cost', { value: '10.50' }), line('default', '/data/quantity', { value: '1.50', as: 'json' }),
      line('rename', '/data/curency', { to: '/data/currency' }), line('remove', '/data/x'), line('translate', '/data/category', { table: 'Agency = agency\n' }),
    ])
    expect(text).toBe(
      '{"operations":[{"op":"set","path":"/data/billed_cost","value":"10.50"},{"op":"default","path":"/data/quantity","value":1.50},' +
        '{"op":"rename","path":"/data/curency","to":"/data/currency"},{"op":"remove","path":"/data/x"},{"op":"translate","path":"/data/category","table":{"Agency":"agency"}}]}',
    )
    expect(() => JSON.parse(text!)).not.toThrow()
  })
  it('is none without lines', () => expect(fixText([])).toBeNull())
})

describe('complaint', () => {
  it.each([
    [line('set', 'data', {}), /begins with a slash/],
    [line('rename', '/a', { to: 'b' }), /new place/],
    [line('set', '/a', { value: '01', as: 'json' }), /not valid JSON/],
    [line('translate', '/a', { table: 'no pair' }), /at least one line/],
  ])('names what is wrong with %o', (l, words) => expect(complaint(l)).toMatch(words))
  it('has none for a whole line', () => expect(complaint(line('set', '/a', { value: 'x' }))).toBeNull())
})

it('reads pairs with an equals sign in the value', () => expect(pairs('a=b=c\n =x\nn = ')).toEqual([['a', 'b=c'], ['n', '']]))

describe('suggested', () => {
  it('renames to the field that was meant', () => {
    expect(suggested({ code: 'unknown_field', pointer: '/data/touches/0/rol', message: 'there is no field rol: did you mean role?' })).toEqual([
      line('rename', '/data/touches/0/rol', { to: '/data/touches/0/role' }),
    ])
  })
  it.each([
    ['unknown_field', 'remove', ''], ['missing_time', 'default', ''], ['bad_value', 'set', ''], ['unknown_type', 'set', 'plumbline.training.v1'],
  ])('%s: %s', (code, op, value) => {
    const message = code === 'unknown_type' ? 'did you mean plumbline.training.v1?' : 'leave it out'
    expect(suggested({ code, pointer: '/data/x', message })).toEqual([line(op as 'set', '/data/x', { value })])
  })
  it('is nothing where no place is known', () => expect(suggested({ code: 'not_json', pointer: '', message: '' })).toEqual([]))
})
