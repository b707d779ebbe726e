/** Memory wanted from step `first` to step `last`, both included. */
export interface Lifetime {
  readonly bytes: number
  readonly first: number
  readonly last: number
}

export interface Arena {
  /** Offset of each lifetime, in the order given. */
  readonly offsets: readonly number[]
  readonly bytes: number
  /** The most that is alive at any one step: no arena can be smaller. */
  readonly lowerBound: number
}

const alignment = 64
const align = (value: number): number => Math.ceil(value / alignment) * alignment

/**
 * Assigns offsets so that lifetimes that overlap in time do not overlap in memory. Greedy best fit
 * (Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, 2020, section 5):
 * in several orders, each buffer goes into the smallest gap that holds it; the smallest arena wins.
 */
export function planArena(lifetimes: readonly Lifetime[]): Arena {
  const sized = lifetimes.map((l) => ({ ...l, bytes: align(l.bytes) }))
  // What has no bytes lies anywhere. Most nodes have no scratch, and placing takes the square of
  // the number placed.
  const indices = sized.map((_, i) => i).filter((i) => sized[i].bytes > 0)
  const length = (i: number): number => sized[i].last - sized[i].first
  const orders: ((a: number, b: number) => number)[] = [
    (a, b) => sized[b].bytes - sized[a].bytes || a - b,
    (a, b) => length(b) - length(a) || sized[b].bytes - sized[a].bytes || a - b,
    (a, b) => sized[a].first - sized[b].first || sized[b].bytes - sized[a].bytes || a - b,
    (a, b) => sized[b].bytes * (length(b) + 1) - sized[a].bytes * (length(a) + 1) || a - b,
  ]
  const least = lowerBound(sized)
  let best = { offsets: sized.map(() => 0), bytes: Number.POSITIVE_INFINITY }
  for (const order of orders) {
    if (best.bytes === least) break
    const tried = place(sized, [...indices].sort(order))
    if (tried.bytes < best.bytes) best = tried
  }
  return { ...best, lowerBound: least }
}

function place(lifetimes: readonly Lifetime[], order: readonly number[]) {
  const offsets = new Array<number>(lifetimes.length).fill(0)
  const placed: number[] = []
  let bytes = 0
  for (const i of order) {
    const wanted = lifetimes[i]
    // `placed` is kept sorted by offset, so that one pass sees every gap.
    let gapStart = 0
    let chosen = -1
    let smallest = Number.POSITIVE_INFINITY
    for (const j of placed) {
      const other = lifetimes[j]
      if (other.last < wanted.first || other.first > wanted.last) continue
      const gap = offsets[j] - gapStart
      if (gap >= wanted.bytes && gap < smallest) {
        smallest = gap
        chosen = gapStart
      }
      gapStart = Math.max(gapStart, offsets[j] + other.bytes)
    }
    offsets[i] = chosen >= 0 ? chosen : gapStart
    bytes = Math.max(bytes, offsets[i] + wanted.bytes)
    const at = placed.findIndex((j) => offsets[j] > offsets[i])
    placed.splice(at < 0 ? placed.length : at, 0, i)
  }
  return { offsets, bytes }
}

function lowerBound(lifetimes: readonly Lifetime[]): number {
  const last = lifetimes.reduce((most, l) => Math.max(most, l.last), 0)
  const alive = new Float64Array(last + 2)
  for (const l of lifetimes) {
    alive[l.first] += l.bytes
    alive[l.last + 1] -= l.bytes
  }
  let now = 0
  return alive.reduce((most, change) => {
    now += change
    return Math.max(most, now)
  }, 0)
}
