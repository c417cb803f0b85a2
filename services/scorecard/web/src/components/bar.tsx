/** A share of a whole as a bar, with its figure beside it: the figure says it, the bar only shows it. */
import type { ComponentChildren } from 'preact'

export function Bar({ share, width, height, children }: { share: number; width: number; height: number; children: ComponentChildren }) {
  return (
    <span class="share-bar">
      <svg width={width} height={height} aria-hidden="true">
        <rect class="track" width={width} height={height} rx="1" />
        <rect class="actual" width={width * share} height={height} rx="1" />
      </svg>
      <span>{children}</span>
    </span>
  )
}
