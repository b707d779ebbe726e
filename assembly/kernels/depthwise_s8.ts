export function pack_depthwise_s8(
  source: usize,
  target: usize,
  bias: usize,
  channels: i32,
  taps: i32,
  inputZeroPoint: i32,
  foldedBias: usize,
): i32 {
  return 0
}

export function depthwise_s8(i: usize): void {}
