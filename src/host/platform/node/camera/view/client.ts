// The page's own code. It imports nothing: a browser gets it as the compiler wrote it.
import type { AnyEvent, Hello, Shown } from './server.js'

const find = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T
const picture = find<HTMLImageElement>('picture')
const marks = find<HTMLCanvasElement>('marks')
const stage = find('stage')
const notice = find('notice')

const keptLines = 100
/** Without a result for so long the boxes are no longer true. */
const boxesLastMs = 3000

let hello: Hello | undefined
let shown: Shown | undefined
let shownAt = 0
/** Lines: how often they were crossed. Zones: who is inside. */
const crossings = new Map<string, { in: number; out: number }>()
const inside = new Map<string, Set<string>>()

/** A colour for a label, the same on every page. */
function hueOf(label: string): number {
  let hash = 0
  for (const letter of label) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 360
  // Neighbours in the alphabet should not look alike.
  return (hash * 137) % 360
}

/** Where the picture lies in its frame, which may have another shape. */
function pictureArea(): { left: number; top: number; width: number; height: number } {
  const { clientWidth, clientHeight } = stage
  const [w, h] = shown
    ? [shown.width, shown.height]
    : [picture.naturalWidth || 16, picture.naturalHeight || 9]
  const scale = Math.min(clientWidth / w, clientHeight / h)
  return {
    left: (clientWidth - w * scale) / 2,
    top: (clientHeight - h * scale) / 2,
    width: w * scale,
    height: h * scale,
  }
}

function draw(): void {
  const context = marks.getContext('2d')
  if (context === null) return
  const density = Math.min(devicePixelRatio || 1, 2)
  marks.width = Math.round(stage.clientWidth * density)
  marks.height = Math.round(stage.clientHeight * density)
  context.scale(density, density)
  const { left, top, width, height } = pictureArea()
  context.translate(left, top)
  context.font = '600 12px system-ui, sans-serif'
  context.lineJoin = 'round'
  for (const { name, points } of hello?.zones ?? []) {
    const busy = (inside.get(name)?.size ?? 0) > 0
    context.beginPath()
    for (const [x, y] of points) context.lineTo(x * width, y * height)
    context.closePath()
    context.fillStyle = busy ? '#ffd54a40' : '#ffd54a14'
    context.fill()
    outlined(context, '#ffd54a', 1.5)
    const [x, y] = points[0]
    tag(context, name, x * width, y * height, '#ffd54a', width)
  }
  for (const { name, from, to } of hello?.lines ?? []) {
    const [ax, ay, bx, by] = [from[0] * width, from[1] * height, to[0] * width, to[1] * height]
    context.beginPath()
    context.moveTo(ax, ay)
    context.lineTo(bx, by)
    // An arrow shows which way is in: from the left of the line to its right.
    const length = Math.hypot(bx - ax, by - ay) || 1
    const [nx, ny] = [-(by - ay) / length, (bx - ax) / length]
    const [mx, my] = [(ax + bx) / 2, (ay + by) / 2]
    context.moveTo(mx, my)
    context.lineTo(mx + nx * 16, my + ny * 16)
    const [tx, ty] = [mx + nx * 16, my + ny * 16]
    context.moveTo(tx - nx * 6 - ny * 5, ty - ny * 6 + nx * 5)
    context.lineTo(tx, ty)
    context.lineTo(tx - nx * 6 + ny * 5, ty - ny * 6 - nx * 5)
    outlined(context, '#4ad9ff', 2)
    const { in: inward = 0, out = 0 } = crossings.get(name) ?? {}
    tag(context, `${name} ${inward} in, ${out} out`, ax, ay, '#4ad9ff', width)
  }
  if (shown === undefined || performance.now() - shownAt > boxesLastMs) return
  for (const { id, label, score, box, seen, stationary } of shown.tracks) {
    const x = (box.xmin / shown.width) * width
    const y = (box.ymin / shown.height) * height
    const colour = `hsl(${hueOf(label)} 90% 62%)`
    context.setLineDash(seen ? [] : [5, 4])
    context.beginPath()
    context.rect(
      x,
      y,
      ((box.xmax - box.xmin) / shown.width) * width,
      ((box.ymax - box.ymin) / shown.height) * height,
    )
    outlined(context, colour, 2)
    context.setLineDash([])
    tag(
      context,
      `${label} ${id} · ${Math.round(score * 100)} %${stationary ? ' · still' : ''}`,
      x,
      y,
      colour,
      width,
    )
  }
}

/** A line that is seen on light and on dark. */
function outlined(context: CanvasRenderingContext2D, colour: string, thickness: number): void {
  context.strokeStyle = '#000a'
  context.lineWidth = thickness + 2
  context.stroke()
  context.strokeStyle = colour
  context.lineWidth = thickness
  context.stroke()
}

function tag(
  context: CanvasRenderingContext2D,
  text: string,
  x: number,
  y: number,
  colour: string,
  width: number,
): void {
  const room = context.measureText(text).width + 8
  const left = Math.max(0, Math.min(x, width - room))
  const top = Math.max(0, y - 17)
  context.fillStyle = colour
  context.fillRect(left, top, room, 17)
  context.fillStyle = '#000'
  context.fillText(text, left + 4, top + 12.5)
}

