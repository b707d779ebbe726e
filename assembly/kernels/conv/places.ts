// Where the pixels of a tile go: side by side, or scattered over the output like those of a
// transposed convolution's phase.

/**
 * The address of pixel n of a tile. T is u32 where `places` holds it, in bytes from `to` on, and
 * bool where pixels are `stride` bytes apart.
 */
// @ts-ignore: decorator
@inline
export function placeOf<T>(to: usize, places: usize, stride: usize, n: usize): usize {
  return isBoolean<T>() ? to + n * stride : to + load<u32>(places + n * 4)
}
