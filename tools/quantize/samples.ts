import type { NamedInputs, Session } from '../../src/host/engine/session.js'
import { OcellusError } from '../../src/host/errors.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import { setLatent } from '../../src/host/tasks/generation/latent.js'
import { showPicture } from '../../src/host/tasks/show.js'

/** A photo when it is needed: they are not all held in memory. */
export type Photo = () => Promise<Pixels>

/**
 * What a network is calibrated on: a photo, for a generator a latent, for a model for tensors all
 * its inputs by name.
 */
export type Sample = Photo | (() => Promise<NamedInputs>) | Float32Array | NamedInputs

/** A sample that is at hand. */
export type Shown = Pixels | Float32Array | NamedInputs

const isPixels = (sample: Pixels | NamedInputs): sample is Pixels => typeof sample.width === 'number'

/** Runs a session on a sample. */
export function show(session: Session, sample: Shown): void {
  if (sample instanceof Float32Array) {
    setLatent(session, sample)
    session.run()
  } else if (isPixels(sample)) showPicture(session, sample)
  else {
    session.setInputs(sample)
    session.run()
  }
}

/** Called once for each sample that can't be read and is left out. */
export type OnDropped = (error: OcellusError) => void

/** Samples that several passes read, one after another. */
export class Samples {
  #left: readonly Sample[]
  #last: OcellusError | undefined

  constructor(
    samples: readonly Sample[],
    readonly onDropped?: OnDropped,
  ) {
    this.#left = samples
  }

  /** How many are left. */
  get size(): number {
    return this.#left.length
  }

  /**
   * Reads each in turn. A sample that can't be read, such as a damaged photo, is left out of this
   * pass and of all later ones. Throws its error where none is left.
   */
  async each(use: (shown: Shown) => void, progress?: (done: number, total: number) => void): Promise<void> {
    const total = this.#left.length
    const readable: Sample[] = []
    for (const [i, sample] of this.#left.entries()) {
      const shown = await this.#read(sample)
      if (shown !== undefined) {
        use(shown)
        readable.push(sample)
      }
      progress?.(i + 1, total)
    }
    this.#left = readable
    if (readable.length === 0 && this.#last !== undefined) throw this.#last
  }

  async #read(sample: Sample): Promise<Shown | undefined> {
    if (typeof sample !== 'function') return sample
    try {
      return await sample()
    } catch (error) {
      // Anything else would fail for the next sample, too.
      if (!(error instanceof OcellusError) || !/^E_(IMAGE|FILE)_/.test(error.code)) throw error
      this.#last = error
      // The error of the only sample ends the pass: it need not be told twice.
      if (this.#left.length > 1) this.onDropped?.(error)
      return undefined
    }
  }
}

/**
 * Divides samples into those that calibrate and those on which noise is measured: every tenth, at
 * most `most`. Of fewer than ten samples none can be spared: they serve for both.
 */
export function holdBack(
  samples: readonly Sample[],
  most: number,
): { readonly calibrate: readonly Sample[]; readonly held: readonly Sample[] } {
  const count = Math.min(most, Math.floor(samples.length / 10))
  const chosen = new Set(
    Array.from({ length: count }, (_, i) => Math.floor(((i + 0.5) * samples.length) / count)),
  )
  return {
    calibrate: samples.filter((_, i) => !chosen.has(i)),
    held: samples.filter((_, i) => chosen.has(i)),
  }
}
