/** Names of one thing in Pascal VOC and in COCO, after `plain`. */
const synonyms: Readonly<Record<string, string>> = {
  aeroplane: 'airplane',
  motorbike: 'motorcycle',
  sofa: 'couch',
  tvmonitor: 'tv',
}

/**
 * Spelling without case and separators: `Dining Table`, `dining_table` and `diningtable` are one.
 */
function plain(name: string): string {
  const letters = name.toLowerCase().replace(/[\s_-]+/g, '')
  return Object.hasOwn(synonyms, letters) ? synonyms[letters] : letters
}

/** For each of `from` the index in `to` of the class of the same name, or -1. */
export function mapClasses(from: readonly string[], to: readonly string[]): Int32Array {
  const index = new Map<string, number>()
  for (const [i, name] of to.entries()) if (!index.has(plain(name))) index.set(plain(name), i)
  return Int32Array.from(from, (name) => index.get(plain(name)) ?? -1)
}
