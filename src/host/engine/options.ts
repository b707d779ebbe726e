import type { OptionNames } from '../options.js'
import type { KernelOptions } from './choose.js'
import type { Build } from './engine.js'

/** How a model is run. Every task takes these options too. */
export interface SessionOptions extends KernelOptions {
  /** Use this build of the engine and no other. Default: the best one that passes its probe. */
  readonly build?: Build
  /**
   * How many threads share the work, the caller's among them: 1 to `limits.threads`. The scalar
   * build has one. Default: the processors, in browsers all but one, at most four; as frames go by
   * one, where more turn out to be slower; one for a model so small that more would not pay.
   */
  readonly threads?: number
  /** How long a run waits for a thread that does not answer, in milliseconds. Default: 10,000. */
  readonly threadTimeoutMs?: number
  /**
   * Promises that nobody will change the model's constants from now on. Then most weights are
   * packed after the first run, so that its result comes sooner. Default: false; true for a model
   * that a detector reads by itself.
   */
  readonly frozenModel?: boolean
  /**
   * The most pixels of a picture, decoded or given. Default: `limits.imagePixels`, 24 million.
   */
  readonly maxPixels?: number
  /**
   * The most work of one inference, in units of about a multiply-accumulate. Default: `limits.work`,
   * 2^37. Raise it for a large network that you trust: E_MODEL_LIMIT says how much it takes.
   */
  readonly maxWork?: number
}

export const sessionOptions = {
  build: 'string',
  threads: 'number',
  threadTimeoutMs: 'number',
  frozenModel: 'boolean',
  maxPixels: 'number',
  maxWork: 'number',
  kernel: 'string',
  tuneMs: 'number',
  maxMemory: 'number',
} satisfies OptionNames<SessionOptions>

/** The session's options among those of a task. */
export const sessionOptionsOf = ({
  build,
  threads,
  threadTimeoutMs,
  frozenModel,
  maxPixels,
  maxWork,
  kernel,
  tuneMs,
  maxMemory,
}: SessionOptions): SessionOptions => ({
  build,
  threads,
  threadTimeoutMs,
  frozenModel,
  maxPixels,
  maxWork,
  kernel,
  tuneMs,
  maxMemory,
})
