/** The width a chart has, so that its text keeps its size on every screen. */
import { useEffect, useRef, useState } from 'preact/hooks'

export function useWidth<E extends HTMLElement>(start: number): [(element: E | null) => void, number] {
  const [width, setWidth] = useState(start)
  const observer = useRef<ResizeObserver | null>(null)
  const observe = useRef((element: E | null) => {
    observer.current?.disconnect()
    if (!element) return
    setWidth(element.clientWidth || start)
    observer.current = new ResizeObserver(() => setWidth(element.clientWidth || start))
    observer.current.observe(element)
  })
  useEffect(() => () => observer.current?.disconnect(), [])
  return [observe.current, width]
}
