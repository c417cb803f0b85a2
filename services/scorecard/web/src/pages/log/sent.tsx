/** Below the heading once something was logged: when it counts and by how much, and for ten seconds the way back. */
import { useEffect, useState } from 'preact/hooks'
import { asProblem } from '../../api/api'
import * as format from '../../format'
import { pageHref, usePlace } from '../../state/url'
import { undoSeconds, type After, type Sent } from './after'
import type { Arrival } from './watch'

export function SentNotice({ sent, follow, changed }: { sent: Sent; follow: After; changed: () => void }) {
  const place = usePlace()
  const [arrived, setArrived] = useState<Arrival | null>(null)
  const [failed, setFailed] = useState<string | null>(null)
  const [undone, setUndone] = useState<'no' | 'asked' | 'done'>('no')
  const [change] = useState(follow.change)
  const open = useUndoTime(sent.changed ? 0 : undoSeconds)
  useEffect(() => {
    const stop = new AbortController()
    follow.arrive(sent, stop.signal).then(
      (a) => {
        setArrived(a)
        changed()
      },
      (cause: unknown) => !stop.signal.aborted && setFailed(wordsOf(cause)),
    )
    return () => stop.abort()
  }, [])
  const undo = async () => {
    if (undone !== 'no') return
    setUndone('asked')
    setFailed(null)
    try {
      await follow.undo(sent, change)
      setUndone('done')
      changed()
    } catch (cause) {
      setFailed(`It was not undone: ${wordsOf(cause)} Try again, or withdraw it in My impact.`)
      setUndone('no')
    }
  }
  return (
    <section class="sent" aria-label="What was logged">
      <p class="adds" role="status">
        {undone === 'done' ? `Undone: ${sent.words} counts nowhere.` : arrivedWords(sent, arrived)}
      </p>
      {failed && (
        <p class="callout" role="alert">
          {failed}
        </p>
      )}
      <p class="actions">
        {!sent.changed && open && undone !== 'done' && (
          <button type="button" class="button" onClick={() => void undo()} aria-disabled={undone === 'asked'}>
            {undone === 'asked' ? 'Undoing…' : 'Undo'}
          </button>
        )}
        <a href={pageHref('/impact', place.query)}>My impact</a>
      </p>
    </section>
  )
}

function useUndoTime(seconds: number): boolean {
  const [open, setOpen] = useState(seconds > 0)
  useEffect(() => {
    const timer = setTimeout(() => setOpen(false), seconds * 1000)
    return () => clearTimeout(timer)
  }, [])
  return open
}

function wordsOf(cause: unknown): string {
  return asProblem(cause).detail
}

/** "Counted after 0.8 s: your November 2026 has 0.5 h = $18.00 more, exactly as said." */
function arrivedWords(sent: Sent, a: Arrival | null): string {
  const what = sent.changed ? 'Changed' : 'Logged'
  if (!a) return `${what}: ${sent.words}. It is safe, and on its way into your numbers…`
  const soon = `${format.plainNumber(a.seconds, 1)} s`
  const p = sent.preview
  if (a.outcome.state === 'no_baseline') return `${what}: ${sent.words}, kept after ${soon}. It adds nothing yet, since the workflow has no baseline.`
  if (!p || p.hours === null || a.exact === null) return `${what}: ${sent.words}. It counts in your numbers since ${soon}.`
  const amount = format.value(Math.abs(p.hours), 'h') + (p.value === null ? '' : ` = ${format.value(Math.abs(p.value), p.currency)}`)
  const month = format.month(p.day)
  if (!a.exact) return `${what}: ${sent.words}. It counts in your numbers since ${soon}, as ${amount}; other outcomes have moved them, too.`
  const by = p.hours > 0 ? `${amount} more` : p.hours < 0 ? `${amount} less` : 'as many hours as before'
  return `${what}: ${sent.words}. Counted after ${soon}: your ${month} has ${by}, exactly as said before.`
}
