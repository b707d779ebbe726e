import { OcellusError } from '../../src/host/errors.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import { mutant } from './mutate.js'
import type { Target } from './targets.js'

/** What went wrong with a case. */
export interface Fault {
  readonly kind: 'uncoded error' | 'internal error' | 'written canary' | 'long message' | 'hang' | 'crash'
  readonly text: string
}

const canaryBytes = 64
const canary = 0xa5
const longestMessage = 1300

/** Case `index` of a seed: the same bytes on every machine. */
export function caseBytes(seeds: readonly Uint8Array[], seed: number, index: number): Uint8Array {
  const mixed = (Math.imul(index + 1, 0x9e3779b1) ^ Math.imul(seed + 1, 0x85ebca6b)) >>> 0
  return mutant(seeds, new RandomStream(mixed))
}

/**
 * Has a target read bytes that lie at an odd offset between canaries. Resolves to whether it took
 * them, or to the fault.
 */
export async function tryCase(target: Target, bytes: Uint8Array): Promise<boolean | Fault> {
  const start = canaryBytes + 1
  const before = new Uint8Array(start + bytes.length + canaryBytes).fill(canary)
  before.set(bytes, start)
  const around = before.slice()
  const outcome = await attempt(target, around.subarray(start, start + bytes.length))
  const kept = Buffer.compare(before, around) === 0
  return kept ? outcome : { kind: 'written canary', text: 'a reader wrote to the bytes that it was given' }
}

async function attempt(target: Target, bytes: Uint8Array): Promise<boolean | Fault> {
  try {
    await target.read(bytes)
    return true
  } catch (error) {
    if (!(error instanceof OcellusError))
      return { kind: 'uncoded error', text: String(error instanceof Error ? error.stack : error) }
    if (error.code === 'E_INTERNAL') return { kind: 'internal error', text: error.message }
    if (error.message.length > longestMessage)
      return { kind: 'long message', text: `${error.message.length} characters` }
    return false
  }
}
