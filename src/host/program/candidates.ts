/**
 * The list of candidates, to which decodeYolo adds and which suppress thins out: a header, then
 * entries, one behind the other. assembly/kernels/detect/candidates.ts says how entries are
 * ordered.
 */

/**
 * The header's fields, from its first byte on: entries, and those of them that suppress has kept.
 */
export const listFields = { count: 'int32', kept: 'int32' } as const

/** An entry's fields, from its first byte on. `origin` numbers the boxes of all heads. */
export const candidateFields = {
  xmin: 'float64',
  ymin: 'float64',
  xmax: 'float64',
  ymax: 'float64',
  score: 'float64',
  classId: 'int32',
  origin: 'int32',
  /** The entry of the same class that suppress has kept before, or -1. */
  link: 'int32',
} as const

const fieldBytes = { int32: 4, float64: 8 } as const

function offsets<F extends string>(
  fields: Readonly<Record<F, keyof typeof fieldBytes>>,
): (field: F) => number {
  const found = new Map<string, number>()
  let at = 0
  for (const field in fields) {
    found.set(field, at)
    at += fieldBytes[fields[field]]
  }
  return (field) => found.get(field)!
}

/** Byte of a field in the header, or in an entry. */
export const listOffset = offsets(listFields)
export const candidateOffset = offsets(candidateFields)

/** Both are multiples of 8, so that float64 are aligned. */
export const listHeaderBytes = 64
export const entryBytes = 56

/** Bytes of a list: while it is full, one more candidate lies behind it. */
export const listBytes = (capacity: number): number => listHeaderBytes + (capacity + 1) * entryBytes
