import { OcellusError } from '../errors.js'
import type { VerifiedModel } from '../graph/verify.js'
import { limits } from '../limits.js'
import { platform } from './platform.js'
import { warnOnce } from './warn.js'

/** More than this many threads are not used unasked: a program has other things to do as well. */
const most = 4
/** Multiply-accumulates below which the work takes less time than it takes to share it, about. */
const worthwhile = 10e6

/** How many threads a session gets: what was asked for, or as many as serve the model here. */
export function chooseThreads(asked: number | undefined, model: VerifiedModel): number {
  if (asked !== undefined) checkThreads(asked)
  const threads = asked ?? (workOf(model) < worthwhile ? 1 : Math.min(most, platform().processors()))
  if (threads <= 1) return 1
  const why = unshared()
  if (why !== undefined) {
    warnOnce(`one thread only: ${why}`)
    return 1
  }
  return threads
}

/** How many it will most likely be, before the model has been looked at. */
export const likelyThreads = (asked: number | undefined): number =>
  unshared() === undefined ? Math.max(1, Math.min(most, asked ?? platform().processors())) : 1

export function checkThreads(threads: number): number {
  if (Number.isInteger(threads) && threads >= 1 && threads <= limits.threads) return threads
  throw new OcellusError('E_OPTION', `${threads} threads: give a whole number from 1 to ${limits.threads}`)
}

const workOf = ({ views }: VerifiedModel): number =>
  views.reduce((sum, { view, operator }) => sum + operator.macs(view), 0)

/** Why memory can't be shared here. */
function unshared(): string | undefined {
  if (globalThis.crossOriginIsolated === false) {
    return (
      'the page is not cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin ' +
      'and Cross-Origin-Embedder-Policy: require-corp'
    )
  }
  return typeof SharedArrayBuffer === 'undefined' ? 'there is no SharedArrayBuffer here' : undefined
}
