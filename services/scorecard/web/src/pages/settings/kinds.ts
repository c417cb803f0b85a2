/** What may be set: the kinds of entries of the registry that price or frame the numbers, their fields, and their values in words. */
import type { RegistryVersion } from '../../api/types'
import { exactText } from '../../exact'
import * as format from '../../format'
import { headingOf } from '../../words'
import { ownerWords } from '../barriers/draft'

export type Kind = 'rates' | 'fx' | 'assumptions' | 'targets' | 'benchmarks' | 'vendor-baselines' | 'calendar' | 'teams' | 'alerts' | 'webhooks' | 'digests'

/** The fields of an entry as the server sends them. */
export type Value = Record<string, unknown>

export interface FieldOf {
  /** Its place in the entry: "range/low" is low of range. */
  name: string
  label: string
  /** A decimal is sent as text, a number as a JSON number; both keep every digit. A switch is on unless it is said to be off; a list is written with commas. */
  type: 'text' | 'decimal' | 'number' | 'flag' | 'measure' | 'choice' | 'switch' | 'list'
  choices?: [value: string, words: string][]
  optional?: true
  wide?: true
}

export interface Section {
  kind: Kind
  title: string
  /** One entry of it, as in "Add a rate". */
  one: string
  /** What its key is, and an example. */
  keyed: string
  about: string
  /** What holds where nothing is declared, and who says so. */
  otherwise: string
  /** What a change does, where no number can be asked for beforehand. */
  does?: string
  /** It is for analysts and administrators to read; default for everybody. */
  who?: 'editor'
  /** Administrators alone change it. */
  edits?: 'admin'
}

const choose = (...texts: string[]): [string, string][] => texts.map((t) => [t, headingOf(t)])

export const sections: Section[] = [
  {
    kind: 'rates', title: 'Rates', one: 'a rate', keyed: 'Rate class, such as writer', about: 'What an hour of a rate class costs with everything in it. It prices the hours that were saved and those of training.',
    otherwise: 'Where no rate holds, hours count and their money is withheld as “no rate”, never taken as 0. The definitions of the measures say so.',
  },
  {
    kind: 'fx', title: 'Exchange rates', one: 'an exchange rate', keyed: 'Pair, such as EUR-USD: how many USD one EUR buys', about: 'Money of an event is converted at the rate of its date: the latest on or before it, or the inverse of the opposite pair.',
    otherwise: 'Where neither holds, an amount in another currency is left out and listed as “no fx”. The definitions of the measures say so.',
  },
  {
    kind: 'assumptions', title: 'Assumptions', one: 'an assumption', keyed: 'Assumption', about: 'Shares that nobody has measured, with their least and greatest plausible value. Where thirty people or more have said where their time went, realisation is measured, and nothing is assumed. A share of a month is the one that holds at its end, the discount rate that of the first day of a period, the haircut for risk that of today.',
    otherwise: '',
  },
  {
    kind: 'targets', title: 'Targets', one: 'a target', keyed: 'Key, such as hours-2026', about: 'What a measure should reach. A target changes no number: only what is under target.',
    otherwise: 'A measure without a target is shown without one; nobody else sets any.',
  },
  {
    kind: 'benchmarks', title: 'Benchmarks', one: 'a benchmark', keyed: 'Key, such as study-2026', about: 'Somebody else’s figure, shown beside a measure. It changes no number. One that is declared here is shown instead of the published one.',
    otherwise: '',
  },
  {
    kind: 'vendor-baselines', title: 'Vendor baselines', one: 'a vendor baseline', keyed: 'Key, such as copy-agency', about: 'Prices that were really paid before AI. What is billed less than they say is a saving; below a price that was only quoted it is avoidance, which is never added.',
    otherwise: 'Without a price there is no saving of its vendor: nothing is assumed. The definitions of the measures say so.',
  },
  {
    kind: 'calendar', title: 'Calendar', one: 'the calendar', keyed: 'Key', about: 'Where days begin, in which money people think, and when the fiscal year starts.', otherwise: '',
    does: 'The zone says on which day an event lies: all days are rolled up anew in it, so that numbers at the ends of months may move. The currency is the one that all money is shown in unless another is asked for, at the exchange rates above. The start of the fiscal year moves no number by itself. There is no preview of this.',
  },
  {
    kind: 'teams', title: 'Teams', one: 'a team', keyed: 'Key, as events name it, such as content', about: 'A name for what events call a team, and the rate class of its people who have none of their own.',
    otherwise: 'A team that only events name is shown by its key, and its people who have no rate class have no rate.',
    does: 'The name is shown everywhere, also for the past. Another rate class prices the hours of the team’s people who have none of their own, from the day on. There is no preview: the difference would tell about the people of one team.',
  },
  {
    kind: 'alerts', title: 'Alerts', one: 'an alert', keyed: 'Key, such as hours-low', about: 'Somebody is told by a webhook when a number leaves where it should be, an experiment has not the arms that were planned, a source falls silent, or reviews take too long. Each is looked at once a minute.',
    otherwise: 'Without an alert nobody is told.', does: 'It moves no number. What is withheld on the scorecard is never told by an alert, either: then it stays as it was, and nothing is sent.', who: 'editor',
  },
  {
    kind: 'webhooks', title: 'Webhooks', one: 'a webhook', keyed: 'Key, such as ops', about: 'Addresses outside that alerts are sent to. Messages are signed, so that their receiver can tell who they are from.',
    otherwise: 'Without a webhook no alert can be sent.', does: 'It moves no number: alerts that name it are sent there.', who: 'editor', edits: 'admin',
  },
  {
    kind: 'digests', title: 'Digests', one: 'a digest', keyed: 'Key, such as weekly', about: 'The scorecard of a scope by mail, once a week, as a leader sees it.',
    otherwise: 'Without a digest no mail is sent.', does: 'It moves no number. Mails are sent where the installation has a mail server (--smtp).', who: 'editor', edits: 'admin',
  },
]

