// A float32 sum has the same bytes in every build only when its order is fixed: four lanes, which
// are added in pairs.

// @ts-ignore: decorator
@inline
export function laneSum(a: f32, b: f32, c: f32, d: f32): f32 {
  return a + c + (b + d)
}

/** The same of a vector's lanes. */
// @ts-ignore: decorator
@inline
export function lanesV(v: v128): f32 {
  return laneSum(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1), f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3))
}
