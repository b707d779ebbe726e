/** Runs of a block are told apart as 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, and more (AFL). */
const classes = Uint8Array.from({ length: 256 }, (_, n) =>
  n === 0 ? 0 : n < 4 ? 1 << (n - 1) : n < 8 ? 8 : n < 16 ? 16 : n < 32 ? 32 : n < 128 ? 64 : 128,
)

/** What has been reached so far. */
export class Coverage {
  readonly #seen: Uint8Array

  constructor(blocks: number) {
    this.#seen = new Uint8Array(blocks)
  }

  /** Whether these counters show something new: a block, or another class of how often it ran. */
  add(counters: Uint8Array): boolean {
    let isNew = false
    for (let n = 0; n < this.#seen.length; n++) {
      const found = classes[counters[n]]
      if ((found & ~this.#seen[n]) === 0) continue
      this.#seen[n] |= found
      isNew = true
    }
    return isNew
  }

  /** How many blocks ran at all. */
  get reached(): number {
    return this.#seen.reduce((sum, found) => sum + (found === 0 ? 0 : 1), 0)
  }
}