/** The sections that a role is shown. */
export const sectionsFor = (role: string | undefined): Section[] => sections.filter((s) => !s.who || role === 'analyst' || role === 'admin')

export const sectionOf = (tab: string | null): Section => sections.find((s) => s.kind === tab) ?? sections[0]!

export const assumptions: Record<string, string> = {
  realisation: 'Realisation: how much of the time that was freed is put to use', attribution: 'Attribution: how much of a saving is due to AI',
  discount_rate: 'Discount rate: what a year costs', risk: 'Risk: the haircut by evidence grade',
}

const grades = ['0', '1', '2', '3', '4', '5']

const months = Array.from({ length: 12 }, (_, i): [string, string] => [String(i + 1), new Intl.DateTimeFormat('en', { month: 'long', timeZone: 'UTC' }).format(new Date(Date.UTC(2026, i, 1)))])

const alertWords: Record<string, string> = {
  under_target: 'a measure is under its target', over_target: 'a measure is over its target', below: 'a measure is below a threshold', above: 'a measure is above a threshold',
  sample_ratio: 'the arms of an experiment are not as planned', source_silent: 'a source is silent', review_over_target: 'reviews take longer than their target',
}

const onOff: FieldOf = { name: 'active', label: 'Is it on?', type: 'switch', optional: true, choices: [['', 'yes'], ['false', 'no, nothing is sent']] }

