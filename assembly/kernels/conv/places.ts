// Where a tile's pixels go: side by side, or scattered over the output as those of a transposed convolution's phase.

/** Where pixel n of a tile goes. T: u32 where `places` says it, in bytes from `to` on, bool where pixels are `stride` apart. */
// @ts-ignore: decorator
@inline
export function placeOf<T>(to: usize, places: usize, stride: usize, n: usize): usize {
  return isBoolean<T>() ? to + n * stride : to + load<u32>(places + n * 4)
}
