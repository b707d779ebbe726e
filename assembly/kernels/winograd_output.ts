// From the sums m of the taps to pixels: acc = (A'^T m A') / scale = foldedBias[o] + the convolution's exact sum, then what
// every int8 convolution does with it (requantize.ts). `sums` is [group of 4 tiles][panel of 8 channels][tap][4][8] int32;
// a tile is size x size pixels, or one less in a direction (winograd_tiles.ts), of which those inside the output are stored.
// Why the division is exact: winograd_s8.ts. Pixels of a row are outputStride bytes apart, rows outputRowStride.
//
// No power of two is divided out: what comes from the transforms, times a factor that undoes 9 modulo 2^32, is acc * 2^6
// (F(4,3)), acc * 4 (F(4,2), F(2,3)) or acc (F(2,2)), and the multipliers are packed as 2^-6, 2^-2 and 1 of what they are.
// float32 products of the two are those of acc and its multiplier, to the bit, as the host chooses no kernel for a
// multiplier so small that its fraction is not a normal number.

import { SIMD } from '../isa'
import { requantized, storeSum, storeSums } from '../requantize'
import { narrow, roundingOffset } from '../vector'
import { address, float, word } from '../word'
import { output22 } from './winograd22'
import { output23 } from './winograd23'
import { first33, output33, second33, third33 } from './winograd33'
import { first42, fourth42, output42, second42, third42, three } from './winograd42'
import { first43, fourth43, INVERSE_OF_9, missing43, output43, second43, third43 } from './winograd43'
import { sideOf, sizeOf } from './winograd_form'
import { columnOf, firstOf, hasShortColumns, hasShortRows, rowOf, tilesOf } from './winograd_tiles'

// `work` holds one pass, [4 rows][side][8] int32, and behind it a row of four pixels. A whole tile has sideOf(form) taps in
// each direction; of a short one's five the fifth is in the sixth's place, so `short` passes skip the one before it.
const ROW: usize = 768

/** `panels` panels of channels from `firstPanel` on, of the tiles whose sums these are. */
export function transformOutput(
  i: usize,
  form: i32,
  tiling: usize,
  firstGroup: i32,
  groups: i32,
  firstPanel: i32,
  panels: i32,
  sums: usize,
  sumsGroup: usize,
  work: usize,
): void {
  const outputHeight = word(i, 9)
  const outputWidth = word(i, 10)
  const outputChannels = word(i, 11)
  const outputStride = <usize>word(i, 12)
  const type = word(i, 20)
  const elementBytes: usize = type == 1 ? 4 : 1
  const rowStride = <usize>word(i, 26)
  const size = sizeOf(form)
  const panelBytes = <usize>(sideOf(form) * sideOf(form)) * 128
  for (let tile = firstGroup * 4, end = min((firstGroup + groups) * 4, tilesOf(tiling)); tile < end; tile++) {
    const row = rowOf(tiling, tile)
    const column = columnOf(tiling, tile)
    const y = firstOf(row, word(tiling, 0), size)
    const x = firstOf(column, word(tiling, 1), size)
    const rows = min(size - i32(row >= word(tiling, 0)), outputHeight - y)
    const columns = min(size - i32(column >= word(tiling, 1)), outputWidth - x)
    const shortRows = hasShortRows(tiling, tile >> 2)
    const shortColumns = hasShortColumns(tiling, tile >> 2)
    const pixel = address(i, 2) + <usize>y * rowStride + <usize>x * outputStride
    let m = sums + <usize>((tile >> 2) - firstGroup) * sumsGroup + <usize>(tile & 3) * 32
    for (let panel = firstPanel; panel < firstPanel + panels; panel++) {
      const to = pixel + <usize>panel * 8 * elementBytes
      const channels = min(8, outputChannels - panel * 8)
      if (SIMD) {
        passColumns(form, shortRows, shortColumns, m, work)
        if (type == 0 && channels == 8) {
          if (form == 43) {
            if (shortColumns) rows33(i, work, to, panel, rows, columns, shortRows)
            else rows43(i, work, to, panel, rows, columns, shortRows)
          } else if (form == 42) rows42(i, work, to, panel, rows, columns)
          else if (form == 23) rows23(i, work, to, panel, rows, columns)
          else rows22(i, work, to, panel, rows, columns)
        } else partialRows(i, form, work, to, panel, rows, columns, channels, shortRows, shortColumns)
      } else scalarTile(i, form, m, to, panel, rows, columns, channels, shortRows, shortColumns, work)
      m += panelBytes
    }
  }
}

