import type { Fault } from './case.js'

/** What a worker is told. */
export interface Work {
  readonly target: string
  readonly seed: number
  readonly from: number
  readonly to: number
  readonly seconds: number
}

/**
 * What it tells: the case that it begins, how one ended, or how far it came. A process of its own
 * writes them as lines to its descriptor 3, which are there though native code ends it.
 */
export type Word =
  | { readonly begins: number }
  | { readonly ended: number; readonly accepted: boolean; readonly micros: number; readonly fault?: Fault }
  | { readonly done: number }

/** Words that whoever waits for a thread reads instead of messages, which would take longer. */
export type Shared = Int32Array
export const [caseWord, acceptedWord, slowestWord] = [0, 1, 2]
