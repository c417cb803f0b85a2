/** One dispute: what is said, what one may do, and how it ended. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { Dispute, Session } from '../../api/types'
import { Show } from '../../components/notice'
import { Refused } from '../../components/refused'
import * as format from '../../format'
import { useData } from '../../state/data'
import { hereHref, pageHref, signInHref, usePlace } from '../../state/url'
import { disputedWords } from './disputes'
import { anyId, emptyComment, forgetComment, keepComment, keptComment, outcomeWords, proposedWords, sayerWords, stateWords, type CommentDraft } from './draft'
import { Resolve } from './resolve'
import { linkIn } from '../../words'

export function DisputePanel({ id, session, again }: { id: string; session: Session | null; again: () => void }) {
  const place = usePlace()
  const loaded = useData(session ? `dispute ${id}` : null, (signal) => api.dispute(id, signal))
  // What the page has done itself is known from its answer, until the dispute is loaded anew.
  const [done, setDone] = useState<{ after: Dispute | null; d: Dispute } | null>(null)
  const newer = done?.after === loaded.data ? done?.d : null
  const head = useRef<HTMLHeadingElement>(null)
  useEffect(() => head.current?.focus(), [])
  const changed = (d: Dispute) => {
    setDone({ after: loaded.data, d })
    again()
  }
  return (
    <section class="panel" aria-labelledby="dispute">
      <header class="panel-head">
        <h2 id="dispute" tabindex={-1} ref={head}>
          {newer?.workflow_name ?? loaded.data?.workflow_name ?? 'Dispute'}
        </h2>
        <a class="button" href={hereHref(place, { dispute: null })}>
          Close
        </a>
      </header>
      <Show loaded={session ? loaded : { ...loaded, loading: true }} what="the dispute">
        {(d) => <Said d={newer ?? d} session={session} changed={changed} reload={loaded.again} />}
      </Show>
    </section>
  )
}

function Said({ d, session, changed, reload }: { d: Dispute; session: Session | null; changed: (d: Dispute) => void; reload: () => void }) {
  const place = usePlace()
  const link = linkIn(d.url)
  const workflows = new URLSearchParams(place.query)
  workflows.delete('workflow')
  const gone = 'What was said here is gone with whoever said it.'
  return (
    <>
      <p class="adds" role="status">
        {d.outcome ? outcomeWords(d) : `Open since ${format.day(d.day)}, raised by ${d.by === 'you' ? 'you' : 'somebody'}${d.support > 0 ? ` and supported by ${format.counted(d.support, 'other', 'others')}` : ''}.`}
      </p>
      {d.outcome?.text && <p class="said-text">{d.outcome.text}</p>}
      {d.outcome?.erased && <p class="meta">{gone}</p>}
      <dl class="facts">
        <div>
          <dt>Disputed</dt>
          <dd>{disputedWords(d)}</dd>
        </div>
        <div>
          <dt>Proposed</dt>
          <dd>
            {proposedWords(d)}, from {format.day(d.from)} on
          </dd>
        </div>
        <div>
          <dt>State</dt>
          <dd>{stateWords[d.state]}</dd>
        </div>
      </dl>
      {d.changed && !d.outcome && <p class="callout">Another baseline is declared by now than the one that is disputed.</p>}
      <h3>Why</h3>
      <p class="said-text">{d.text ?? gone}</p>
      {d.url && <p class="meta">{link ? <a href={link} rel="noreferrer">{link}</a> : d.url}</p>}
      <p class="actions">
        <a href={`${pageHref('/workflows', workflows)}&workflow=${encodeURIComponent(d.workflow)}`}>The workflow and its baseline</a>
      </p>
      <h3>What others say</h3>
      {d.comments.length === 0 ? (
        <p class="quiet-note">Nobody has said anything yet.</p>
      ) : (
        <ol class="discussion">
          {d.comments.map((c, i) => (
            <li key={i}>
              <p class="meta">
                {sayerWords[c.by]}, {format.day(c.day)}
              </p>
              <p class="said-text">{c.text ?? gone}</p>
            </li>
          ))}
        </ol>
      )}
      <Deeds d={d} changed={changed} reload={reload} />
      {d.may.includes('resolve') && <Resolve d={d} changed={changed} reload={reload} />}
      {!d.outcome && !session?.person && (
        <p class="quiet-note">
          <a href={signInHref(place)}>Sign in as yourself</a> to say something.
        </p>
      )}
    </>
  )
}

/** Commenting, supporting, withdrawing. */
function Deeds({ d, changed, reload }: { d: Dispute; changed: (d: Dispute) => void; reload: () => void }) {
  const [draft, setDraft] = useState<CommentDraft>(() => keptComment(d.id) ?? emptyComment())
  const [refused, setRefused] = useState<Problem | null>(null)
  const [empty, setEmpty] = useState(false)
  const sending = useRef(false)
  const field = useRef<HTMLTextAreaElement>(null)
  const [withdrawal] = useState(anyId)
  const act = async (deed: () => Promise<Dispute>, then: () => void = () => {}) => {
    if (sending.current) return
    sending.current = true
    setRefused(null)
    try {
      const after = await deed()
      then()
      changed(after)
    } catch (cause) {
      setRefused(asProblem(cause))
    }
    sending.current = false
  }
  const say = () => {
    if (draft.text.trim() === '') {
      setEmpty(true)
      field.current?.focus()
      return
    }
    void act(() => api.commentDispute(d.id, { id: draft.id, text: draft.text.trim() }), () => {
      forgetComment(d.id)
      setDraft(emptyComment())
    })
  }
  const supports = d.may.includes('unsupport')
  return (
    <>
      {(d.may.includes('support') || supports || d.may.includes('withdraw')) && (
        <p class="actions">
          {d.may.includes('withdraw') ? (
            <button type="button" class="button" onClick={() => void act(() => api.withdrawDispute(d.id, { id: withdrawal }))}>
              Withdraw it
            </button>
          ) : (
            <button type="button" class="button" aria-pressed={supports} onClick={() => void act(() => api.supportDispute(d.id, !supports))}>
              I find so, too
            </button>
          )}
        </p>
      )}
      {d.may.includes('comment') && (
        <form
          class="outcome-form"
          noValidate
          onSubmit={(e) => {
            e.preventDefault()
            say()
          }}
        >
          <div class="field wide">
            <label for="comment">Say something</label>
            <textarea
              id="comment" name="comment" rows={2} ref={field} value={draft.text} maxLength={2000} aria-invalid={empty ? true : undefined} aria-describedby={empty ? 'comment-w' : undefined}
              onInput={(e) => {
                const next = { ...draft, text: e.currentTarget.value }
                setDraft(next)
                keepComment(d.id, next)
                setEmpty(false)
              }}
            />
            {empty && (
              <span class="wrong" id="comment-w">
                Write what you have to say.
              </span>
            )}
          </div>
          <p class="actions wide">
            <button type="submit" class="button">
              Say it
            </button>
          </p>
        </form>
      )}
      {refused && <Refused problem={refused} reload={reload} take="Look at it as it is now" />}
    </>
  )
}
