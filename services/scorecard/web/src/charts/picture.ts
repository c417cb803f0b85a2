/**
 * A chart as a picture that stands alone: what an element of the page shows (its SVG marks, its text, the rules of its tables), under
 * a title and a caption, as one SVG with every style written into it. Loaded when somebody asks for a picture.
 */
export interface Headed {
  title: string
  /** Period, scope and as-of: what a picture must say once it has left the page. */
  caption: string[]
}

const space = 'http://www.w3.org/2000/svg'

/** Styles that decide how a mark looks, with what they are where nothing is said. */
const usual: Record<string, string> = {
  fill: 'rgb(0, 0, 0)', 'fill-opacity': '1', stroke: 'none', 'stroke-width': '1px', 'stroke-dasharray': 'none', 'stroke-linecap': 'butt', 'stroke-linejoin': 'miter', 'text-anchor': 'start',
}
/** Those that an element does not take from the one around it. */
const own: Record<string, string> = { 'vector-effect': 'none', opacity: '1' }
const letters = ['font-family', 'font-size', 'font-weight', 'font-style']

const edge = 16
const line = 17

/** The picture of an element as SVG text, and its size. */
export function pictureOf(root: Element, head: Headed): { svg: string; width: number; height: number } {
  const frame = root.getBoundingClientRect()
  // A narrow chart leaves room for what is said about it.
  const width = Math.max(360, Math.ceil(frame.width) + 2 * edge)
  const svg = make('svg', { width })
  const title = make('title')
  title.textContent = clean(head.title)
  svg.append(title, make('rect', { width: '100%', height: '100%', fill: groundOf(root) }))
  const page = getComputedStyle(root)
  let y = edge + 14
  const write = (text: string, size: number, weight: number) => {
    for (const part of wrapped(text, (width - 2 * edge) / (size * 0.56))) {
      svg.append(textAt(part, edge, y, { 'font-family': page.fontFamily, 'font-size': `${size}px`, 'font-weight': weight, fill: page.color }))
      y += line
    }
  }
  write(head.title, 15, 650)
  for (const text of head.caption) write(text, 12, 400)
  const body = make('g', { transform: `translate(${edge - frame.left} ${y - frame.top})` })
  draw(root, body)
  svg.append(body)
  const shown = [...root.children].filter((child) => !child.matches(leftOut))
  const bottom = Math.max(frame.top, ...shown.map((child) => child.getBoundingClientRect().bottom))
  const height = Math.ceil(y + bottom - frame.top) + edge
  svg.setAttribute('height', String(height))
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`)
  return { svg: new XMLSerializer().serializeToString(svg), width, height }
}

/** The picture as PNG at twice the size, drawn from the SVG without asking any server. */
export async function pngOf({ svg, width, height }: { svg: string; width: number; height: number }): Promise<Blob> {
  const image = new Image()
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`
  await image.decode()
  const canvas = document.createElement('canvas')
  canvas.width = width * 2
  canvas.height = height * 2
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height)
  return new Promise((done, failed) => canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error('the browser made no picture'))), 'image/png'))
}

function make(name: string, attributes: Record<string, string | number> = {}): SVGElement {
  const element = document.createElementNS(space, name)
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value))
  return element
}

/** Characters that XML can not hold are left out. */
const clean = (text: string) => text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')

function textAt(text: string, x: number, y: number, attributes: Record<string, string | number>): SVGElement {
  const element = make('text', { x: round(x), y: round(y), ...attributes })
  element.textContent = clean(text)
  return element
}

const round = (v: number) => Math.round(v * 100) / 100

/** Words in lines of at most so many characters. */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= most) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** The colour that lies under an element. */
function groundOf(element: Element): string {
  for (let at: Element | null = element; at; at = at.parentElement) {
    const colour = getComputedStyle(at).backgroundColor
    if (colour && colour !== 'transparent' && colour !== 'rgba(0, 0, 0, 0)') return colour
  }
  return 'white'
}

