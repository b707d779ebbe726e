import { OcellusError } from '../../errors.js'
import type { Pixels } from '../../image/pixels.js'
import { RandomStream } from '../random.js'

/** Which patches are hidden: any, those of rectangles, or all but a regular grid. */
export type MaskKind = 'random' | 'block' | 'grid'
export const maskKinds: readonly MaskKind[] = ['random', 'block', 'grid']

/** The patches of a picture, row by row. */
export interface PatchGrid {
  readonly rows: number
  readonly columns: number
}

export const leastRatio = 0.05
export const mostRatio = 0.95

/**
 * The visible patches, ascending, when `ratio` of all are hidden: `random` ones, `block`s (random
 * rectangles, until enough is hidden), or all but a `grid` as regular as the ratio allows. Throws
 * E_OPTION for a ratio beyond 0.05 to 0.95.
 */
export function visiblePatches(kind: MaskKind, ratio: number, seed: number, grid: PatchGrid): number[] {
  if (!(ratio >= leastRatio && ratio <= mostRatio)) {
    throw new OcellusError(
      'E_OPTION',
      `the mask ratio is ${ratio}; give ${leastRatio} to ${mostRatio}: something must be hidden and something seen`,
    )
  }
  const places = grid.rows * grid.columns
  // As MAE counts: int(places * (1 - ratio)); what binary fractions lack must not cost a patch.
  const visible = Math.min(Math.max(1, Math.floor(places * (1 - ratio) + 1e-6)), Math.max(1, places - 1))
  const random = new RandomStream(seed)
  if (kind === 'block') return outsideBlocks(places - visible, grid, random)
  const order = kind === 'grid' ? ditherOrder(grid) : random.shuffle(places)
  return order.slice(0, visible).sort((a, b) => a - b)
}

/**
 * Patches beside rectangles of a sixteenth to a quarter of the picture, until exactly `hidden` are
 * covered.
 */
function outsideBlocks(hidden: number, { rows, columns }: PatchGrid, random: RandomStream): number[] {
  const covered = new Set<number>()
  while (covered.size < hidden) {
    const height = Math.max(1, Math.round(rows * (0.25 + random.fraction() * 0.25)))
    const width = Math.max(1, Math.round(columns * (0.25 + random.fraction() * 0.25)))
    const top = random.below(rows - height + 1)
    const left = random.below(columns - width + 1)
    for (let n = 0; n < height * width && covered.size < hidden; n++)
      covered.add((top + Math.floor(n / width)) * columns + left + (n % width))
  }
  return Array.from({ length: rows * columns }, (_, place) => place).filter((place) => !covered.has(place))
}

/**
 * Places in the order of a Bayer matrix: the first quarter of them is every second row and column,
 * and so on.
 */
function ditherOrder({ rows, columns }: PatchGrid): number[] {
  let bits = 1
  while (1 << bits < Math.max(rows, columns)) bits++
  const rank = (place: number): number => {
    const y = Math.floor(place / columns)
    const x = place % columns
    let value = 0
    for (let bit = 0; bit < bits; bit++) {
      const low = (x >> bit) & 1
      const high = (low ^ (y >> bit)) & 1
      value = value * 4 + high * 2 + ((y >> bit) & 1)
    }
    return value
  }
  return Array.from({ length: rows * columns }, (_, place) => place).sort(
    (a, b) => rank(a) - rank(b) || a - b,
  )
}

/**
 * The visible patches of a mask drawn by hand: what is light (and opaque) in it is hidden, a patch
 * when half of it is. It has the size of the picture that it covers. Throws E_OPTION for a mask of
 * another size, or one that hides nothing or everything.
 */
export function visibleOfPicture(
  mask: Pixels,
  covered: Pick<Pixels, 'width' | 'height'>,
  grid: PatchGrid,
): number[] {
  const { width, height, data } = mask
  if (width !== covered.width || height !== covered.height) {
    throw new OcellusError(
      'E_OPTION',
      `the mask is ${width}x${height} pixels and the picture ${covered.width}x${covered.height}: make them the same size`,
    )
  }
  const { rows, columns } = grid
  const marked = new Float64Array(rows * columns)
  const seen = new Float64Array(rows * columns)
  for (let y = 0; y < height; y++) {
    const row = Math.floor(((y + 0.5) * rows) / height)
    for (let x = 0; x < width; x++) {
      const place = row * columns + Math.floor(((x + 0.5) * columns) / width)
      const at = (y * width + x) * 4
      const light = (data[at] * 2 + data[at + 1] * 5 + data[at + 2]) / 8
      seen[place]++
      if (light >= 128 && data[at + 3] >= 128) marked[place]++
    }
  }
  const visible = Array.from({ length: rows * columns }, (_, place) => place).filter(
    (place) => marked[place] * 2 < Math.max(1, seen[place]),
  )
  if (visible.length === 0 || visible.length === rows * columns) {
    const what = visible.length === 0 ? 'everything' : 'nothing'
    throw new OcellusError(
      'E_OPTION',
      `the mask hides ${what}: paint white what is to be restored, and only that`,
    )
  }
  return visible
}
