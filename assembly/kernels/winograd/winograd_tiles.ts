// How Winograd's kernels cut an output into tiles of size x size, and number them. F(4x4,3x3) would compute up to three rows
// and columns that are not there: it takes tiles of three outputs for as many of the last rows and columns as that avoids
// (13 = 4 + 3 + 3 + 3), with five products instead of six in that direction (winograd33.ts). Other forms cut no tile short.
//
// Tiles are numbered by kind: whole ones, those that are short in width, in both, in height. Four in turn make a group, which
// computes all that the largest of them needs: short in a direction only where all four are.

import { crewSize, start } from '../../threads/split'
import { word } from '../../lib/word'
import { sizeOf } from './winograd_form'

// A tiling: int32 rows and columns of whole tiles, rows and columns of short ones, and where each kind of tile ends; then, of
// the share that is computed, the first group and the end of groups, the first panel and the end of panels.
export const TILING_BYTES: usize = 64

/** The tiling of the instruction's output, to `to`. */
export function tileOutput(i: usize, form: i32, to: usize): void {
  const height = word(i, 9)
  const width = word(i, 10)
  const size = sizeOf(form)
  const rows = (height + size - 1) / size
  const columns = (width + size - 1) / size
  const shortRows = form == 43 ? min(rows * size - height, rows) : 0
  const shortColumns = form == 43 ? min(columns * size - width, columns) : 0
  const wholeRows = rows - shortRows
  const wholeColumns = columns - shortColumns
  store<i32>(to, wholeRows)
  store<i32>(to, wholeColumns, 4)
  store<i32>(to, shortRows, 8)
  store<i32>(to, shortColumns, 12)
  store<i32>(to, wholeRows * wholeColumns, 16)
  store<i32>(to, wholeRows * columns, 20)
  store<i32>(to, wholeRows * columns + shortRows * shortColumns, 24)
  store<i32>(to, rows * columns, 28)
}

export function tilesOf(tiling: usize): i32 {
  return word(tiling, 7)
}

export function groupsOf(tiling: usize): i32 {
  return (word(tiling, 7) + 3) >> 2
}

/** Of a tile: its row among the tiles. */
export function rowOf(tiling: usize, tile: i32): i32 {
  if (tile < word(tiling, 4)) return tile / word(tiling, 1)
  if (tile < word(tiling, 5)) return (tile - word(tiling, 4)) / word(tiling, 3)
  if (tile < word(tiling, 6)) return word(tiling, 0) + (tile - word(tiling, 5)) / word(tiling, 3)
  return word(tiling, 0) + (tile - word(tiling, 6)) / word(tiling, 1)
}

/** Of a tile: its column among the tiles. */
export function columnOf(tiling: usize, tile: i32): i32 {
  if (tile < word(tiling, 4)) return tile % word(tiling, 1)
  if (tile < word(tiling, 5)) return word(tiling, 1) + ((tile - word(tiling, 4)) % word(tiling, 3))
  if (tile < word(tiling, 6)) return word(tiling, 1) + ((tile - word(tiling, 5)) % word(tiling, 3))
  return (tile - word(tiling, 6)) % word(tiling, 1)
}

/** The first output of the n-th tile in a direction with so many whole ones. */
// @ts-ignore: decorator
@inline
export function firstOf(n: i32, wholes: i32, size: i32): i32 {
  return n * size - max(0, n - wholes)
}

/** Whether no tile of a group needs the products of a whole tile's rows. */
export function hasShortRows(tiling: usize, group: i32): bool {
  return group * 4 >= word(tiling, 5)
}

export function hasShortColumns(tiling: usize, group: i32): bool {
  return group * 4 >= word(tiling, 4) && min(group * 4 + 3, word(tiling, 7) - 1) < word(tiling, 6)
}

/** Whether threads share the tiles; else there are too few, and they share output channels, and each transforms all tiles. */
function sharesTiles(groups: i32, threads: i32): bool {
  return groups >= threads * 8
}

/** Share `part` of `parts` of an instruction, to its tiling: groups of tiles, and panels of output channels. */
export function takePart(i: usize, tiling: usize, part: i32, parts: i32): void {
  const groups = groupsOf(tiling)
  const panels = (word(i, 11) + 7) >> 3
  const crew = crewSize()
  // Each thread's panels, in as many shares as there are blocks of tiles; or all.
  const shares = sharesTiles(groups, crew)
  const each = shares ? parts : parts / crew
  store<i32>(tiling, start(groups, part % each, each), 32)
  store<i32>(tiling, start(groups, (part % each) + 1, each), 36)
  store<i32>(tiling, shares ? 0 : start(panels, part / each, crew), 40)
  store<i32>(tiling, shares ? panels : start(panels, part / each + 1, crew), 44)
}

/** Shares of each thread, for assembly/threads/shares.ts: blocks of `most` groups, eight at most where tiles are shared. */
export function winogradShares(i: usize, form: i32, threads: i32): i32 {
  const size = sizeOf(form)
  const groups = (((word(i, 9) + size - 1) / size) * ((word(i, 10) + size - 1) / size) + 3) >> 2
  const most = word(i, 22)
  if (!sharesTiles(groups, threads)) return (groups + most - 1) / most
  return min(8, (groups + most * threads - 1) / (most * threads))
}
