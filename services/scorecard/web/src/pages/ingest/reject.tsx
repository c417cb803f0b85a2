/** One refused event: what is wrong and where, its bytes, and the way to bring it in. */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { api } from '../../api/api'
import type { RejectDetail } from '../../api/types'
import { Show } from '../../components/notice'
import * as format from '../../format'
import { useData } from '../../state/data'
import { go, here, hereHref } from '../../state/url'
import { FixForm } from './fix'
import { locate } from './locate'
import { sourceWords, stageWords, stateWords, statusWords, typeWords } from './words'

export function RejectDrawer({ id, zone, mayReplay, changed }: { id: string; zone: string; mayReplay: boolean; changed: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const loaded = useData(`reject ${id}`, (signal) => api.reject(id, signal))
  useEffect(() => {
    const opener = document.activeElement
    dialog.current?.showModal()
    return () => {
      if (opener instanceof HTMLElement && opener.isConnected) opener.focus()
    }
  }, [])
  return (
    <dialog ref={dialog} class="drawer" aria-labelledby="reject-title" onClose={close} onClick={(e) => e.target === dialog.current && dialog.current?.close()}>
      <div class="drawer-body">
        <header class="drawer-head">
          <div>
            <p class="kicker">A refused event</p>
            <h2 id="reject-title">{loaded.data ? sentence(loaded.data.code.replaceAll('_', ' ')) : 'Refused'}</h2>
          </div>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </header>
        <Show loaded={loaded} what="the refused event">
          {(r) => (
            <>
              <Facts r={r} zone={zone} />
              <Bytes r={r} />
              {mayReplay && r.replayable ? <FixForm r={r} changed={changed} /> : <p class="callout">{r.why}</p>}
              <History r={r} zone={zone} />
            </>
          )}
        </Show>
      </div>
    </dialog>
  )
}

/** Goes back where the drawer was opened from; one that came with the address has nothing to go back to. */
function close(): void {
  if ((history.state as { inApp?: boolean } | null)?.inApp) history.back()
  else go(hereHref(here(), { reject: null }), 'replace')
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function Facts({ r, zone }: { r: RejectDetail; zone: string }) {
  return (
    <section aria-label="What is wrong">
      <p class="reject-problem">
        {sentence(r.message)}
        {r.pointer && (
          <>
            {' '}
            (at <code>{r.pointer}</code>)
          </>
        )}
      </p>
      <p class="quiet-note">{r.meaning}</p>
      <dl class="facts">
        <Fact name="State">{statusWords[r.status]}</Fact>
        <Fact name="Refused">
          <time dateTime={r.at}>{format.instant(r.at, zone)}</time> by {stageWords[r.stage]}
        </Fact>
        <Fact name="Kind">{typeWords(r.type)}</Fact>
        <Fact name="Source">{sourceWords(r.source)}</Fact>
        <Fact name="Id">{r.event_id || 'could not be read'}</Fact>
        {r.receipt && <Fact name="Place in the log">{r.receipt}</Fact>}
        <Fact name="Contract">{r.schema_version}</Fact>
      </dl>
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function Bytes({ r }: { r: RejectDetail }) {
  if (r.raw === null) return null
  const raw = r.raw.text ?? r.raw.base64 ?? ''
  const event = r.structured ?? r.raw.text
  const same = event === r.raw.text
  return (
    <section aria-labelledby="bytes">
      <h3 id="bytes">{event !== null && !same ? 'The event in it' : 'The bytes'}</h3>
      <Marked text={event ?? raw} pointer={r.pointer} />
      <p class="quiet-note">
        {format.counted(r.raw.bytes, 'byte', 'bytes')} of {r.content_type || 'no content type'}
        {r.raw.base64 !== null && ', no UTF-8: written as base64'}
      </p>
      {event !== null && !same && (
        <details class="table-of">
          <summary>Show the bytes as they came</summary>
          <Marked text={raw} pointer="" />
        </details>
      )}
    </section>
  )
}

/** JSON with the place of the problem marked; text that is no JSON as it is. */
function Marked({ text, pointer }: { text: string; pointer: string }) {
  const span = locate(text, pointer)
  return (
    <pre class="bytes" tabindex={0} aria-label="Bytes">
      {span ? (
        <>
          {text.slice(0, span.from)}
          <mark>{text.slice(span.from, span.to)}</mark>
          {text.slice(span.to)}
        </>
      ) : (
        text
      )}
    </pre>
  )
}

function History({ r, zone }: { r: RejectDetail; zone: string }) {
  if (r.replays.length === 0) return null
  return (
    <section aria-labelledby="replays">
      <h3 id="replays">Replays</h3>
      <ul class="rejects">
        {r.replays.map((p) => (
          <li key={p.at + p.state}>
            <p>
              {format.instant(p.at, zone)}, by {p.by}: {stateWords[p.state][1]}
              {p.receipt && ` at ${p.receipt} of the log`}
              {p.state !== 'accepted' && p.message && `. ${p.message}`}
            </p>
            {p.fix && <p class="meta digits">{p.fix}</p>}
          </li>
        ))}
      </ul>
      {r.outcome && <p class="quiet-note">What became of the event that was sent: {r.outcome.state}.</p>}
    </section>
  )
}
