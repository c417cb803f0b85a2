/** What became of an outcome, in words. */
import type { Outcome } from '../../api/types'

const sources: Record<string, string> = { trial: 'a time trial', measured: 'measured work', declared: 'the declared baseline', given: 'its own baseline' }

export function stateWords(o: Pick<Outcome, 'state' | 'corrected' | 'baseline' | 'editable' | 'source' | 'review'>): string {
  const edited = o.corrected ? ', corrected' : ''
  switch (o.state) {
    case 'withdrawn':
      return 'withdrawn'
    case 'no_baseline':
      return `kept: the workflow has no baseline yet${edited}`
    case 'unassisted':
      return `without AI: it measures the baseline${edited}`
    default:
      return `counted by ${sources[o.baseline?.source ?? ''] ?? 'a baseline'}${edited}${o.review === 'open' ? ', waiting for review' : ''}`
  }
}

export function reviewWords(review: Outcome['review']): string {
  switch (review) {
    case 'open':
      return 'waiting'
    case 'approved':
      return 'approved'
    case 'changes_requested':
      return 'changes asked for'
    case 'rejected':
      return 'rejected'
    default:
      return 'none'
  }
}
