// From the sums m of the taps to pixels: acc = (A'^T m A') / scale = foldedBias[o] + the exact sum
// of the convolution, then what every int8 convolution does with it (lib/requantize.ts). `sums` is
// [group of 4 tiles][panel of 8 channels][tap][4][8] int32. A tile is size x size pixels, or one
// less in a direction (tiles.ts); those inside the output are stored. winograd_s8.ts says why the
// division is exact. Pixels of a row are outputStride bytes apart, and rows outputRowStride bytes.
//
// No power of two is divided out. What the transforms give, times a factor that undoes 9 modulo
// 2^32, is acc * 2^6 (F(4,3)), acc * 4 (F(4,2), F(2,3)) or acc (F(2,2)), and the multipliers are
// packed as 2^-6, 2^-2 or 1 times what they are. The float32 product of the two is that of acc and
// its multiplier, to the bit, because the host chooses no kernel for a multiplier so small that its
// fraction is not a normal number.

import { OutputType, TILE_BYTES, Winograd } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { storeSum, storeSums } from '../../lib/requantize'
import { roundingOffset } from '../../lib/vector'
import { output22 } from './f22'
import { output23 } from './f23'
import { output33 } from './f33'
import { output42 } from './f42'
import { INVERSE_OF_9, missing43, output43 } from './f43'
import { sideOf, sizeOf } from './form'
import { transformRows } from './rows'
import { columnOf, firstOf, hasShortColumns, hasShortRows, rowOf, Tiling, tilesOf } from './tiles'

// `work` holds one pass, [4 rows][side][8] int32, and behind it a row of four pixels. A whole tile
// has sideOf(form) taps in each direction. A short one has five, the fifth of which is in the sixth
// place, so `short` passes skip the place before it.
const ROW: usize = 768

/** Writes `panels` panels of channels from `firstPanel` on, of the tiles that `sums` holds. */
export function transformOutput(
  i: Winograd,
  form: i32,
  tiling: Tiling,
  firstGroup: i32,
  groups: i32,
  firstPanel: i32,
  panels: i32,
  sums: usize,
  sumsGroup: usize,
  work: usize,
): void {
  const outputHeight = i.outputHeight
  const outputWidth = i.outputWidth
  const outputChannels = i.outputChannels
  const outputStride = <usize>i.outputStride
  const type = i.outputType
  const elementBytes: usize = type == OutputType.float32 ? 4 : 1
  const rowStride = <usize>i.outputRowStride
  const size = sizeOf(form)
  const panelBytes = <usize>(sideOf(form) * sideOf(form)) * TILE_BYTES
  for (let tile = firstGroup * 4, end = min((firstGroup + groups) * 4, tilesOf(tiling)); tile < end; tile++) {
    const row = rowOf(tiling, tile)
    const column = columnOf(tiling, tile)
    const y = firstOf(row, tiling.wholeRows, size)
    const x = firstOf(column, tiling.wholeColumns, size)
    const rows = min(size - i32(row >= tiling.wholeRows), outputHeight - y)
    const columns = min(size - i32(column >= tiling.wholeColumns), outputWidth - x)
    const shortRows = hasShortRows(tiling, tile >> 2)
    const shortColumns = hasShortColumns(tiling, tile >> 2)
    const pixel = i.output + <usize>y * rowStride + <usize>x * outputStride
    let m = sums + <usize>((tile >> 2) - firstGroup) * sumsGroup + <usize>(tile & 3) * 32
    for (let panel = firstPanel; panel < firstPanel + panels; panel++) {
      const to = pixel + <usize>panel * 8 * elementBytes
      const channels = min(8, outputChannels - panel * 8)
      if (SIMD) {
        passColumns(form, shortRows, shortColumns, m, work)
        if (type == OutputType.int8 && channels == 8) {
          transformRows(i, form, work, to, panel, rows, columns, shortRows, shortColumns)
        } else partialRows(i, form, work, to, panel, rows, columns, channels, shortRows, shortColumns)
      } else scalarTile(i, form, m, to, panel, rows, columns, channels, shortRows, shortColumns, work)
      m += panelBytes
    }
  }
}

/**
 * The factor of the sum of output (y, x) of a tile, which makes all sums acc times the same power
 * of two.
 */
// @ts-ignore: decorator
@inline
function factorOf(form: i32, y: i32, x: i32, shortRows: bool, shortColumns: bool): i32 {
  if (form == 43) return INVERSE_OF_9 << (missing43(y, shortRows) + missing43(x, shortColumns))
  return form == 42 ? INVERSE_OF_9 : 1
}

/** The first pass, over the rows of taps, for eight channels. */
// @ts-ignore: decorator
@inline
function passColumns(form: i32, shortRows: bool, shortColumns: bool, m: usize, work: usize): void {
  if (form == 43) {
    if (shortRows) columns33(m, work, shortColumns)
    else columns43(m, work, shortColumns)
  } else if (form == 42) columns42(m, work)
  else if (form == 23) columns23(m, work)
  else columns22(m, work)
}