/** What the sum of output (y, x) of a tile is to be multiplied by, so that all are acc times the same power of two. */
// @ts-ignore: decorator
@inline
function factorOf(form: i32, y: i32, x: i32, shortRows: bool, shortColumns: bool): i32 {
  if (form == 43) return INVERSE_OF_9 << (missing43(y, shortRows) + missing43(x, shortColumns))
  return form == 42 ? INVERSE_OF_9 : 1
}

/** The first pass, over the rows of taps, for all eight channels. */
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

/** The second pass and what follows, for all eight channels in int8. */
function rows43(i: usize, from: usize, to: usize, panel: i32, rows: i32, columns: i32, shortRows: bool): void {
  rowsOf(43, shortRows, false, i, from, to, panel, rows, columns)
}

function rows33(i: usize, from: usize, to: usize, panel: i32, rows: i32, columns: i32, shortRows: bool): void {
  rowsOf(43, shortRows, true, i, from, to, panel, rows, columns)
}

function rows42(i: usize, from: usize, to: usize, panel: i32, rows: i32, columns: i32): void {
  rowsOf(42, false, false, i, from, to, panel, rows, columns)
}

function rows23(i: usize, from: usize, to: usize, panel: i32, rows: i32, columns: i32): void {
  rowsOf(23, false, false, i, from, to, panel, rows, columns)
}

function rows22(i: usize, from: usize, to: usize, panel: i32, rows: i32, columns: i32): void {
  rowsOf(22, false, false, i, from, to, panel, rows, columns)
}

// @ts-ignore: decorator
@inline
function rowsOf(
  form: i32,
  shortRows: bool,
  short: bool,
  i: usize,
  from: usize,
  to: usize,
  panel: i32,
  rows: i32,
  columns: i32,
): void {
  const stride = <usize>word(i, 12)
  const zero = word(i, 16)
  const s = f32x4.splat(float(i, 17))
  const l = f32x4.splat(<f32>(word(i, 18) - zero))
  const h = f32x4.splat(<f32>(word(i, 19) - zero))
  const o = roundingOffset(zero)
  const multipliers = address(i, 4) + <usize>panel * 32
  const n0 = v128.load(multipliers)
  const n1 = v128.load(multipliers, 16)
  for (let y = 0; y < rows; y++) {
    // Without what its place in the row adds, which half43 and half33 know.
    const f = i32x4.splat(form == 43 ? INVERSE_OF_9 << missing43(y, shortRows) : INVERSE_OF_9)
    const low = half(form, short, from, f, n0, s, l, h, o)
    storeRow(low, half(form, short, from + 16, f, n1, s, l, h, o), to, stride, columns)
    from += <usize>sideOf(form) * 32
    to += <usize>word(i, 26)
  }
}

/** Four pixels of a row, four channels each. */
// @ts-ignore: decorator
@inline
function half(form: i32, short: bool, from: usize, f: v128, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  if (form == 43) {
    if (short) return half33(from, f, n, s, l, h, o)
    return half43(from, f, n, s, l, h, o)
  }
  if (form == 42) return half42(from, f, n, s, l, h, o)
  if (form == 23) return half23(from, n, s, l, h, o)
  return half22(from, n, s, l, h, o)
}

// @ts-ignore: decorator
@inline
function half43(from: usize, f: v128, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const m3 = v128.load(from, 96)
  const m4 = v128.load(from, 128)
  const m5 = v128.load(from, 160)
  const p = i32x4.add(m1, m2)
  const q = i32x4.sub(m1, m2)
  const t = i32x4.add(m3, m4)
  const u = i32x4.sub(m3, m4)
  return narrow(
    requantized(i32x4.mul(first43<v128>(m0, p, t), f), n, s, l, h, o),
    requantized(i32x4.mul(second43<v128>(q, u), i32x4.shl(f, 1)), n, s, l, h, o),
    requantized(i32x4.mul(third43<v128>(p, t), i32x4.shl(f, 2)), n, s, l, h, o),
    requantized(i32x4.mul(fourth43<v128>(m5, q, u), i32x4.shl(f, 2)), n, s, l, h, o),
  )
}

