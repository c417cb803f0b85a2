import { describe, expect, it } from 'vitest'
import { csvOf, type Column } from './table'

const column = (name: string, csv: Column<(string | number | null)[]>['csv'], csvOnly = false): Column<(string | number | null)[]> => ({ name, title: name, cell: () => null, csv, csvOnly })

describe('csvOf', () => {
  const columns = [column('name', (r) => r[0] ?? null), column('value, exact', (r) => r[1] ?? null, true)]
  it('quotes as RFC 4180 asks and leaves unknown values empty', () => {
    expect(csvOf(columns, [['a "b", c', 1.5], ['d', null]])).toBe('name,"value, exact"\r\n"a ""b"", c",1.5\r\nd,\r\n')
  })
  it('keeps numbers and disarms formulas', () => {
    expect(csvOf(columns, [['=1+1', '-12.5'], ['-cmd', '+1'], ['@x', -3]])).toBe("name,\"value, exact\"\r\n'=1+1,-12.5\r\n'-cmd,'+1\r\n'@x,-3\r\n")
  })
})