function columns43(m: usize, to: usize, short: bool): void {
  columnsOf(43, false, short, m, to)
}

function columns33(m: usize, to: usize, short: bool): void {
  columnsOf(43, true, short, m, to)
}

function columns42(m: usize, to: usize): void {
  columnsOf(42, false, false, m, to)
}

function columns23(m: usize, to: usize): void {
  columnsOf(23, false, false, m, to)
}

function columns22(m: usize, to: usize): void {
  columnsOf(22, false, false, m, to)
}

// @ts-ignore: decorator
@inline
function columnsOf(form: i32, shortRows: bool, short: bool, m: usize, to: usize): void {
  const side = <usize>sideOf(form)
  for (const end = to + side * 32; to < end; to += 32) {
    if (short && to == end - 64) {
      to += 32
      m += 128
    }
    pass<v128>(form, shortRows, m, side * 128, to, side * 32)
    pass<v128>(form, shortRows, m + 16, side * 128, to + 16, side * 32)
    m += 128
  }
}

/** transformRows for the last channels, or for float32. */
function partialRows(
  i: Winograd,
  form: i32,
  work: usize,
  to: usize,
  panel: i32,
  rows: i32,
  columns: i32,
  channels: i32,
  shortRows: bool,
  shortColumns: bool,
): void {
  const stride = <usize>i.outputStride
  const zero = i.outputZeroPoint
  const s = f32x4.splat(i.slope)
  const l = f32x4.splat(<f32>(i.low - zero))
  const h = f32x4.splat(<f32>(i.high - zero))
  const o = roundingOffset(zero)
  const multipliers = i.multipliers + <usize>panel * 32
  const row = work + ROW
  for (let y = 0; y < rows; y++) {
    single<v128>(form, shortColumns, work, 32, row, 32)
    single<v128>(form, shortColumns, work + 16, 32, row + 16, 32)
    for (let x = 0; x < columns; x++) {
      const f = i32x4.splat(factorOf(form, y, x, shortRows, shortColumns))
      const a = i32x4.mul(v128.load(row + <usize>x * 32), f)
      const b = i32x4.mul(v128.load(row + <usize>x * 32, 16), f)
      storeSums(to + <usize>x * stride, a, b, multipliers, s, l, h, o, i.outputType, channels)
    }
    to += <usize>i.outputRowStride
    work += <usize>sideOf(form) * 32
  }
}

/** Both passes, channel by channel. */
function scalarTile(
  i: Winograd,
  form: i32,
  m: usize,
  to: usize,
  panel: i32,
  rows: i32,
  columns: i32,
  channels: i32,
  shortRows: bool,
  shortColumns: bool,
  work: usize,
): void {
  const stride = <usize>i.outputStride
  const rowStride = <usize>i.outputRowStride
  const zero = i.outputZeroPoint
  const slope = i.slope
  const low = <f32>(i.low - zero)
  const high = <f32>(i.high - zero)
  const type = i.outputType
  const side = <usize>sideOf(form)
  const row = work + ROW
  for (let n = 0; n < channels; n++) {
    const multiplier = load<f32>(i.multipliers + <usize>(panel * 8 + n) * 4)
    for (let b: usize = 0; b < side; b++) {
      single<i32>(form, shortRows, m + <usize>n * 4 + b * 128, side * 128, work + b * 4, side * 4)
    }
    for (let y = 0; y < rows; y++) {
      single<i32>(form, shortColumns, work + <usize>y * side * 4, 4, row, 4)
      for (let x = 0; x < columns; x++) {
        const acc = load<i32>(row + <usize>x * 4) * factorOf(form, y, x, shortRows, shortColumns)
        storeSum(to + <usize>y * rowStride + <usize>x * stride, n, acc, multiplier, slope, low, high, zero, type)
      }
    }
  }
}

function single<T>(form: i32, short: bool, from: usize, step: usize, to: usize, toStep: usize): void {
  pass<T>(form, short, from, step, to, toStep)
}

/** One pass over sums that are `step` bytes apart. It is inlined where the form is known. */
// @ts-ignore: decorator
@inline
function pass<T>(form: i32, short: bool, from: usize, step: usize, to: usize, toStep: usize): void {
  const m0 = load<T>(from)
  const m1 = load<T>(from + step)
  const m2 = load<T>(from + 2 * step)
  if (form == 22) output22<T>(m0, m1, m2, to, toStep)
  else {
    const m3 = load<T>(from + 3 * step)
    if (form == 23) output23<T>(m0, m1, m2, m3, to, toStep)
    else if (form == 43 && short) output33<T>(m0, m1, m2, m3, load<T>(from + 5 * step), to, toStep)
    else {
      const m4 = load<T>(from + 4 * step)
      if (form == 42) output42<T>(m0, m1, m2, m3, m4, to, toStep)
      else output43<T>(m0, m1, m2, m3, m4, load<T>(from + 5 * step), to, toStep)
    }
  }
}
