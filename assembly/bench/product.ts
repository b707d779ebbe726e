// The matrix products of winograd_s8 for one block of tiles, as its loops do them, without the transformations before and
// after: what share of the machine's peak they reach. Memory is this module's own.

import { product_dot, product_mla } from '../kernels/winograd_product'

export function products(
  x: usize,
  w: usize,
  m: usize,
  taps: i32,
  pairs: usize,
  panels: i32,
  groups: i32,
  dot: bool,
): void {
  const panelBytes = pairs * 32 + 32
  const groupBytes = pairs * 16
  const tapStride = <usize>groups * groupBytes + 64
  const sumsGroup = <usize>panels * <usize>taps * 128
  for (let tap = 0; tap < taps; tap++) {
    for (let p = 0; p < panels; p++) {
      let from = x + <usize>tap * tapStride
      let to = m + (<usize>p * <usize>taps + <usize>tap) * 128
      for (let group = 0; group < groups; group++) {
        if (dot) product_dot(from, w, pairs, to)
        else product_mla(from, w, pairs, to)
        from += groupBytes
        to += sumsGroup
      }
      w += panelBytes
    }
  }
}
