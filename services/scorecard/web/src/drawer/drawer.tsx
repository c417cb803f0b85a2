/** The claim and evidence of one number, over the page. Its address is in the URL, so that a link opens the same drawer. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { Show } from '../components/notice'
import { exactText } from '../exact'
import { useData } from '../state/data'
import { go, hereHref, usePlace, viewOf, writeOpened, type Opened } from '../state/url'
import { headingOf } from '../words'
import { ClaimCard, Provenance } from './claim'
import { EvidenceRows } from './evidence'
import { resolve, type Resolved } from './resolve'

export interface DrawerProps {
  opened: Opened
  titles: Map<string, string>
}

export function Drawer({ opened, titles }: DrawerProps) {
  const place = usePlace()
  const dialog = useRef<HTMLDialogElement>(null)
  const view = viewOf(place.query)
  const loaded = useData(`open ${writeOpened(opened)} ${view.from} ${view.to} ${view.scope}`, (signal) => resolve(opened, view, signal))

  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])

  const title = loaded.data?.claim?.title ?? ('measure' in opened ? (titles.get(opened.measure) ?? headingOf(opened.measure)) : 'Where this number comes from')
  return (
    <dialog ref={dialog} class="drawer" aria-labelledby="drawer-title" onClose={close} onClick={(e) => e.target === dialog.current && dialog.current?.close()}>
      <div class="drawer-body">
        <header class="drawer-head">
          <div>
            <p class="kicker">Where this number comes from</p>
            <h2 id="drawer-title">{title}</h2>
          </div>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        <Show loaded={loaded} what="the claim">{(r) => <Content r={r} />}</Show>
        <CopyLink />
      </div>
    </dialog>
  )
}

/** Goes back where the drawer was opened from; a drawer that came with the address has nothing to go back to. */
function close(): void {
  if ((history.state as { inApp?: boolean } | null)?.inApp) history.back()
  else go(hereHref({ path: location.pathname, query: new URLSearchParams(location.search) }, { open: null }), 'replace')
}

function Content({ r }: { r: Resolved }) {
  return (
    <>
      {r.claim ? <ClaimCard claim={r.claim} /> : <p class="quiet-note">This number has no claim of its own; here are the rows it is made of.</p>}
      {r.evidence && <EvidenceRows query={r.evidence} claimed={r.claim ? exactText(r.claim.value, 'value') : null} />}
      {r.claim && <Provenance claim={r.claim} />}
    </>
  )
}

function CopyLink() {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(location.href)
      setCopied(true)
    } catch {
      // Without the clipboard (plain http on another host) the link below can be copied by hand.
    }
  }
  return (
    <section class="permalink" aria-label="Permanent link">
      <label>
        <span>Permanent link</span>
        <input type="text" readOnly value={location.href} onFocus={(e) => e.currentTarget.select()} />
      </label>
      <button type="button" class="button" onClick={() => void copy()}>
        Copy
      </button>
      <span role="status">{copied ? 'Copied' : ''}</span>
    </section>
  )
}
