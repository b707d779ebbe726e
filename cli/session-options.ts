import type { Command } from 'commander'
import { limits } from '../src/host/limits.js'
import type { Build } from '../src/host/platform/node.js'
import { parseBuild, parseCount, parseThreads, parseWork, threadsOption } from './inputs.js'

/** What each verb that runs a model on pictures takes of a session; `sessionOptionsOf` picks it. */
export interface SessionWords {
  readonly build?: Build
  readonly threads?: number
  readonly maxPixels?: number
  readonly maxWork?: number
}

export const addSessionOptions = (command: Command): Command =>
  command
    .option('--build <build>', 'force a build of the engine: relaxed, simd or scalar', parseBuild)
    .option('--threads <n>', threadsOption, parseThreads)
    .option('--max-pixels <n>', `most pixels of a photo; default: ${limits.imagePixels}`, parseCount)
    .option(
      '--max-work <units>',
      `most work of one inference, about multiply-accumulates; default: ${limits.work}`,
      parseWork,
    )
