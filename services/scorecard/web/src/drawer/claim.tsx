/** What a number claims: how it is computed, from what, how sure it is, and what was left out. */
import type { Claim } from '../api/types'
import { barsOf, stepColumns, Waterfall } from '../charts/waterfall'
import { About, aboutOf } from '../components/about'
import { AsOf, Warnings } from '../components/asof'
import { SaveChart, tableOf } from '../components/chart'
import { disputesHref, OpenDisputes } from '../components/disputed'
import { ExcludedTable } from '../components/excluded'
import { Grade } from '../components/grade'
import { Counts, IntervalText, StatusWords } from '../components/number'
import { CsvLink, Table, type Column } from '../components/table'
import { exactText } from '../exact'
import * as format from '../format'
import { usePlace } from '../state/url'

export function ClaimCard({ claim }: { claim: Claim }) {
  const m = claim.value
  const digits = exactText(m, 'value')
  return (
    <>
      <section class="claim-value" aria-label="The number">
        {m.value === null ? (
          <p class="big">
            <StatusWords status={m.status} reason={null} />
          </p>
        ) : (
          <p class="big">
            <span class="figure">{format.value(m.value, m.unit)}</span>
          </p>
        )}
        <p class="interval">
          <IntervalText of={m} />
        </p>
        <dl class="facts">
          {digits !== null && <Fact name="Exact value"><span class="digits">{format.exact(digits, m.unit)}</span></Fact>}
          <Fact name="Based on">{m.n === null ? 'not shown' : <Counts measure={m} />}</Fact>
          <Fact name="Evidence">{m.grade === null ? 'not known' : <Grade grade={m.grade} />}</Fact>
          {m.risk_adjusted != null && <Fact name="Cautious value">{format.value(m.risk_adjusted, m.unit)}</Fact>}
          {(m.parts ?? []).map((part) => (
            <Fact key={part.key} name={part.title}>{part.value === null ? 'not known' : <span class="digits">{format.exact(exactText(part, 'value') ?? '', part.unit)}</span>}</Fact>
          ))}
        </dl>
        <Warnings of={m.warnings} />
      </section>
      <Disputed claim={claim} />
      {claim.movement && <Moved claim={claim} movement={claim.movement} />}
      <Steps claim={claim} />
      <section aria-labelledby="formula">
        <h3 id="formula">Formula</h3>
        <p class="formula">{claim.formula}</p>
        <dl class="facts">
          <Fact name="Period">{format.period(claim.period.from, claim.period.to)}</Fact>
          <Fact name="Scope">{claim.scope === 'org' ? 'Whole organisation' : claim.scope}</Fact>
          <Fact name="Definitions">{claim.definition}</Fact>
          {claim.counts.map((c) => (
            <Fact key={c.name} name={c.name}>{c.value === null ? 'not shown' : format.count(c.value)}</Fact>
          ))}
        </dl>
      </section>
      <section aria-labelledby="inputs">
        <h3 id="inputs">Inputs</h3>
        {claim.inputs.length === 0 ? <p class="quiet-note">Only the events themselves.</p> : (
          <>
            <Table caption="Inputs" hideCaption columns={inputColumns} rows={claim.inputs} />
            <p class="quiet-note">
              <CsvLink name={`plumbline-inputs-${claim.measure}`} columns={inputColumns} rows={claim.inputs} />
            </p>
          </>
        )}
      </section>
      <section aria-labelledby="left-out">
        <h3 id="left-out">Left out</h3>
        {claim.exclusions.length === 0 ? <p class="quiet-note">Nothing was left out.</p> : <ExcludedTable excluded={claim.exclusions} titles={new Map([[claim.measure, claim.title]])} />}
      </section>
    </>
  )
}

/** Somebody says that what prices the number is wrong. */
function Disputed({ claim }: { claim: Claim }) {
  if (claim.disputed.length === 0) return null
  return (
    <section aria-labelledby="disputed" class="callout">
      <h3 id="disputed">Its baseline is disputed</h3>
      <ul>
        {claim.disputed.map((w) => (
          <li key={w.workflow}>
            {w.name}: <OpenDisputes workflow={w.workflow} open={w.open} />
          </li>
        ))}
      </ul>
    </section>
  )
}

const causes: Record<NonNullable<Claim['movement']>['causes'][number]['cause'], string> = {
  registry: 'What prices it was changed', events: 'Events arrived or were corrected', time: 'Time has gone on',
}