const fields: Record<Exclude<Kind, 'assumptions'>, FieldOf[]> = {
  rates: [
    { name: 'loaded_hourly_rate', label: 'An hour costs, with everything in it', type: 'decimal' }, { name: 'currency', label: 'Currency, such as USD', type: 'text' },
    { name: 'name', label: 'Name (optional)', type: 'text', optional: true },
  ],
  fx: [{ name: 'rate', label: 'Rate', type: 'decimal' }, { name: 'source', label: 'Where it is from (optional)', type: 'text', optional: true }],
  targets: [
    { name: 'measure', label: 'Measure', type: 'measure', wide: true }, { name: 'value', label: 'To reach (a share as 0.33)', type: 'number' },
    { name: 'per', label: 'For each', type: 'choice', optional: true, choices: [['', 'period, as it stands'], ...choose('day', 'week', 'month', 'quarter', 'year')] },
    { name: 'unit', label: 'Unit (optional)', type: 'text', optional: true }, { name: 'currency', label: 'Currency (optional)', type: 'text', optional: true },
    { name: 'scope', label: 'Scope, such as team:content (optional)', type: 'text', optional: true }, { name: 'note', label: 'Note (optional)', type: 'text', optional: true, wide: true },
  ],
  benchmarks: [
    { name: 'measure', label: 'Measure', type: 'measure', wide: true }, { name: 'value', label: 'Figure (a share as 0.33)', type: 'number' }, { name: 'label', label: 'What it is', type: 'text' },
    { name: 'source', label: 'Source (optional)', type: 'text', optional: true }, { name: 'url', label: 'Link (optional)', type: 'text', optional: true, wide: true },
  ],
  'vendor-baselines': [
    { name: 'vendor', label: 'Vendor, as bills name it', type: 'text' },
    { name: 'category', label: 'Category', type: 'choice', choices: [['', 'Choose one'], ...choose('agency', 'freelance', 'production', 'translation', 'stock', 'media', 'software', 'ai_tool', 'training', 'implementation')] },
    { name: 'price', label: 'Price', type: 'decimal' }, { name: 'currency', label: 'Currency, such as USD', type: 'text' },
    { name: 'period', label: 'For each', type: 'choice', optional: true, choices: [['', 'piece'], ['month', 'month'], ['unit', 'unit']] },
    { name: 'unit', label: 'Unit, such as article (optional)', type: 'text', optional: true }, { name: 'team', label: 'Team (optional)', type: 'text', optional: true },
    { name: 'workflow', label: 'Workflow (optional)', type: 'text', optional: true },
    { name: 'basis', label: 'The price was', type: 'choice', optional: true, choices: [['', 'really paid'], ['paid', 'really paid, as declared'], ['quoted', 'only quoted']] },
    { name: 'displaceable', label: 'AI can take the place of the vendor', type: 'flag', wide: true }, { name: 'evidence', label: 'Evidence (optional)', type: 'text', optional: true, wide: true },
  ],
  calendar: [
    { name: 'zone', label: 'Time zone, such as Europe/Berlin', type: 'text' }, { name: 'currency', label: 'Currency, such as USD', type: 'text', optional: true },
    { name: 'fiscal_year_start', label: 'The fiscal year starts in', type: 'choice', optional: true, choices: [['', 'January'], ...months] },
  ],
  alerts: [
    { name: 'when', label: 'It is told when', type: 'choice', wide: true, choices: [['', 'Choose one'], ...Object.entries(alertWords)] },
    { name: 'webhook', label: 'By the webhook', type: 'text' }, { name: 'name', label: 'Name (optional)', type: 'text', optional: true },
    { name: 'measure', label: 'Measure, where it is about one', type: 'measure', optional: true, wide: true },
    { name: 'threshold', label: 'Threshold, such as 0.5', type: 'number', optional: true }, { name: 'scope', label: 'Scope, such as team:content', type: 'text', optional: true },
    { name: 'months', label: 'Months back, the present one included', type: 'number', optional: true }, { name: 'currency', label: 'Currency', type: 'text', optional: true },
    { name: 'experiment', label: 'Experiment', type: 'text', optional: true }, { name: 'source', label: 'Source, such as /crm/eu', type: 'text', optional: true },
    { name: 'hours', label: 'Silent for so many hours', type: 'number', optional: true }, { name: 'cooldown_hours', label: 'Not again within so many hours', type: 'number', optional: true },
    onOff,
  ],
  webhooks: [
    { name: 'url', label: 'Address, https://…', type: 'text', wide: true }, { name: 'description', label: 'What it is (optional)', type: 'text', optional: true, wide: true },
    { name: 'secret_version', label: 'Version of its secret; the next number is another secret', type: 'number', optional: true }, onOff,
  ],
  digests: [
    { name: 'recipients', label: 'To, with commas between', type: 'list', wide: true },
    { name: 'weekday', label: 'On', type: 'choice', choices: [['', 'Choose one'], ...choose('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')] },
    { name: 'hour', label: 'At this hour, UTC', type: 'number' }, { name: 'scope', label: 'Scope, such as team:content (optional)', type: 'text', optional: true }, onOff,
  ],
  teams: [{ name: 'name', label: 'Name (optional)', type: 'text', optional: true }, { name: 'default_rate_class', label: 'Rate class of its people (optional)', type: 'text', optional: true }],
}

const note: FieldOf = { name: 'note', label: 'Why, and what it stands on (optional)', type: 'text', optional: true, wide: true }

export function fieldsOf(kind: Kind, key: string): FieldOf[] {
  if (kind !== 'assumptions') return fields[kind]
  if (key === 'risk') return [...grades.map((g): FieldOf => ({ name: `by_grade/${g}`, label: `Grade ${g}, such as 0.3`, type: 'number', optional: true })), note]
  return [
    { name: 'range/low', label: 'Least, such as 0.3', type: 'number' }, { name: 'range/mode', label: 'Most likely', type: 'number' }, { name: 'range/high', label: 'Greatest', type: 'number' }, note,
  ]
}

