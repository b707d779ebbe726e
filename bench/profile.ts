import { worksOut } from './kernels/works-out.js'
import { type Peak, peakFor } from './peak.js'
import { jobFor, type Prepared } from './prepare.js'
import { Remote } from './remote.js'
import type { Layer } from './report/report.js'

export interface ProfileOptions {
  readonly version: string
  readonly threads: readonly number[]
  readonly runs: number
  readonly build?: string
}

/** Each layer by itself, in a process of its own. */
export async function profileLayers(
  prepared: Prepared,
  peaks: readonly Peak[],
  { version, threads, runs, build }: ProfileOptions,
): Promise<Layer[]> {
  const { remote } = await Remote.start(jobFor(prepared, 'ocellus', threads[0], { build }), version)
  try {
    await remote.profile(Math.min(runs, 5))
    const times = await remote.profile(runs)
    const total = times.reduce((sum, { medianMs }) => sum + medianMs, 0)
    const peak = peakFor(peaks, prepared.precision)
    return times.map((layer) => {
      const gmacs = layer.macs / layer.medianMs / 1e6
      const rate = gmacs * worksOut(layer.kernel)
      const of = peak === undefined || layer.macs === 0 ? null : (100 * rate) / (peak.gmacs * threads[0])
      const products =
        peak === undefined || layer.products === undefined
          ? {}
          : {
              productsPercentOfPeak:
                (layer.products.macs / layer.products.medianMs / 1e4) * (1 / (peak.gmacs * threads[0])),
            }
      return { ...layer, ...products, share: layer.medianMs / total, gmacs, percentOfPeak: of }
    })
  } finally {
    remote.kill()
  }
}
