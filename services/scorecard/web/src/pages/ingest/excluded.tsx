/** The money in what is not counted, as far as the bytes tell. */
import type { RejectSummary } from '../../api/types'
import { CsvLink, Table, type Column } from '../../components/table'
import { exactText } from '../../exact'
import * as format from '../../format'
import { typeWords } from './words'

type Amount = RejectSummary['excluded'][number]

export function Excluded({ amounts }: { amounts: Amount[] }) {
  return (
    <section aria-labelledby="amounts">
      <h2 id="amounts">Money that is not counted</h2>
      <Table caption="Money that is not counted" hideCaption columns={columns} rows={amounts} />
      <p class="quiet-note">
        What refused events say about money, where it can be read; an event that was refused several times counts once. <CsvLink name="plumbline-not-counted" columns={columns} rows={amounts} />
      </p>
    </section>
  )
}

/** An amount in words: never 0 where none can be read. */
export function amountWords(a: Pick<Amount, 'amount' | 'currency'>, digits: string | null): string {
  if (a.amount === null) return 'not known'
  return a.currency === null ? `${format.exact(digits ?? String(a.amount), '')}, currency not known` : format.value(a.amount, a.currency, { digits: 2 })
}

const columns: Column<Amount>[] = [
  { name: 'type', title: 'Kind', cell: (a) => typeWords(a.type), csv: (a) => a.type },
  { name: 'events', title: 'Events', numeric: true, cell: (a) => format.count(a.events), csv: (a) => a.events },
  {
    name: 'amount', title: 'Amount', numeric: true, csv: (a) => exactText(a, 'amount'),
    cell: (a) => (a.amount === null ? <span class="missing small">not known</span> : amountWords(a, exactText(a, 'amount'))),
  },
  { name: 'currency', title: 'Currency', cell: () => null, csv: (a) => a.currency, csvOnly: true },
  {
    name: 'unknown', title: 'Amount not readable', numeric: true, csv: (a) => a.unknown,
    cell: (a) => (a.unknown === 0 ? 'none' : `in ${format.counted(a.unknown, 'event', 'events')}`),
  },
]
