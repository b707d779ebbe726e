// How Winograd's kernels cut an output into tiles of size x size, and how they number them.
// F(4x4,3x3) would compute up to three rows and columns that do not exist. It takes tiles of three
// outputs for as many of the last rows and columns as avoids that (13 = 4 + 3 + 3 + 3), with five
// products instead of six in that direction (f33.ts). Other forms have no short tiles.
//
// Tiles are numbered by kind: whole ones, those short in width, in both, in height. Four in turn
// make a group, which computes all that the largest of them needs: it is short in a direction only
// where all four are.

import { Winograd } from '../../lib/instructions'
import { crewSize, start } from '../../threads/split'
import { sizeOf } from './form'

/** How an output is cut, in TILING_BYTES of scratch. */
@unmanaged
export class Tiling {
  wholeRows: i32
  wholeColumns: i32
  shortRows: i32
  shortColumns: i32
  /**
   * The number after the last whole tile, after the last one short in width, after the last one
   * short in both, and after the last tile.
   */
  wholeEnd: i32
  widthEnd: i32
  bothEnd: i32
  tiles: i32
  /** The share that this thread computes. */
  firstGroup: i32
  endGroup: i32
  firstPanel: i32
  endPanel: i32
}

/** Writes the tiling of the instruction's output to `to`. */
export function tileOutput(i: Winograd, form: i32, to: Tiling): void {
  const height = i.outputHeight
  const width = i.outputWidth
  const size = sizeOf(form)
  const rows = (height + size - 1) / size
  const columns = (width + size - 1) / size
  const shortRows = form == 43 ? min(rows * size - height, rows) : 0
  const shortColumns = form == 43 ? min(columns * size - width, columns) : 0
  const wholeRows = rows - shortRows
  const wholeColumns = columns - shortColumns
  to.wholeRows = wholeRows
  to.wholeColumns = wholeColumns
  to.shortRows = shortRows
  to.shortColumns = shortColumns
  to.wholeEnd = wholeRows * wholeColumns
  to.widthEnd = wholeRows * columns
  to.bothEnd = wholeRows * columns + shortRows * shortColumns
  to.tiles = rows * columns
}

export function tilesOf(tiling: Tiling): i32 {
  return tiling.tiles
}

export function groupsOf(tiling: Tiling): i32 {
  return (tiling.tiles + 3) >> 2
}

/** The row of a tile among the tiles. */
export function rowOf(tiling: Tiling, tile: i32): i32 {
  if (tile < tiling.wholeEnd) return tile / tiling.wholeColumns
  if (tile < tiling.widthEnd) return (tile - tiling.wholeEnd) / tiling.shortColumns
  if (tile < tiling.bothEnd) return tiling.wholeRows + (tile - tiling.widthEnd) / tiling.shortColumns
  return tiling.wholeRows + (tile - tiling.bothEnd) / tiling.wholeColumns
}

/** The column of a tile among the tiles. */
export function columnOf(tiling: Tiling, tile: i32): i32 {
  if (tile < tiling.wholeEnd) return tile % tiling.wholeColumns
  if (tile < tiling.widthEnd) return tiling.wholeColumns + ((tile - tiling.wholeEnd) % tiling.shortColumns)
  if (tile < tiling.bothEnd) return tiling.wholeColumns + ((tile - tiling.widthEnd) % tiling.shortColumns)
  return (tile - tiling.bothEnd) % tiling.wholeColumns
}

/** The first output of the n-th tile in a direction that has `wholes` whole tiles. */
// @ts-ignore: decorator
@inline
export function firstOf(n: i32, wholes: i32, size: i32): i32 {
  return n * size - max(0, n - wholes)
}

/** Whether no tile of a group needs the products of a whole tile's rows. */
export function hasShortRows(tiling: Tiling, group: i32): bool {
  return group * 4 >= tiling.widthEnd
}

export function hasShortColumns(tiling: Tiling, group: i32): bool {
  return group * 4 >= tiling.wholeEnd && min(group * 4 + 3, tiling.tiles - 1) < tiling.bothEnd
}

/**
 * Whether threads share the tiles. Where these are too few, threads share output channels, and each
 * transforms all tiles.
 */
function sharesTiles(groups: i32, threads: i32): bool {
  return groups >= threads * 8
}

/** Writes share `part` of `parts` to a tiling: groups of tiles and panels of output channels. */
export function takePart(i: Winograd, tiling: Tiling, part: i32, parts: i32): void {
  const groups = groupsOf(tiling)
  const panels = (i.outputChannels + 7) >> 3
  const crew = crewSize()
  // A thread has its own panels, in as many shares as there are blocks of tiles, or it has all
  // panels.
  const shares = sharesTiles(groups, crew)
  const each = shares ? parts : parts / crew
  tiling.firstGroup = start(groups, part % each, each)
  tiling.endGroup = start(groups, (part % each) + 1, each)
  tiling.firstPanel = shares ? 0 : start(panels, part / each, crew)
  tiling.endPanel = shares ? panels : start(panels, part / each + 1, crew)
}

/** The shares of each thread: blocks of `most` groups, eight at most where threads share tiles. */
export function winogradShares(i: Winograd, form: i32, threads: i32): i32 {
  const size = sizeOf(form)
  const groups = (((i.outputHeight + size - 1) / size) * ((i.outputWidth + size - 1) / size) + 3) >> 2
  const most = i.block
  if (!sharesTiles(groups, threads)) return (groups + most - 1) / most
  return min(8, (groups + most * threads - 1) / (most * threads))
}
