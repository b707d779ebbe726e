// From the sums m of the taps to pixels: acc = (A'^T m A') / scale = foldedBias[o] + the convolution's exact sum, then what
// every int8 convolution does with it (requantize.ts). `sums` is [group of 4 tiles][panel of 8 channels][tap][4][8] int32;
// a tile is size x size pixels (winograd_form.ts), of which those inside the output are stored. Why the division is exact:
// winograd_s8.ts. Pixels of a row are outputStride bytes apart, rows outputRowStride.

import { SIMD } from '../isa'
import { requantized, storeSum, storeSums } from '../requantize'
import { narrow, roundingOffset } from '../vector'
import { address, float, word } from '../word'
import { output22 } from './winograd22'
import { output23, unscale23 } from './winograd23'
import { output42, unscale42 } from './winograd42'
import { output43, unscale43 } from './winograd43'
import { sideOf, sizeOf } from './winograd_form'

/** Bytes of `work`: one pass of two vectors of channels, and the other of four pixels. */
export const OUTPUT_WORK: usize = 2 * 24 * 16 + 128

/** `panels` panels of channels from `firstPanel` on, of the tiles whose sums these are. */
export function transformOutput(
  i: usize,
  form: i32,
  firstGroup: i32,
  groups: i32,
  tiles: i32,
  tilesX: i32,
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
  const elementBytes: usize = word(i, 20) == 1 ? 4 : 1
  const rowStride = <usize>word(i, 26)
  const size = sizeOf(form)
  const panelBytes = <usize>(sideOf(form) * sideOf(form)) * 128
  for (let tile = firstGroup * 4, end = min((firstGroup + groups) * 4, tiles); tile < end; tile++) {
    const y = (tile / tilesX) * size
    const x = (tile % tilesX) * size
    const rows = min(size, outputHeight - y)
    const columns = min(size, outputWidth - x)
    const pixel = address(i, 2) + <usize>y * rowStride + <usize>x * outputStride
    let m = sums + <usize>((tile >> 2) - firstGroup) * sumsGroup + <usize>(tile & 3) * 32
    for (let panel = firstPanel; panel < firstPanel + panels; panel++) {
      const to = pixel + <usize>panel * 8 * elementBytes
      const channels = min(8, outputChannels - panel * 8)
      if (SIMD) tileOfPanel(i, form, m, to, panel, rows, columns, channels, work)
      else scalarTile(i, form, m, to, panel, rows, columns, channels, work)
      m += panelBytes
    }
  }
}

function tileOfPanel(
  i: usize,
  form: i32,
  m: usize,
  to: usize,
  panel: i32,
  rows: i32,
  columns: i32,
  channels: i32,
  work: usize,
): void {
  const stride = <usize>word(i, 12)
  const rowStride = <usize>word(i, 26)
  const zero = word(i, 16)
  const type = word(i, 20)
  const s = f32x4.splat(float(i, 17))
  const l = f32x4.splat(<f32>(word(i, 18) - zero))
  const h = f32x4.splat(<f32>(word(i, 19) - zero))
  const offset = roundingOffset(zero)
  const multipliers = address(i, 4) + <usize>panel * 32
  const m0 = v128.load(multipliers)
  const m1 = v128.load(multipliers, 16)
  // Row by row of pixels: `passed` holds a row of taps for the first four channels, 384 bytes on for the other four.
  const row = work + 768
  const rowBytes = <usize>sideOf(form) * 16
  if (form == 43) {
    columns43(m, work)
    columns43(m + 16, work + 384)
  } else if (form == 42) {
    columns42(m, work)
    columns42(m + 16, work + 384)
  } else if (form == 23) {
    columns23(m, work)
    columns23(m + 16, work + 384)
  } else {
    columns22(m, work)
    columns22(m + 16, work + 384)
  }
  const whole = type == 0 && channels == 8
  for (let y = 0; y < rows; y++) {
    if (form == 43) {
      row43(work, row)
      row43(work + 384, row + 64)
    } else if (form == 42) {
      row42(work, row)
      row42(work + 384, row + 64)
    } else if (form == 23) {
      row23(work, row)
      row23(work + 384, row + 64)
    } else {
      row22(work, row)
      row22(work + 384, row + 64)
    }
    const bits = y == 0 ? 3 : y == 1 ? 2 : 1
    let at = to
    for (let x = 0; x < columns; x += 2) {
      const a = row + <usize>x * 16
      let a0 = v128.load(a)
      let a1 = v128.load(a, 64)
      let b0 = v128.load(a, 16)
      let b1 = v128.load(a, 80)
      if (form == 43) {
        const shift = bits + (x == 0 ? 3 : 1)
        const next = bits + (x == 0 ? 2 : 1)
        a0 = unscale43<v128>(a0, shift)
        a1 = unscale43<v128>(a1, shift)
        b0 = unscale43<v128>(b0, next)
        b1 = unscale43<v128>(b1, next)
      } else if (form == 42) {
        a0 = unscale42<v128>(a0)
        a1 = unscale42<v128>(a1)
        b0 = unscale42<v128>(b0)
        b1 = unscale42<v128>(b1)
      } else if (form == 23) {
        a0 = unscale23<v128>(a0)
        a1 = unscale23<v128>(a1)
        b0 = unscale23<v128>(b0)
        b1 = unscale23<v128>(b1)
      }
      if (whole && x + 1 < columns) {
        const ab = narrow(
          requantized(a0, m0, s, l, h, offset),
          requantized(a1, m1, s, l, h, offset),
          requantized(b0, m0, s, l, h, offset),
          requantized(b1, m1, s, l, h, offset),
        )
        v128.store64_lane(at, ab, 0)
        v128.store64_lane(at + stride, ab, 1)
      } else {
        storeSums(at, a0, a1, multipliers, s, l, h, offset, type, channels)
        if (x + 1 < columns) storeSums(at + stride, b0, b1, multipliers, s, l, h, offset, type, channels)
      }
      at += 2 * stride
    }
    to += rowStride
    work += rowBytes
  }
}