/** Fills a list of names and values, without touching what stays. */
function list(id: string, entries: readonly (readonly [string, string])[]): void {
  const target = find(id)
  while (target.children.length < entries.length * 2)
    target.append(document.createElement(target.children.length % 2 ? 'dd' : 'dt'))
  while (target.children.length > entries.length * 2) target.lastElementChild?.remove()
  for (const [n, text] of entries.flat().entries())
    if (target.children[n].textContent !== text) target.children[n].textContent = text
}

const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${(share * 100).toFixed(0)} %`

function showStatistics(stats: Hello['stats']): void {
  list('numbers', [
    ['Camera', `${stats.sourceRate.toFixed(1)} frames/s`],
    ['Results', `${stats.rate.toFixed(1)} /s`],
    ['Frame to result', `${stats.age.p50.toFixed(0)} ms (95 %: ${stats.age.p95.toFixed(0)})`],
    ['Detector', `${stats.detector.p50.toFixed(0)} ms`],
    ['Processor', `${percent(stats.cpu.process)} + ffmpeg ${percent(stats.cpu.ffmpeg)}`],
    ['Memory', `${stats.rssMiB} MiB`],
    ['Reconnected', String(stats.reconnects)],
  ])
}

function showCounts(): void {
  const lines = (hello?.lines ?? []).map(({ name }): [string, string] => {
    const { in: inward = 0, out = 0 } = crossings.get(name) ?? {}
    return [name, `${inward} in, ${out} out`]
  })
  const zones = (hello?.zones ?? []).map(({ name }): [string, string] => [
    name,
    `${inside.get(name)?.size ?? 0} inside`,
  ])
  find('counts-section').hidden = lines.length + zones.length === 0
  list('counts', [...lines, ...zones])
}

function showState({ state, code, message, since }: Hello['state']): void {
  const badge = find('state')
  badge.textContent = state
  badge.className = `badge ${state}`
  stage.classList.toggle('old', state !== 'live')
  notice.hidden = state === 'live'
  const when = new Date(since).toLocaleTimeString()
  notice.textContent = code ? `${state} since ${when}. ${code}: ${message}` : `${state} since ${when}`
}

function sentence(event: AnyEvent): string {
  if (event.type === 'camera') return `camera ${event.state}${event.code ? `: ${event.message}` : ''}`
  const { type, label, id, zone, line, direction, duration } = event
  if (type === 'enter' || type === 'leave') return `${label} ${id} ${type}s ${zone}`
  if (type === 'cross') return `${label} ${id} crosses ${line} (${direction})`
  if (type === 'end') return `${label} ${id} is gone after ${duration.toFixed(0)} s`
  return type === 'start' ? `${label} ${id} appears` : `${label} ${id} goes on`
}

function count(event: AnyEvent): void {
  if (event.type === 'camera') return
  if (event.line !== undefined && event.counts !== undefined) crossings.set(event.line, event.counts)
  if (event.zone === undefined) return
  const ids = inside.get(event.zone) ?? new Set()
  inside.set(event.zone, ids)
  if (event.type === 'enter') ids.add(event.id)
  else ids.delete(event.id)
}

function addEvent(event: AnyEvent): void {
  count(event)
  const item = document.createElement('li')
  const at = document.createElement('time')
  at.textContent =
    event.time !== undefined
      ? new Date(event.time).toLocaleTimeString()
      : 'position' in event && event.position !== undefined
        ? `${event.position.toFixed(1)} s`
        : ''
  const text = document.createElement('span')
  text.textContent = sentence(event)
  item.append(at, text)
  item.className = event.type
  const log = find('log')
  log.querySelector('.empty')?.remove()
  log.prepend(item)
  while (log.children.length > keptLines) log.lastElementChild?.remove()
}

/**
 * The stream may have ended with the connection: it's asked for anew, by an address that the
 * browser has not kept.
 */
const showPicture = (): void => {
  picture.src = `stream.mjpg?${Date.now()}`
}

function connect(): void {
  const source = new EventSource('events')
  const on = <T>(kind: string, take: (value: T) => void): void =>
    source.addEventListener(kind, ({ data }: MessageEvent<string>) => take(JSON.parse(data) as T))
  on<Hello>('hello', (value) => {
    hello = value
    crossings.clear()
    inside.clear()
    for (const [name, counts] of Object.entries(value.counts)) crossings.set(name, counts)
    document.title = `${value.name} – Ocellus`
    find('name').textContent = value.name
    find('source').textContent = value.source
    find('log').replaceChildren()
    for (const event of value.log) addEvent(event)
    showState(value.state)
    showStatistics(value.stats)
    showCounts()
    showPicture()
    draw()
  })
  on<Shown>('tracks', (value) => {
    shown = value
    shownAt = performance.now()
    stage.style.aspectRatio = `${value.width} / ${value.height}`
    draw()
  })
  on<AnyEvent>('event', (value) => {
    addEvent(value)
    showCounts()
  })
  on<Hello['state']>('state', (value) => {
    if (value.state !== 'live') shown = undefined
    showState(value)
    draw()
  })
  on<Hello['stats']>('stats', showStatistics)
  source.onerror = () => {
    const badge = find('state')
    badge.textContent = 'not connected'
    badge.className = 'badge lost'
    stage.classList.add('old')
    notice.hidden = false
    notice.textContent = 'Ocellus does not answer. This page tries again.'
    shown = undefined
    draw()
  }
}

picture.addEventListener('error', () => setTimeout(showPicture, 2000))
new ResizeObserver(draw).observe(stage)
setInterval(draw, 1000)
connect()
