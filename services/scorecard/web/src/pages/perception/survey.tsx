/** One question, anonymous: the answer of whoever is signed in, to a wave that is open. */
import { useId, useState } from 'preact/hooks'
import { api, asProblem, Problem } from '../../api/api'
import type { SurveyAnswer, WaveState } from '../../api/types'
import { ProblemNotice } from '../../components/notice'
import * as format from '../../format'
import { useData } from '../../state/data'

export function Survey({ zone }: { zone: string }) {
  const waves = useData('waves', openWaves)
  // The page is whole without it: where waves can not be read, nobody is asked.
  if (!waves.data || waves.data.length === 0) return null
  return <SurveyForm waves={waves.data} zone={zone} send={api.answerSurvey} />
}

/** The waves that are open, the one that was opened last first. */
async function openWaves(signal: AbortSignal): Promise<WaveState[]> {
  const list = await api.waves(signal)
  return list.waves.filter((w) => w.state === 'open').sort((a, b) => (b.opened_at ?? '').localeCompare(a.opened_at ?? ''))
}

const choices: { value: SurveyAnswer; words: string }[] = [
  { value: 'yes', words: 'Yes, with numbers' },
  { value: 'partly', words: 'Partly' },
  { value: 'no', words: 'No' },
]

export function SurveyForm({ waves, zone, send }: { waves: WaveState[]; zone: string; send: (wave: string, says: SurveyAnswer) => Promise<unknown> }) {
  const [wave, setWave] = useState(waves[0]?.wave ?? '')
  const [says, setSays] = useState<SurveyAnswer | null>(null)
  const [state, setState] = useState<'asked' | 'missing' | 'sending' | 'sent'>('asked')
  const [refused, setRefused] = useState<Problem | null>(null)
  const id = useId()
  const closes = waves.find((w) => w.wave === wave)?.closes_at
  const submit = async () => {
    if (state === 'sending') return
    if (!says) return setState('missing')
    setState('sending')
    setRefused(null)
    try {
      await send(wave, says)
      setState('sent')
    } catch (cause) {
      setRefused(asProblem(cause))
      setState('asked')
    }
  }
  return (
    <section class="survey" aria-labelledby={`${id}h`}>
      <h2 id={`${id}h`}>Your own answer</h2>
      <form
        onSubmit={(e) => {
          e.preventDefault()
          void submit()
        }}
      >
        {waves.length > 1 && (
          <label class="wave">
            <span>Wave</span>
            <select value={wave} onChange={(e) => (setWave(e.currentTarget.value), setState('asked'))}>
              {waves.map((w) => (
                <option key={w.wave} value={w.wave} selected={w.wave === wave}>
                  {w.wave}
                </option>
              ))}
            </select>
          </label>
        )}
        <fieldset aria-describedby={`${id}n`}>
          <legend>Can you prove what AI returns in your work?</legend>
          {choices.map((c) => (
            <label key={c.value}>
              <input type="radio" name={id} checked={says === c.value} onChange={() => (setSays(c.value), setState('asked'))} /> {c.words}
            </label>
          ))}
        </fieldset>
        <p class="quiet-note" id={`${id}n`}>
          Anonymous: it is kept under a pseudonym of this wave that nobody can make again once the wave has closed
          {closes && `, on ${format.instant(closes, zone)}`}. Your team is not kept. Answering again replaces your answer.
        </p>
        <p class="actions">
          <button type="submit" class="button primary" disabled={state === 'sending'}>
            {state === 'sending' ? 'Sending' : 'Answer'}
          </button>
        </p>
        <p role="status" class="said">
          {state === 'missing' && 'Choose one of the three first.'}
          {state === 'sent' && 'Thank you: your answer is in. It is shown with those of others, from ten up, once the month in which the wave began is over.'}
        </p>
      </form>
      {refused && <ProblemNotice problem={refused} again={() => void submit()} />}
    </section>
  )
}
