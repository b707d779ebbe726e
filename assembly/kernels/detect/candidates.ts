// The list of candidates that heads are decoded into, and its order. At `list`: int32 count, int32 kept, 56 bytes
// free; then the entries, of 56 bytes:
//   0 xmin, 8 ymin, 16 xmax, 24 ymax (float64), 32 score (float64), 40 class, 44 origin, 48 link (int32)
// `origin` numbers the boxes of all heads. The better of two has the higher score, then the lower origin, then the lower
// class: no two are equal, so the order is one for every build. Scores are never NaN.
//
// A full list is a heap whose root is its worst entry, which a better candidate replaces: the best `capacity` stay.

const HEADER: usize = 64
export const ENTRY: usize = 56

// @ts-ignore: decorator
@inline
export function entry(list: usize, n: i32): usize {
  return list + HEADER + <usize>n * ENTRY
}

// @ts-ignore: decorator
@inline
export function scoreOf(at: usize): f64 {
  return load<f64>(at, 32)
}

// @ts-ignore: decorator
@inline
export function classOf(at: usize): i32 {
  return load<i32>(at, 40)
}

// @ts-ignore: decorator
@inline
export function originOf(at: usize): i32 {
  return load<i32>(at, 44)
}

/** Adds a candidate; a full list keeps the better of it and its worst. */
export function push(
  list: usize,
  capacity: i32,
  xmin: f64,
  ymin: f64,
  xmax: f64,
  ymax: f64,
  score: f64,
  classId: i32,
  origin: i32,
): void {
  const count = load<i32>(list)
  // Behind the last entry there is room for one more.
  const at = entry(list, count)
  store<f64>(at, xmin)
  store<f64>(at, ymin, 8)
  store<f64>(at, xmax, 16)
  store<f64>(at, ymax, 24)
  store<f64>(at, score, 32)
  store<i32>(at, classId, 40)
  store<i32>(at, origin, 44)
  if (count < capacity) {
    store<i32>(list, count + 1)
    if (count + 1 == capacity) heapify(list, capacity)
    return
  }
  const root = entry(list, 0)
  if (!isWorse(root, at)) return
  memory.copy(root, at, ENTRY)
  sift(list, 0, count)
}

/** Best first. */
export function sort(list: usize): void {
  let count = load<i32>(list)
  heapify(list, count)
  while (--count > 0) {
    swap(entry(list, 0), entry(list, count))
    sift(list, 0, count)
  }
}

function isWorse(a: usize, b: usize): bool {
  if (scoreOf(a) != scoreOf(b)) return scoreOf(a) < scoreOf(b)
  if (originOf(a) != originOf(b)) return originOf(a) > originOf(b)
  return classOf(a) > classOf(b)
}

function heapify(list: usize, count: i32): void {
  for (let n = (count >> 1) - 1; n >= 0; n--) sift(list, n, count)
}

/** Moves entry `n` down to where none below it is worse. */
function sift(list: usize, n: i32, count: i32): void {
  for (;;) {
    let worst = n
    const left = 2 * n + 1
    if (left < count && isWorse(entry(list, left), entry(list, worst))) worst = left
    if (left + 1 < count && isWorse(entry(list, left + 1), entry(list, worst))) worst = left + 1
    if (worst == n) return
    swap(entry(list, n), entry(list, worst))
    n = worst
  }
}

function swap(a: usize, b: usize): void {
  for (let n: usize = 0; n < ENTRY; n += 8) {
    const kept = load<i64>(a + n)
    store<i64>(a + n, load<i64>(b + n))
    store<i64>(b + n, kept)
  }
}