/** A field of an entry as text, with every digit; "" where it has none. */
export function textAt(value: Value, name: string): string {
  const [first = '', rest] = name.split('/')
  const found = value[first]
  if (rest !== undefined) return typeof found === 'object' && found !== null ? textAt(found as Value, rest) : ''
  if (typeof found === 'number') return exactText(value, first) ?? ''
  if (Array.isArray(found)) return found.map(String).join(', ')
  return typeof found === 'string' || typeof found === 'boolean' ? String(found) : ''
}

/** What an entry says, in a few words. */
export function valueWords(kind: Kind, key: string, value: Value, titles: Map<string, string>): string {
  const at = (name: string) => textAt(value, name)
  const share = (name: string) => format.value(Number(at(name)), 'share')
  const off = () => at('active') === 'false' && 'off'
  const measure = () => titles.get(at('measure')) ?? headingOf(at('measure'))
  switch (kind) {
    case 'rates':
      return `${format.exact(at('loaded_hourly_rate'), at('currency'))} an hour${at('name') && `, ${at('name')}`}`
    case 'fx': {
      const [base, quote = ''] = key.split('-')
      return `1 ${base} = ${format.exact(at('rate'), quote)}${at('source') && `, ${at('source')}`}`
    }
    case 'assumptions':
      if (key === 'risk') return grades.filter((g) => at(`by_grade/${g}`)).map((g) => `grade ${g}: ${share(`by_grade/${g}`)}`).join(', ')
      return at('range/low') === at('range/high') ? share('range/mode') : `${share('range/mode')} (${share('range/low')} to ${share('range/high')})`
    case 'targets':
      return `${measure()}: ${format.digitsOf(at('value'))}${at('unit') && ` ${at('unit')}`}${at('currency') && ` ${at('currency')}`}${at('per') && ` a ${at('per')}`}${at('scope') && at('scope') !== 'org' ? `, ${at('scope')}` : ''}`
    case 'benchmarks':
      return `${measure()}: ${format.digitsOf(at('value'))}, ${at('label')}`
    case 'vendor-baselines':
      return `${at('vendor')}, ${headingOf(at('category')).toLowerCase()}: ${format.exact(at('price'), at('currency'))} a ${at('period') === 'month' ? 'month' : at('unit') || 'piece'}${at('basis') === 'quoted' ? ', only quoted' : ''}${at('displaceable') === 'true' ? '' : ', not displaceable'}`
    case 'calendar':
      return `${at('zone')}, ${at('currency') || 'USD'}, fiscal year from ${months[Number(at('fiscal_year_start') || '1') - 1]?.[1]}`
    case 'alerts':
      return [at('name'), `${alertWords[at('when')] ?? at('when')}${at('measure') && `: ${measure()}`}${at('source') && `: ${at('source')}`}${at('experiment') && `: ${at('experiment')}`}`, at('threshold') && `at ${format.digitsOf(at('threshold'))}`, at('scope') !== 'org' && at('scope'), `by ${at('webhook')}`, off()].filter(Boolean).join(', ')
    case 'webhooks':
      return [at('description'), at('url'), off()].filter(Boolean).join(', ')
    case 'digests':
      return [`each ${headingOf(at('weekday'))} at ${at('hour')}:00 UTC to ${at('recipients')}`, at('scope') !== 'org' && at('scope'), off()].filter(Boolean).join(', ')
    case 'teams':
      return [at('name') || key, at('default_rate_class') ? `rate class ${at('default_rate_class')}` : 'no rate class'].join(', ')
  }
}

const roles: Record<string, string> = { ic: 'somebody', leader: 'a leader', analyst: 'an analyst', admin: 'an administrator' }

/** Who has written a version: an office, never a name. */
export function byWords(v: Pick<RegistryVersion, 'author'> & { by?: RegistryVersion['by'] }): string {
  if (v.by) return ownerWords(v.by)
  return v.author.startsWith('key ') ? `the API key ${v.author.slice(4)}` : (roles[v.author] ?? v.author)
}

/** The day of an instant in the workspace's zone. */
export function dayIn(iso: string, zone: string): string {
  return new Intl.DateTimeFormat('en-CA', { dateStyle: 'short', timeZone: zone }).format(new Date(iso))
}
