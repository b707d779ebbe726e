// The list of candidates that heads are decoded into, and its order: a header, CandidateList, and
// then the entries, a Candidate each. `origin` numbers the boxes of all heads. The better of two
// candidates has the higher score, then the lower origin, then the lower class. No two are equal,
// so every build has the same order. Scores are never NaN.
//
// A full list is a heap whose root is its worst entry. A better candidate replaces the root, so the
// best `capacity` candidates stay.

import { Candidate, CandidateList, ENTRY_BYTES, LIST_HEADER_BYTES } from '../../lib/instructions'

// @ts-ignore: decorator
@inline
export function entry(list: CandidateList, n: i32): Candidate {
  return changetype<Candidate>(changetype<usize>(list) + LIST_HEADER_BYTES + <usize>n * ENTRY_BYTES)
}

/** Adds a candidate. A full list keeps the better of it and its own worst one. */
export function push(
  list: CandidateList,
  capacity: i32,
  xmin: f64,
  ymin: f64,
  xmax: f64,
  ymax: f64,
  score: f64,
  classId: i32,
  origin: i32,
): void {
  const count = list.count
  // There is room for one more entry behind the last one.
  const at = entry(list, count)
  at.xmin = xmin
  at.ymin = ymin
  at.xmax = xmax
  at.ymax = ymax
  at.score = score
  at.classId = classId
  at.origin = origin
  if (count < capacity) {
    list.count = count + 1
    if (count + 1 == capacity) heapify(list, capacity)
    return
  }
  const root = entry(list, 0)
  if (!isWorse(root, at)) return
  memory.copy(changetype<usize>(root), changetype<usize>(at), ENTRY_BYTES)
  sift(list, 0, count)
}

/** Sorts a list, best first. */
export function sort(list: CandidateList): void {
  let count = list.count
  heapify(list, count)
  while (--count > 0) {
    swap(entry(list, 0), entry(list, count))
    sift(list, 0, count)
  }
}

function isWorse(a: Candidate, b: Candidate): bool {
  if (a.score != b.score) return a.score < b.score
  if (a.origin != b.origin) return a.origin > b.origin
  return a.classId > b.classId
}

function heapify(list: CandidateList, count: i32): void {
  for (let n = (count >> 1) - 1; n >= 0; n--) sift(list, n, count)
}

/** Moves entry `n` down to where no entry below it is worse. */
function sift(list: CandidateList, n: i32, count: i32): void {
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

function swap(a: Candidate, b: Candidate): void {
  const first = changetype<usize>(a)
  const second = changetype<usize>(b)
  for (let n: usize = 0; n < ENTRY_BYTES; n += 8) {
    const kept = load<i64>(first + n)
    store<i64>(first + n, load<i64>(second + n))
    store<i64>(second + n, kept)
  }
}
