/** Text to be copied: shown whole, and copied with one button. */
import { useEffect, useRef, useState } from 'preact/hooks'

export function Copyable({ text, label }: { text: string; label: string }) {
  const [said, setSaid] = useState('')
  const code = useRef<HTMLElement>(null)
  useEffect(() => setSaid(''), [text])
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text)
      setSaid('Copied.')
    } catch {
      // Without a secure context there is no clipboard: it is selected, and the keyboard copies it.
      if (code.current) getSelection()?.selectAllChildren(code.current)
      setSaid('It is selected: copy it with the keyboard.')
    }
  }
  return (
    <div class="copyable">
      <pre tabindex={0} role="region" aria-label={label}>
        <code ref={code}>{text}</code>
      </pre>
      <p class="actions">
        <button type="button" class="button" onClick={() => void copy()} aria-label={`Copy: ${label}`}>
          Copy
        </button>
        <span class="quiet-note" role="status">
          {said}
        </span>
      </p>
    </div>
  )
}
