/** A list that is read page by page: what is shown, and the way to more of it. */
import { useEffect, useState } from 'preact/hooks'
import { asProblem, Problem } from '../api/api'

export interface More<Row> {
  rows: Row[]
  /** Whether there are more than these. */
  open: boolean
  problem: Problem | null
  loading: boolean
  show: () => void
}

/** Begins with the first page; the others are added on request. */
export function useMore<Page extends { next: string | null }, Row>(first: Page, rowsOf: (page: Page) => Row[], load: (cursor: string) => Promise<Page>): More<Row> {
  const [more, setMore] = useState<Row[]>([])
  const [next, setNext] = useState(first.next)
  const [problem, setProblem] = useState<Problem | null>(null)
  const [loading, setLoading] = useState(false)
  useEffect(() => {
    setMore([])
    setNext(first.next)
  }, [first])
  const show = async () => {
    if (loading || next === null) return
    setLoading(true)
    try {
      const page = await load(next)
      setMore([...more, ...rowsOf(page)])
      setNext(page.next)
      setProblem(null)
    } catch (cause) {
      setProblem(asProblem(cause))
    }
    setLoading(false)
  }
  return { rows: [...rowsOf(first), ...more], open: next !== null, problem, loading, show: () => void show() }
}
