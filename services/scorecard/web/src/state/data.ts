/** Reading from the server inside a component. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { asProblem, Problem } from '../api/api'

export interface Loaded<T> {
  /** The latest answer; the one before stays while the next loads, so that nothing jumps. */
  data: T | null
  problem: Problem | null
  loading: boolean
  again: () => void
}

/** Loads when `key` changes; a null key loads nothing. An answer that arrives after the key changed is dropped. */
export function useData<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ data: T | null; problem: Problem | null; loading: boolean }>({ data: null, problem: null, loading: key !== null })
  const [tries, setTries] = useState(0)
  const latest = useRef(load)
  latest.current = load

  useEffect(() => {
    if (key === null) {
      setState({ data: null, problem: null, loading: false })
      return
    }
    const stop = new AbortController()
    setState((s) => ({ data: s.data, problem: null, loading: true }))
    latest.current(stop.signal).then(
      (data) => {
        if (!stop.signal.aborted) setState({ data, problem: null, loading: false })
      },
      (cause: unknown) => {
        if (stop.signal.aborted) return
        const problem = asProblem(cause)
        setState((s) => ({ data: s.data, problem, loading: false }))
      },
    )
    return () => stop.abort()
  }, [key, tries])

  return { ...state, again: () => setTries((n) => n + 1) }
}
