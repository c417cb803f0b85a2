import { describe, expect, it } from 'vitest'
import { exactText, parseExact, plain, sameExact, sumExact } from './exact'

describe('parseExact', () => {
  it('keeps digits that a number cannot hold', () => {
    const data = parseExact('{"value":12345678901234567.123456789012345678,"n":3,"s":"1.10","list":[0.1,1.50]}') as {
      value: number
      n: number
      s: string
      list: number[]
    }
    expect(exactText(data, 'value')).toBe('12345678901234567.123456789012345678')
    expect(exactText(data, 'n')).toBe('3')
    expect(data.s).toBe('1.10')
    expect(data.list).toEqual([0.1, 1.5])
    expect(exactText(data.list as unknown as Record<string, number>, '1')).toBe('1.50')
  })

  it('leaves text alone that looks like numbers', () => {
    const data = parseExact('{"a":"x \\" 12345678901234567890","12345678901234567890":12345678901234567890}') as Record<string, unknown>
    expect(data['a']).toBe('x " 12345678901234567890')
    expect(exactText(data, '12345678901234567890')).toBe('12345678901234567890')
  })

  it('keeps the vendor total of the FOCUS sample', () => {
    const data = parseExact('{"value":20.52022672899}') as { value: number }
    expect(exactText(data, 'value')).toBe('20.52022672899')
  })

  it('refuses what is not JSON', () => {
    expect(() => parseExact('{"a":1.2.3}')).toThrow(SyntaxError)
    expect(() => parseExact('{"a":01}')).toThrow(SyntaxError)
    expect(() => parseExact('<html>')).toThrow(SyntaxError)
  })

  it('gives null for what is not known', () => {
    expect(exactText({ value: null as number | null }, 'value')).toBeNull()
  })
})

describe('plain', () => {
  it('writes exponents out', () => {
    expect(plain('1.5e-7')).toBe('0.00000015')
    expect(plain('-12.5e1')).toBe('-125')
    expect(plain('1e21')).toBe('1000000000000000000000')
    expect(plain('1.25E1')).toBe('12.5')
  })
})

describe('sumExact', () => {
  it('adds without rounding', () => {
    // 0.1 + 0.2 is 0.3 and not 0.30000000000000004; −0.5 + 0.25 is −0.25.
    expect(sumExact(['0.1', '0.2'])).toBe('0.3')
    expect(sumExact(['-0.5', '0.25'])).toBe('-0.25')
    expect(sumExact(['12345678901234567.1', '0.000000000000000001'])).toBe('12345678901234567.100000000000000001')
    expect(sumExact(['-0.05', '0.05'])).toBe('0')
    expect(sumExact([])).toBe('0')
  })
  it('compares by value', () => {
    expect(sameExact('1.50', '1.5')).toBe(true)
    expect(sameExact('-0', '0')).toBe(true)
    expect(sameExact('1.5', '1.50000000000000000001')).toBe(false)
  })
})