// @ts-ignore: decorator
@inline
function half33(from: usize, f: v128, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const m3 = v128.load(from, 96)
  const m5 = v128.load(from, 160)
  const c = requantized(i32x4.mul(third33<v128>(m1, m2, m3, m5), i32x4.shl(f, 2)), n, s, l, h, o)
  return narrow(
    requantized(i32x4.mul(first33<v128>(m0, m1, m2, m3), i32x4.shl(f, 1)), n, s, l, h, o),
    requantized(i32x4.mul(second33<v128>(m1, m2, m3), i32x4.shl(f, 2)), n, s, l, h, o),
    c,
    c,
  )
}

// @ts-ignore: decorator
@inline
function half42(from: usize, f: v128, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const m3 = v128.load(from, 96)
  const m4 = v128.load(from, 128)
  const one = three<v128>(m1)
  const minus = i32x4.sub(one, m2)
  const plus = i32x4.add(one, m2)
  return narrow(
    requantized(i32x4.mul(first42<v128>(m0, minus, m3), f), n, s, l, h, o),
    requantized(i32x4.mul(second42<v128>(plus, m3), f), n, s, l, h, o),
    requantized(i32x4.mul(third42<v128>(minus, m3), f), n, s, l, h, o),
    requantized(i32x4.mul(fourth42<v128>(plus, m3, m4), f), n, s, l, h, o),
  )
}

// @ts-ignore: decorator
@inline
function half23(from: usize, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const m3 = v128.load(from, 96)
  const a = requantized(i32x4.add(m0, i32x4.add(m1, m2)), n, s, l, h, o)
  const b = requantized(i32x4.sub(i32x4.sub(m1, m2), m3), n, s, l, h, o)
  return narrow(a, b, a, b)
}

// @ts-ignore: decorator
@inline
function half22(from: usize, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const a = requantized(i32x4.add(m0, m1), n, s, l, h, o)
  const b = requantized(i32x4.add(m1, m2), n, s, l, h, o)
  return narrow(a, b, a, b)
}

/** Up to four pixels: the first four channels of each, and the other four. */
// @ts-ignore: decorator
@inline
function storeRow(low: v128, high: v128, to: usize, stride: usize, columns: i32): void {
  const ab = i8x16.shuffle(low, high, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  v128.store64_lane(to, ab, 0)
  if (columns > 1) {
    v128.store64_lane(to + stride, ab, 1)
    if (columns > 2) {
      const cd = i8x16.shuffle(low, high, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
      v128.store64_lane(to + 2 * stride, cd, 0)
      if (columns > 3) v128.store64_lane(to + 3 * stride, cd, 1)
    }
  }
}

/** As the rows above, for the last channels or float32. */
function partialRows(
  i: usize,
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
  const stride = <usize>word(i, 12)
  const zero = word(i, 16)
  const s = f32x4.splat(float(i, 17))
  const l = f32x4.splat(<f32>(word(i, 18) - zero))
  const h = f32x4.splat(<f32>(word(i, 19) - zero))
  const o = roundingOffset(zero)
  const multipliers = address(i, 4) + <usize>panel * 32
  const row = work + ROW
  for (let y = 0; y < rows; y++) {
    single<v128>(form, shortColumns, work, 32, row, 32)
    single<v128>(form, shortColumns, work + 16, 32, row + 16, 32)
    for (let x = 0; x < columns; x++) {
      const f = i32x4.splat(factorOf(form, y, x, shortRows, shortColumns))
      const a = i32x4.mul(v128.load(row + <usize>x * 32), f)
      const b = i32x4.mul(v128.load(row + <usize>x * 32, 16), f)
      storeSums(to + <usize>x * stride, a, b, multipliers, s, l, h, o, word(i, 20), channels)
    }
    to += <usize>word(i, 26)
    work += <usize>sideOf(form) * 32
  }
}

/** As both passes, a channel at a time. */
function scalarTile(
  i: usize,
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
  const stride = <usize>word(i, 12)
  const rowStride = <usize>word(i, 26)
  const zero = word(i, 16)
  const slope = float(i, 17)
  const low = <f32>(word(i, 18) - zero)
  const high = <f32>(word(i, 19) - zero)
  const type = word(i, 20)
  const side = <usize>sideOf(form)
  const row = work + ROW
  for (let n = 0; n < channels; n++) {
    const multiplier = load<f32>(address(i, 4) + <usize>(panel * 8 + n) * 4)
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

/** One pass over sums that are `step` bytes apart; inlined where the form is known. */
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
