/** After the log has an outcome: wait until one's own numbers hold it, and say by how much they have moved. */
import { api, Problem } from '../../api/api'
import type { Outcome, OutcomePreview } from '../../api/types'
import { exactText, sameExact, sumExact } from '../../exact'

export interface Arrival {
  outcome: Outcome
  seconds: number
  /** Whether one's own numbers are exactly what the preview said that they would be; null where there was no preview. */
  exact: boolean | null
}

const isOutcome = (o: { state: string }): o is Outcome => 'in_numbers' in o

/** Asks every so often, ever less, until the numbers hold it. */
export async function arrival(id: string, receipt: string | undefined, preview: OutcomePreview | null, since: number, signal: AbortSignal): Promise<Arrival> {
  for (let wait = 80; ; wait = Math.min(wait * 1.3, 2000)) {
    await pause(wait, signal)
    try {
      const o = await api.outcome(id, receipt, signal)
      if (isOutcome(o) && o.in_numbers) return { outcome: o, seconds: (performance.now() - since) / 1000, exact: preview && moved(o, preview) }
    } catch (cause) {
      // A server that is busy or away for a moment does not end the wait: the log has it.
      if (!(cause instanceof Problem) || (cause.status !== 0 && cause.status !== 429 && cause.status < 500)) throw cause
      wait = Math.max(wait, 1000)
    }
  }
}

/** Whether what the numbers are now is, to the last digit, what they were before and the preview together. */
function moved(o: Outcome, p: OutcomePreview): boolean {
  const own = o.own
  if (!own) return false
  return (['hours', 'value'] as const).every((key) => {
    const change = exactText(p, key)
    const wanted = sumExact([exactText(p.before, key) ?? '0', change ?? '0'])
    return sameExact(exactText(own, key) ?? '0', wanted)
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done, stopped) => {
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', () => {
      clearTimeout(timer)
      stopped(signal.reason)
    })
  })
}
