import type { Model } from '../src/host/graph/types.js'
import { type FrameSize, jobFor, type Preparation } from './prepare.js'
import { Remote } from './remote.js'
import type { SizeResult } from './report/report.js'
import { interleave } from './run.js'

export interface SizesOptions {
  readonly version: string
  readonly model: Model
  readonly threads: readonly number[]
  readonly sizes: readonly FrameSize[]
  readonly runs: number
  readonly warmup: number
  readonly seconds: number
  readonly build?: string
  onProgress?(what: string, done: number, total: number): void
}

/**
 * How time and memory grow with the picture: our network, resized to each of the sizes, in turn.
 */
export async function measureSizes(
  preparation: Preparation,
  resized: readonly Model[],
  options: SizesOptions,
): Promise<SizeResult[]> {
  const { model, sizes, threads, build, version } = options
  const remotes: Remote[] = []
  try {
    for (const one of resized) {
      const prepared = preparation.model(one)
      const { remote } = await Remote.start(jobFor(prepared, 'ocellus', threads[0], { build }), version)
      remotes.push(remote)
    }
    const timings = await interleave(remotes, {
      ...options,
      onRun: (done, total) => options.onProgress?.('sizes', done, total),
    })
    const memories = await Promise.all(remotes.map((remote) => remote.memory()))
    const pixels = sizes.map(({ height, width }) => height * width)
    const perPixel = timings.map(({ medianMs }, i) => (medianMs * 1e6) / pixels[i])
    const own = model.graph.tensors.find((t) => t.name === model.graph.inputs[0])!.shape
    const base = sizes.findIndex(({ height, width }) => height === own[1] && width === own[2])
    return sizes.map(({ height, width }, i) => ({
      input: [height, width],
      ...timings[i],
      nsPerPixel: perPixel[i],
      growth: perPixel[i] / perPixel[Math.max(0, base)],
      ...memories[i],
      arenaBytesPerPixel: memories[i].arenaBytes / pixels[i],
    }))
  } finally {
    for (const remote of remotes) remote.kill()
  }
}