/** The first pass for four channels: [6][6] sums at m to [4][6] at `to`. */
function columns43(m: usize, to: usize): void {
  for (const end = to + 96; to < end; to += 16) {
    output43<v128>(
      v128.load(m),
      v128.load(m, 768),
      v128.load(m, 1536),
      v128.load(m, 2304),
      v128.load(m, 3072),
      v128.load(m, 3840),
      to,
      96,
    )
    m += 128
  }
}

function columns23(m: usize, to: usize): void {
  for (const end = to + 64; to < end; to += 16) {
    output23<v128>(v128.load(m), v128.load(m, 512), v128.load(m, 1024), v128.load(m, 1536), to, 64)
    m += 128
  }
}

function columns42(m: usize, to: usize): void {
  for (const end = to + 80; to < end; to += 16) {
    output42<v128>(
      v128.load(m),
      v128.load(m, 640),
      v128.load(m, 1280),
      v128.load(m, 1920),
      v128.load(m, 2560),
      to,
      80,
    )
    m += 128
  }
}

function columns22(m: usize, to: usize): void {
  for (const end = to + 48; to < end; to += 16) {
    output22<v128>(v128.load(m), v128.load(m, 384), v128.load(m, 768), to, 48)
    m += 128
  }
}

// @ts-ignore: decorator
@inline
function row43(from: usize, to: usize): void {
  output43<v128>(
    v128.load(from),
    v128.load(from, 16),
    v128.load(from, 32),
    v128.load(from, 48),
    v128.load(from, 64),
    v128.load(from, 80),
    to,
    16,
  )
}

// @ts-ignore: decorator
@inline
function row23(from: usize, to: usize): void {
  output23<v128>(v128.load(from), v128.load(from, 16), v128.load(from, 32), v128.load(from, 48), to, 16)
}

// @ts-ignore: decorator
@inline
function row42(from: usize, to: usize): void {
  output42<v128>(
    v128.load(from),
    v128.load(from, 16),
    v128.load(from, 32),
    v128.load(from, 48),
    v128.load(from, 64),
    to,
    16,
  )
}

// @ts-ignore: decorator
@inline
function row22(from: usize, to: usize): void {
  output22<v128>(v128.load(from), v128.load(from, 16), v128.load(from, 32), to, 16)
}

/** As tileOfPanel, a channel at a time. */
function scalarTile(
  i: usize,
  form: i32,
  m: usize,
  to: usize,
  panel: i32,
  rows: i32,
  columns: i32,
  channels: i32,
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
  const row = work + 768
  for (let o = 0; o < channels; o++) {
    const multiplier = load<f32>(address(i, 4) + <usize>(panel * 8 + o) * 4)
    for (let b: usize = 0; b < side; b++) {
      single(form, m + <usize>o * 4 + b * 128, side * 128, work + b * 4, side * 4)
    }
    for (let y = 0; y < rows; y++) {
      single(form, work + <usize>y * side * 4, 4, row, 4)
      const bits = y == 0 ? 3 : y == 1 ? 2 : 1
      for (let x = 0; x < columns; x++) {
        const sum = load<i32>(row + <usize>x * 4)
        const acc =
          form == 43 ? unscale43<i32>(sum, bits + (x == 0 ? 3 : x == 1 ? 2 : 1))
          : form == 42 ? unscale42<i32>(sum)
          : form == 23 ? unscale23<i32>(sum)
          : sum
        storeSum(to + <usize>y * rowStride + <usize>x * stride, o, acc, multiplier, slope, low, high, zero, type)
      }
    }
  }
}

/** One pass over sums that are `step` bytes apart. */
function single(form: i32, from: usize, step: usize, to: usize, toStep: usize): void {
  const m0 = load<i32>(from)
  const m1 = load<i32>(from + step)
  const m2 = load<i32>(from + 2 * step)
  if (form == 22) {
    output22<i32>(m0, m1, m2, to, toStep)
    return
  }
  const m3 = load<i32>(from + 3 * step)
  if (form == 23) {
    output23<i32>(m0, m1, m2, m3, to, toStep)
    return
  }
  const m4 = load<i32>(from + 4 * step)
  if (form == 42) output42<i32>(m0, m1, m2, m3, m4, to, toStep)
  else output43<i32>(m0, m1, m2, m3, m4, load<i32>(from + 5 * step), to, toStep)
}
