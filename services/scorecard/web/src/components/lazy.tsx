/** A part of the app that is fetched when it is first shown. */
import type { ComponentType } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { Loading, Notice } from './notice'

export function lazy<P extends object>(load: () => Promise<ComponentType<P>>, what: string, quiet = false): (props: P) => preact.JSX.Element | null {
  let Part: ComponentType<P> | null = null
  return function Lazy(props: P) {
    const [state, setState] = useState<'loading' | 'ready' | 'failed'>(Part ? 'ready' : 'loading')
    useEffect(() => {
      if (Part) return
      load().then(
        (loaded) => {
          Part = loaded
          setState('ready')
        },
        () => setState('failed'),
      )
    }, [])
    if (state === 'failed') {
      return (
        <Notice title="A part of this page could not be fetched" kind="problem">
          <p>The server may be stopped, or was updated since this page was opened. Reload the page.</p>
        </Notice>
      )
    }
    if (!Part || state === 'loading') return quiet ? null : <Loading what={what} />
    return <Part {...props} />
  }
}
