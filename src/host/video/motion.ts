import { checkPixels, type Pixels } from '../image/pixels.js'
import { checkOptions, type OptionNames } from '../options.js'
import { Elapsed } from './elapsed.js'
import { count, duration, fraction } from './settings.js'

export interface MotionOptions {
  /** Columns of the grid that a picture is divided into; cells are square. Default 32. */
  readonly columns?: number
  /** By how much a cell's mean brightness must change, of 1. Default 0.03. */
  readonly change?: number
  /** Share of the cells that must change; at least one must. Default 0.002. */
  readonly area?: number
  /**
   * How long the gate stays open after motion, in milliseconds: longer than tracks wait for their
   * object. Default 3000.
   */
  readonly holdMs?: number
  /**
   * The gate opens for one frame at least this often, whatever moves, in milliseconds. Default
   * 10000.
   */
  readonly everyMs?: number
  /**
   * How fast the background follows the picture: what stays for a few times this is part of it.
   * Default 5000.
   */
  readonly settleMs?: number
}

const motionNames = {
  columns: 'number',
  change: 'number',
  area: 'number',
  holdMs: 'number',
  everyMs: 'number',
  settleMs: 'number',
} satisfies OptionNames<MotionOptions>

/** Rows and columns of pixels that are looked at: every second one. */
const stride = 2

/**
 * Tells which frames a detector should look at: those in which something moves, compared with a
 * running mean of the picture. A change of the light as a whole is no motion.
 *
 *     const gate = new MotionGate()
 *     if (gate.update(pixels, timeMs)) {
 *       const { tracks } = scene.update(detector.detectPixels(pixels), frame)
 *       if (tracks.some(({ seen }) => !seen)) gate.hold()        // look again, until it is found or lost
 *     } else scene.skip(frame)
 */
export class MotionGate {
  readonly #columns: number
  readonly #change: number
  readonly #area: number
  readonly #holdMs: number
  readonly #everyMs: number
  readonly #settleMs: number
  readonly #elapsed = new Elapsed()
  #width = 0
  #height = 0
  /** Mean brightness of each cell, 0 to 255: of the frame, and of the background. */
  #cells = new Float64Array(0)
  #background = new Float64Array(0)
  #differences = new Float64Array(0)
  #motion = 0
  #openUntil = 0
  #looked = 0

  /** Throws E_OPTION. */
  constructor(options: MotionOptions = {}) {
    checkOptions(options, motionNames, 'MotionGate')
    this.#columns = count('columns', options.columns ?? 32)
    this.#change = fraction('change', options.change ?? 0.03)
    this.#area = fraction('area', options.area ?? 0.002)
    this.#holdMs = duration('holdMs', options.holdMs ?? 3000)
    this.#everyMs = duration('everyMs', options.everyMs ?? 10_000)
    this.#settleMs = duration('settleMs', options.settleMs ?? 5000)
  }

  /** Share of the cells that changed in the last frame. */
  get motion(): number {
    return this.#motion
  }

  /**
   * Whether this frame should be looked at. Throws E_OPTION for a time that is no number,
   * E_IMAGE_*.
   */
  update(pixels: Pixels, timeMs: number): boolean {
    checkPixels(pixels)
    const passed = this.#elapsed.advance(timeMs)
    const now = this.#elapsed.total
    if (pixels.width !== this.#width || pixels.height !== this.#height) {
      this.#begin(pixels)
      this.hold()
    } else {
      this.#measure(pixels)
      this.#motion = this.#compare(passed)
      if (this.#motion > 0 && this.#motion >= this.#area) this.hold()
    }
    if (now > this.#openUntil && now - this.#looked < this.#everyMs) return false
    this.#looked = now
    return true
  }

  /** Keeps the gate open as if something had moved in the last frame. */
  hold(): void {
    this.#openUntil = this.#elapsed.total + this.#holdMs
  }

  /** A picture of another size is another background. */
  #begin(pixels: Pixels): void {
    this.#width = pixels.width
    this.#height = pixels.height
    const cells = this.#columns * this.#rows
    this.#cells = new Float64Array(cells)
    this.#background = new Float64Array(cells)
    this.#differences = new Float64Array(cells)
    this.#measure(pixels)
    this.#background.set(this.#cells)
    this.#motion = 0
  }

  get #rows(): number {
    return Math.min(Math.max(1, Math.round((this.#columns * this.#height) / this.#width)), 1000)
  }

  #measure({ width, height, data }: Pixels): void {
    const rows = this.#rows
    for (let row = 0; row < rows; row++) {
      const [top, bottom] = range(row, rows, height)
      for (let column = 0; column < this.#columns; column++) {
        const [left, right] = range(column, this.#columns, width)
        let sum = 0
        let pixels = 0
        for (let y = top; y < bottom; y += stride) {
          for (let at = (y * width + left) * 4; at < (y * width + right) * 4; at += stride * 4) {
            // Brightness after ITU-R BT.601, in 256ths.
            sum += 77 * data[at] + 150 * data[at + 1] + 29 * data[at + 2]
            pixels++
          }
        }
        this.#cells[row * this.#columns + column] = sum / (256 * pixels)
      }
    }
  }

  /** The share of cells that changed; the background then follows the picture. */
  #compare(passed: number): number {
    const cells = this.#cells
    const background = this.#background
    for (let i = 0; i < cells.length; i++) this.#differences[i] = cells[i] - background[i]
    // What most of the picture does is the light.
    const light = this.#differences.sort()[cells.length >> 1]
    const follow = this.#settleMs > 0 ? Math.min(1, passed / this.#settleMs) : 1
    let changed = 0
    for (let i = 0; i < cells.length; i++) {
      const difference = cells[i] - background[i]
      if (Math.abs(difference - light) > 255 * this.#change) changed++
      background[i] += light + follow * (difference - light)
    }
    return changed / cells.length
  }
}

/** The pixels of a cell, at least one. */
function range(n: number, cells: number, pixels: number): readonly [number, number] {
  const start = Math.min(Math.floor((n * pixels) / cells), pixels - 1)
  return [start, Math.max(Math.floor(((n + 1) * pixels) / cells), start + 1)]
}
