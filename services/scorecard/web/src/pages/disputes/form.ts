/** What the forms of disputes have in common: a draft that is kept, what is wrong with it, and one sending at a time. */
import { useRef, useState } from 'preact/hooks'
import { asProblem, Problem } from '../../api/api'
import { useFields } from '../../components/fields'

export function useForm<Draft extends object, Field extends string & keyof Draft>({ start, keep, wrongOf, at, send }: {
  start: () => Draft
  keep: (draft: Draft) => void
  /** What can be seen to be wrong here. */
  wrongOf: (draft: Draft) => Partial<Record<Field | '', string>>
  /** The server's words by field. */
  at: (problems: Problem['fields']) => Partial<Record<Field | '', string>>
  /** Sends the draft; what it does with the answer ends the form. */
  send: (draft: Draft) => Promise<void>
}) {
  const [draft, setDraft] = useState(start)
  const [tried, setTried] = useState(false)
  const [refused, setRefused] = useState<Problem | null>(null)
  const [busy, setBusy] = useState(false)
  const sending = useRef(false)
  const form = useRef<HTMLFormElement>(null)
  const set = (change: { [name in Field]?: string }) => {
    const next = { ...draft, ...change }
    setDraft(next)
    keep(next)
    setRefused(null)
  }
  const local = wrongOf(draft)
  const wrong = { ...(tried ? local : {}), ...at(refused?.status === 400 ? refused.fields : []) }
  const focusWrong = () => setTimeout(() => form.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus())
  const submit = async () => {
    if (sending.current) return
    setTried(true)
    if (Object.keys(local).length > 0) return void focusWrong()
    sending.current = true
    setBusy(true)
    setRefused(null)
    try {
      await send(draft)
      return
    } catch (cause) {
      setRefused(asProblem(cause))
      focusWrong()
    }
    sending.current = false
    setBusy(false)
  }
  return {
    draft, busy, local, wrong: wrong as Partial<Record<Field | '', string>>, refused: refused?.status === 400 ? null : refused,
    fields: useFields<Field>(wrong as Partial<Record<Field | '', string>>, set),
    /** The attributes of the form. */
    attributes: {
      ref: form,
      class: 'outcome-form',
      noValidate: true,
      onSubmit: (e: Event) => {
        e.preventDefault()
        void submit()
      },
    },
  }
}
