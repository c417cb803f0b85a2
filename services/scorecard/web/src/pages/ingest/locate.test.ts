import { describe, expect, it } from 'vitest'
import { locate } from './locate'

const text = '{"id": "a\\"b", "data": {"curency":"EUR", "list":[1, {"r":"x"}], "a/b": 1.50, "deep":{"x":[]}}}'
const found = (pointer: string, of = text) => {
  const span = locate(of, pointer)
  return span && of.slice(span.from, span.to)
}

describe('locate', () => {
  it.each([
    ['/id', '"id": "a\\"b"'],
    ['/data/curency', '"curency":"EUR"'],
    ['/data/list/1/r', '"r":"x"'],
    ['/data/list/0', '1'],
    ['/data/a~1b', '"a/b": 1.50'],
    ['/data/deep/x', '"x":[]'],
  ])('%s is %s', (pointer, want) => expect(found(pointer)).toBe(want))
  it('marks the object that lacks a field', () => {
    expect(locate(text, '/data/missing')).toEqual({ from: text.indexOf('{"curency"'), to: text.indexOf('{"curency"') + 1 })
    expect(found('/time')).toBe('{')
  })
  it('finds nothing in what is not there or broken before it', () => {
    for (const pointer of ['', 'data', '/none/at/all', '/id/x']) expect(locate(text, pointer)).toBeNull()
    expect(locate('{"a": "b', '/a')).toBeNull()
    expect(locate('not json', '/a')).toBeNull()
    expect(locate('{"a":1,"b"', '/b')).toBeNull()
  })
  it('finds what stands before the break', () => expect(found('/a', '{"a":1,"b":{"c"')).toBe('"a":1'))
})
