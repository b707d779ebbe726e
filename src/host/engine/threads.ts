import { OcellusError } from '../errors.js'
import type { VerifiedModel } from '../graph/verify.js'
import { limits } from '../limits.js'
import { platform, type Threads } from './platform.js'
import { warnOnce } from './warn.js'

/** More than this many threads are not used unasked: a program has other things to do as well. */
const mostUnasked = 4
/** Multiply-accumulates below which the work takes less time than it takes to share it, about. */
const worthwhile = 10e6

/** How many threads a session gets: what was asked for, or as many as serve the model here. */
export function chooseThreads(asked: number | undefined, model: VerifiedModel): number {
  if (asked !== undefined) checkThreads(asked)
  const here = platform().threads
  const most = asked ?? (workOf(model) < worthwhile ? 1 : usual(here))
  if (most <= 1) return 1
  const why = here === undefined ? 'there are no threads here' : here.refusal()
  if (why === undefined) return most
  warnOnce(`one thread only: ${why}`)
  return 1
}

const usual = (here: Threads | undefined): number => Math.min(mostUnasked, here?.processors() ?? 1)

/** How many it will most likely be, before the model has been looked at. */
export function likelyThreads(asked: number | undefined): number {
  const here = platform().threads
  return here === undefined || here.refusal() !== undefined ? 1 : Math.max(1, asked ?? usual(here))
}

export function checkThreads(threads: number): number {
  if (Number.isInteger(threads) && threads >= 1 && threads <= limits.threads) return threads
  throw new OcellusError('E_OPTION', `${threads} threads: give a whole number from 1 to ${limits.threads}`)
}

const workOf = ({ views }: VerifiedModel): number =>
  views.reduce((sum, { view, operator }) => sum + operator.macs(view), 0)
