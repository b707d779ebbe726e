import { OcellusError } from '../../../src/host/errors.js'
import { shown } from '../../../src/host/shown.js'
import type { Checkpoint } from './checkpoint.js'

/** Counters of batch normalisation and of thop's profiler, which no output depends on. */
const counters = /(^|\.)(num_batches_tracked|total_ops|total_params)$/

/** A checkpoint that remembers which of its tensors were read. */
export class Ledger {
  readonly checkpoint: Checkpoint
  readonly #used = new Set<string>()

  constructor(original: Checkpoint) {
    this.checkpoint = {
      ...original,
      read: (name) => {
        this.#used.add(name)
        return original.read(name)
      },
    }
  }

  /**
   * Throws E_CHECKPOINT_NETWORK, with their names, where tensors were left unread that may matter:
   * the file then holds another network than the one that was built, and the outputs would be wrong
   * without a word.
   */
  finish(title: string, mayStay: readonly RegExp[]): void {
    const { checkpoint } = this
    const left = checkpoint.names.filter(
      (name) => !this.#used.has(name) && !mayStayOut(name, mayStay) && !checkpoint.shape(name).includes(0),
    )
    if (left.length === 0) return
    throw new OcellusError(
      'E_CHECKPOINT_NETWORK',
      `${checkpoint.file}: ${listed(left)} ${left.length === 1 ? 'has' : 'have'} no place in a ${title}: this is another network, and its outputs would be wrong`,
    )
  }
}

/** Whether a tensor is a counter, or one of those that a network's reader names. */
export const mayStayOut = (name: string, mayStay: readonly RegExp[]): boolean =>
  counters.test(name) || mayStay.some((pattern) => pattern.test(name))

/** Names that are spelt out in a message. */
const mostListed = 8

/** Some names with commas between them, and how many more there are. */
export function listed(names: readonly string[]): string {
  const first = names.slice(0, mostListed).map((name) => shown(name, 60))
  const more = names.length - first.length
  return more > 0 ? `${first.join(', ')} and ${more} more` : first.join(', ')
}