/** What a picture leaves out: controls, what is folded away, and what is for screen readers only. */
const leftOut = '[data-not-drawn], a[download], .sr, .print-only, [popover], details, script, style, select, input, textarea'

/** Draws an element in the coordinates of the window. */
function draw(element: Element, into: SVGElement): void {
  if (element.matches(leftOut)) return
  const style = getComputedStyle(element)
  if (style.display === 'none' || style.visibility === 'hidden') return
  if (element instanceof SVGSVGElement) {
    into.append(chartOf(element))
    return
  }
  rule(element, style, into)
  for (const child of element.childNodes) {
    if (child instanceof Text) writeText(child, style, into)
    else if (child instanceof Element) draw(child, into)
  }
}

/** The line under a row or a cell. */
function rule(element: Element, style: CSSStyleDeclaration, into: SVGElement): void {
  for (const side of ['top', 'bottom'] as const) {
    const width = parseFloat(style.getPropertyValue(`border-${side}-width`))
    if (!(width > 0) || style.getPropertyValue(`border-${side}-style`) !== 'solid') continue
    const box = element.getBoundingClientRect()
    const y = side === 'top' ? box.top : box.bottom - width
    into.append(make('rect', { x: round(box.left), y: round(y), width: round(box.width), height: width, fill: style.getPropertyValue(`border-${side}-color`) }))
  }
}

/** Text where the page has it, a line at a time. */
function writeText(node: Text, style: CSSStyleDeclaration, into: SVGElement): void {
  const range = document.createRange()
  let begun: { text: string; box: DOMRect } | null = null
  const look = { 'font-family': style.fontFamily, 'font-size': style.fontSize, 'font-weight': style.fontWeight, 'font-style': style.fontStyle, fill: style.color }
  const end = () => {
    // A line of text stands about a fifth of its box above the bottom.
    if (begun) into.append(textAt(begun.text.trimEnd(), begun.box.left, begun.box.bottom - begun.box.height * 0.22, look))
    begun = null
  }
  for (const { index, 0: word } of node.data.matchAll(/[^\s]+[^\S\n]?|[\s]+/g)) {
    range.setStart(node, index)
    range.setEnd(node, index + word.length)
    const box = range.getClientRects()[0]
    if (!box || box.width === 0) continue
    if (begun && Math.abs(begun.box.top - box.top) < 2) begun.text += word.replace(/\s+/g, ' ')
    else {
      end()
      if (word.trim()) begun = { text: word.replace(/\s+/g, ' '), box }
    }
  }
  end()
}

/** A chart of the page with its computed styles as attributes, at its place. */
function chartOf(chart: SVGSVGElement): SVGElement {
  const box = chart.getBoundingClientRect()
  const copy = chart.cloneNode(true) as SVGSVGElement
  style(chart, copy)
  for (const [name, value] of Object.entries({ x: box.left, y: box.top, width: box.width, height: box.height })) copy.setAttribute(name, String(round(value)))
  copy.setAttribute('overflow', 'visible')
  return copy
}

/** Writes the styles of an element and what is in it; `around` is what holds already. */
function style(from: Element, to: Element, around: Record<string, string> = usual): void {
  const computed = getComputedStyle(from)
  const held = { ...around }
  for (const name of ['class', 'role', 'aria-label', 'aria-hidden', 'style', ...Object.keys(usual)]) to.removeAttribute(name)
  for (const name of Object.keys(usual)) {
    const value = computed.getPropertyValue(name)
    if (!value || value === around[name]) continue
    to.setAttribute(name, value)
    held[name] = value
  }
  for (const [name, nothing] of Object.entries(own)) {
    const value = computed.getPropertyValue(name)
    if (value && value !== nothing) to.setAttribute(name, value)
  }
  if (from.localName === 'text') for (const name of letters) to.setAttribute(name, computed.getPropertyValue(name))
  for (let i = 0; i < from.children.length; i++) style(from.children[i]!, to.children[i]!, held)
}
