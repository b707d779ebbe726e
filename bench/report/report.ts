import type { Agreement } from '../agreement.js'
import type { Runtime } from '../contender.js'
import type { Conditions, Machine, Source } from '../machine.js'
import type { LayerTime, Memory, Phases } from '../ocellus.js'
import type { Peak } from '../peak.js'
import type { FrameSize } from '../prepare.js'
import type { Timings } from '../run.js'

/**
 * One contender: who it is, and what was measured. Fields may be added, those here stay: scripts
 * read them.
 */
export interface Result extends Timings {
  readonly runtime: Runtime
  readonly version: string
  readonly precision: 'int8' | 'float32'
  /** How the network was written for it, where there are several ways. */
  readonly form?: string
  readonly threads: number
  readonly build: string
  /**
   * `network`: the network alone, input set and outputs read; `frame`: a detector from RGBA frame
   * to boxes.
   */
  readonly scope: 'network' | 'frame'
  /** Time to load the model, until the first inference could start. */
  readonly loadMs: number
  /** The first inference, before anything was compiled to its fastest form. */
  readonly firstMs: number
  /** From the start of a process to its first result, the median of several processes. */
  readonly coldStartMs: number
  /** Inferences a second, back to back. */
  readonly perSecond: number
  /** Most memory that the process held, Node or Python included. */
  readonly peakMiB: number | null
  /**
   * Our first network's median at this number of threads, divided by this one's. Below 1: we are
   * faster.
   */
  readonly ratio: number | null
  /** How near its outputs are to ours of the same precision. */
  readonly agreement?: Agreement | null
  /** Ours only: linear memory. */
  readonly memory?: Memory
  readonly phases?: Phases
}

export interface Skipped {
  readonly runtime: Runtime
  readonly precision: 'int8' | 'float32'
  readonly form?: string
  readonly threads: number
  readonly why: string
}

export interface SizeResult extends Timings, Memory {
  readonly input: readonly [height: number, width: number]
  readonly nsPerPixel: number
  /** Time per pixel, divided by that of the model's own size, or of the first in the list. */
  readonly growth: number
  readonly arenaBytesPerPixel: number
}

export interface Layer extends LayerTime {
  readonly share: number
  /**
   * Of the multiply-accumulates that define the layer: a kernel that saves some may exceed the
   * peak.
   */
  readonly gmacs: number
  /** Of the multiply-accumulates that the kernel does: its share of the machine. */
  readonly percentOfPeak: number | null
  /** The same of a Winograd convolution's products alone. */
  readonly productsPercentOfPeak?: number
}

export interface Report {
  readonly machine: Machine
  readonly source: Source
  readonly started: string
  readonly conditions: { readonly before: Conditions; readonly after: Conditions }
  readonly model: string
  readonly input: readonly number[]
  readonly macs: number
  readonly frame: FrameSize
  readonly runs: number
  readonly warmup: number
  readonly peaks: readonly Peak[]
  /** Start of Node itself, with an empty script: part of every cold start of a Node process. */
  readonly nodeStartMs: number | null
  /** The package's detector to its first result, Node's own start included. */
  readonly detectorStartMs?: { readonly file: number | null; readonly pixels: number | null }
  readonly results: readonly Result[]
  readonly skipped: readonly Skipped[]
  readonly sizes: readonly SizeResult[]
  readonly layers: readonly Layer[]
}

/** A candidate kernel for a layer. */
export interface KernelResult extends Timings {
  readonly network: string
  readonly layer: string
  readonly count: number
  readonly op: string
  readonly input: readonly number[]
  readonly output: readonly number[]
  /** The candidate, `direct` is the operator's own. */
  readonly kernel: string
  readonly macs: number
  /** Of the multiply-accumulates that define the layer. */
  readonly gmacs: number
  /** Of those that the kernel does. */
  readonly percentOfPeak: number | null
  /** Winograd's matrix products alone, without its transformations. */
  readonly products?: { readonly gmacs: number; readonly percentOfPeak: number }
  /** Whether its output has the bytes of the operator's own kernel. */
  readonly same: boolean
}

/** Every candidate kernel for the layers of some networks. */
export interface KernelsReport
  extends Pick<Report, 'machine' | 'source' | 'started' | 'conditions' | 'peaks'> {
  readonly kernels: readonly KernelResult[]
  /** Layers whose operator this engine does not have. */
  readonly unknown: readonly string[]
}
