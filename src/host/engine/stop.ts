import { OcellusError } from '../errors.js'
import type { OptionNames } from '../options.js'
import { platform } from './platform.js'

/** An `AbortSignal`, without asking for its type. */
export interface Signal {
  readonly aborted: boolean
}

/** When work that has begun is given up: it ends between two layers, and the session stays usable. */
export interface StopOptions {
  /**
   * An `AbortSignal`: once it is aborted the work ends with E_ABORTED. Calls that return at once look
   * at it between layers, but no event can reach it meanwhile.
   */
  readonly signal?: Signal
  /** Milliseconds after which the call ends with E_DEADLINE. Default: none. */
  readonly timeout?: number
  /**
   * The same as a moment of the platform's clock, `performance.now()` in Node and browsers. Default:
   * none.
   */
  readonly deadline?: number
}

export const stopNames = {
  signal: 'object',
  timeout: 'number',
  deadline: 'number',
} satisfies OptionNames<StopOptions>

/** Those of a task's options that can end its work. */
export const stopOptionsOf = (options: StopOptions | undefined): StopOptions | undefined =>
  options && { signal: options.signal, timeout: options.timeout, deadline: options.deadline }

/** Throws where the work is to end. */
export type Stop = () => void

/** Options whose timeout counts from now on, however often they are handed on. Throws E_OPTION. */
export function startClock<T extends StopOptions>(options: T): T {
  const { timeout, deadline = Number.POSITIVE_INFINITY } = options
  if (timeout === undefined) return options
  if (!(timeout >= 0)) throw new OcellusError('E_OPTION', `timeout is ${timeout}: give milliseconds`)
  return { ...options, timeout: undefined, deadline: Math.min(deadline, clock()() + timeout) }
}

/** What tells whether to go on; undefined where nothing can end the work. Throws E_OPTION. */
export function stopOf(options: StopOptions | undefined): Stop | undefined {
  if (options === undefined) return undefined
  const { signal, deadline } = startClock(options)
  if (signal === undefined && deadline === undefined) return undefined
  if (signal !== undefined && typeof signal.aborted !== 'boolean')
    throw new OcellusError('E_OPTION', 'signal is no AbortSignal')
  if (deadline === undefined) return () => stopIfAsked(signal)
  if (!(deadline > Number.NEGATIVE_INFINITY))
    throw new OcellusError('E_OPTION', `deadline is ${deadline}: give milliseconds of the platform's clock`)
  const now = clock()
  return () => {
    stopIfAsked(signal)
    if (now() >= deadline)
      throw new OcellusError('E_DEADLINE', 'the work was not done by its deadline: give it more time')
  }
}

/** Throws E_ABORTED where the caller has asked to stop. */
export function stopIfAsked(signal: Signal | undefined): void {
  if (signal?.aborted) throw new OcellusError('E_ABORTED', 'the work was stopped by its signal')
}

function clock(): () => number {
  const { now } = platform()
  if (now !== undefined) return now
  throw new OcellusError('E_OPTION', 'a timeout needs a clock, which this platform lacks')
}
