import { RandomStream } from '../../src/host/tasks/random.js'
import { mutant } from '../../tools/fuzz/mutate.js'

/** Damaged copies of a file, the same on every machine. */
export function* mutations(file: Uint8Array, count: number, seed: number): Generator<Uint8Array> {
  const random = new RandomStream(seed)
  for (let i = 0; i < count; i++) yield Uint8Array.from(mutant([file], random))
}
