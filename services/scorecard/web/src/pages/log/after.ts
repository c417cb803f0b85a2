/** What happens after an outcome was sent: it is followed until one's own numbers hold it. */
import { api } from '../../api/api'
import type { OutcomePreview } from '../../api/types'
import { newId } from '../../state/drafts'
import { arrival, type Arrival } from './watch'

export interface Sent {
  id: string
  receipt: string | undefined
  /** What the form said that it adds; null where it could not say. */
  preview: OutcomePreview | null
  /** When it was sent, by performance.now(). */
  since: number
  /** What it was. */
  words: string
  /** It changes an outcome, and is no new one. */
  changed: boolean
}

/** How long it can be undone by one click. */
export const undoSeconds = 10

export interface After {
  arrive: (sent: Sent, signal: AbortSignal) => Promise<Arrival>
  undo: (sent: Sent, change: string) => Promise<void>
  change: () => string
}

export const after: After = {
  arrive: (sent, signal) => arrival(sent.id, sent.receipt, sent.preview, sent.since, signal),
  undo: async (sent, change) => {
    await api.withdrawOutcome(sent.id, { change, receipt: sent.receipt })
  },
  change: () => newId(),
}