/** A link says what the number was when it was made: whether it still is, and what has changed it. */
function Moved({ claim, movement }: { claim: Claim; movement: NonNullable<Claim['movement']> }) {
  const { unit } = claim.value
  const was = (v: number | null) => (v === null ? 'not shown' : format.value(v, unit))
  return (
    <section aria-labelledby="moved" class="callout">
      <h3 id="moved">It has changed since this link was made</h3>
      <p>
        It was {was(movement.then)} and is {was(movement.now)}
        {movement.difference !== null && `: ${format.difference(movement.difference, unit)}`}.
      </p>
      <ul>
        {movement.causes.map((c) => (
          <li key={c.cause}>
            {causes[c.cause]}
            {c.difference !== null && `: ${format.difference(c.difference, unit)}`}
            {c.details.length > 0 && <span class="sub wraps">{c.details.map((d) => format.withInstants(d, 'UTC')).join('; ')}</span>}
          </li>
        ))}
      </ul>
    </section>
  )
}

/** What leads to the number, to the last digit. */
function Steps({ claim }: { claim: Claim }) {
  if (claim.waterfall.length === 0) return null
  const { unit } = claim.value
  const title = `${claim.title}, step by step`
  return (
    <section aria-labelledby="steps" data-chart>
      <h3 id="steps">How it comes about</h3>
      <Waterfall steps={claim.waterfall} unit={unit} />
      <About.Provider value={aboutOf({ what: claim.scope === 'org' ? 'Whole organisation' : claim.scope, from: claim.period.from, to: claim.period.to, asOf: claim.as_of, zone: claim.period.zone, definition: claim.definition })}>
        <SaveChart name={`steps-${claim.measure}`} title={title} table={() => tableOf(stepColumns(unit), barsOf(claim.waterfall))} />
      </About.Provider>
    </section>
  )
}

export function Provenance({ claim }: { claim: Claim }) {
  return (
    <>
      <AsOf asOf={claim.as_of} completeThrough={claim.complete_through} zone={claim.period.zone} />
      <p class="meta">
        Query <span class="hash">{claim.query_hash}</span>
      </p>
    </>
  )
}

function Fact({ name, children }: { name: string; children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

type Input = Claim['inputs'][number]

const only = (name: string, csv: Column<Input>['csv']): Column<Input> => ({ name, title: name, csvOnly: true, cell: () => null, csv })

const inputColumns: Column<Input>[] = [
  { name: 'input', title: 'Input', cell: (i) => <InputName name={i.name} />, csv: (i) => i.name },
  { name: 'value', title: 'Value', numeric: true, cell: (i) => <InputValue i={i} />, csv: (i) => i.value },
  only('unit', (i) => i.unit),
  only('low', (i) => i.low),
  only('high', (i) => i.high),
  {
    name: 'source', title: 'Source and version', csv: (i) => i.source,
    cell: (i) => (
      <>
        {format.withInstants(i.source, 'UTC')}
        {i.version && <span class="sub wraps">{format.withInstants(i.version, 'UTC')}</span>}
      </>
    ),
  },
  only('version', (i) => i.version),
  { name: 'grade', title: 'Evidence', cell: (i) => <Grade grade={i.grade} />, csv: (i) => i.grade },
  { name: 'n', title: 'n', numeric: true, cell: (i) => (i.n === null ? '' : format.count(i.n)), csv: (i) => i.n },
]

/** The input that is the baseline of a workflow can be disputed where it is read. */
function InputName({ name }: { name: string }) {
  const place = usePlace()
  const workflow = /^baseline of (.+)$/.exec(name)?.[1]
  return (
    <>
      {name.replaceAll('_', ' ')}
      {workflow && (
        <span class="sub">
          <a href={disputesHref(place, { raise: workflow })}>
            Dispute it<span class="sr">: {workflow}</span>
          </a>
        </span>
      )}
    </>
  )
}

function InputValue({ i }: { i: Input }) {
  if (i.value === null) return <span class="missing small">withheld</span>
  return (
    <>
      <span class="digits">{format.exact(i.value, i.unit)}</span>
      {i.low !== null && i.high !== null && (
        <span class="sub digits">
          {format.exact(i.low, '')} to {format.exact(i.high, '')}
        </span>
      )}
    </>
  )
}
