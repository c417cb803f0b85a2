/** The words that explain a number: evidence grades, states and reasons. One sentence each, for a reader who is new here. */

export interface Grade {
  name: string
  meaning: string
}

const grades: Grade[] = [
  { name: 'declared', meaning: 'Reported by a person, declared or modelled. Nobody measured what would have happened without AI.' },
  { name: 'before / after', meaning: 'Compared with measured work without AI, or with months of real invoices. Other causes are not ruled out.' },
  { name: 'with controls', meaning: 'Compared with similar cases, other known causes taken into account.' },
  { name: 'difference in differences', meaning: 'The change is compared with the change of a group that did not use AI.' },
  { name: 'quasi-random', meaning: 'Who used AI was decided by something close to chance.' },
  { name: 'randomised', meaning: 'Who used AI was drawn by lot. What differs is due to AI.' },
]

/** The evidence grade 0 to 5 in words. */
export function gradeWords(grade: number): Grade {
  return grades[grade] ?? { name: `grade ${grade}`, meaning: 'This grade is not known to this page.' }
}

export const allGrades = grades

const reasons: Record<string, string> = {
  no_data: 'There are no events for this in the period.',
  no_baseline: 'Nobody knows yet how long this work takes without AI, so nothing can be called saved.',
  no_rate: 'There is no hourly rate for these people on that date.',
  no_fx: 'Some amounts have no exchange rate on their date.',
  no_invoice: 'The invoice of a month is missing.',
  no_margin: 'No margin is known, so this can not be turned into money.',
  no_minutes: 'No minutes were recorded for this work.',
  no_amount: 'No amount is known for these deals.',
  no_status: 'The stage of these deals is not known.',
  withdrawn: 'These deals were deleted where they came from.',
  privacy_floor: 'Fewer than five people are behind it, so it is not shown to others.',
  privacy_cells: 'What others do is shown in whole months that are over: choose a period that holds one.',
  no_control: 'No variant is declared as the control, so there is nothing to compare with.',
  srm: 'The traffic split differs from the plan by more than chance, so the comparison can not be trusted.',
  running: 'The experiment has not reached its planned size yet.',
  immature: 'There are too few exposures or conversions yet.',
  bad_counts: 'More conversions than exposures were reported.',
  too_few: 'There are too few cases for an estimate.',
  few_answers: 'Fewer than ten people have answered.',
  no_team: 'The events name no team.',
  none_decided: 'Reviews are open, and none was finally decided in the period.',
  not_measured: 'A saving is reported, and nothing measures it.',
  not_personal: 'Events of this kind are not tied to a person.',
  no_decided: 'No deal was decided in the period.',
  no_won: 'No deal was won in the period.',
  nothing_won: 'No deal was won in the period.',
  no_cycle: 'No won deal has both dates.',
  not_reached: 'Not reached in the period: fewer than half of the deals are decided, or the costs are not paid back yet.',
  no_costs: 'There are no costs in the period: a return on nothing is no number.',
  no_investment: 'There are no costs in the period to pay back.',
}

/** Why a number is not shown, as a sentence. An unknown reason is given by its code: better odd than silent. */
export function reasonWords(reason: string | null): string {
  if (!reason) return ''
  return reasons[reason] ?? `Reason: ${reason.replaceAll('_', ' ')}.`
}

/** A key such as sales_deck_trial as a heading. */
export function headingOf(key: string): string {
  const text = key.replaceAll('_', ' ')
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Names of the pillars that group the measures, in reading order, with the question each answers. */
export const pillars: { key: string; title: string; question: string }[] = [
  { key: 'return', title: 'Return', question: 'What is it worth after its costs, and how sure is that?' },
  { key: 'efficiency', title: 'Efficiency', question: 'Does the work take less time?' },
  { key: 'growth', title: 'Growth', question: 'Does the business move?' },
  { key: 'cost', title: 'Cost', question: 'What is paid for it?' },
  { key: 'measurement', title: 'Measurement', question: 'What is not measured yet?' },
  { key: 'governance', title: 'Governance', question: 'How fast and how often is it reviewed, and how much is done twice?' },
  { key: 'ownership', title: 'Ownership', question: 'Who answers for it?' },
  { key: 'perception', title: 'Perception', question: 'Do those who do the work see it too?' },
  { key: 'enablement', title: 'Enablement', question: 'Are people able and content to use it?' },
]

export const scopeWords = (scope: string, names: Map<string, string>): string => {
  if (scope === 'org') return 'Whole organisation'
  if (scope === 'me') return 'Me'
  const key = scope.slice(scope.indexOf(':') + 1)
  return scope.startsWith('workflow:') ? `Workflow ${key}` : `Team ${names.get(key) ?? key}`
}

/** A link that may be followed: what else is written in the registry stays text. */
export const linkIn = (text: string | null): string | null => (text && /^https?:\/\/\S+$/.test(text.trim()) ? text.trim() : null)
