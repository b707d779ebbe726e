/** Who can be timed. Ours is one of them; the others are found at run time. */
export const runtimes = ['ocellus', 'onnxruntime-web', 'onnxruntime-node', 'tfjs-wasm', 'opencv'] as const
export type Runtime = (typeof runtimes)[number]
export const peers = runtimes.filter((runtime) => runtime !== 'ocellus')
export type Peer = (typeof peers)[number]

/** Outputs of a network by name, real values with channels last. */
export type Values = ReadonlyMap<string, Float32Array>

/**
 * What a contender is to run, as files, so that a process of its own can start from nothing but
 * this. Each runtime gets the network and the input in its own form, made beforehand: making them
 * is no part of its cold start.
 */
export interface Job {
  readonly runtime: Runtime
  readonly threads: number
  readonly precision: 'int8' | 'float32'
  /** How a peer's file writes the network, where it could be written in several ways. */
  readonly form?: string
  /** An Ocellus model file, or an .onnx file. */
  readonly model: string
  /** Raw values of the network's first input, in the runtime's own type and order. */
  readonly input: RawInput
  readonly outputs: readonly NamedShape[]
  /** Ours only: a build, and kernels by layer, that are forced. */
  readonly build?: string
  /**
   * Ours only: a frame of RGBA pixels, to time a detector from frame to boxes instead of its
   * network alone.
   */
  readonly frame?: { readonly file: string; readonly width: number; readonly height: number }
}

export interface RawInput {
  readonly file: string
  readonly type: 'float32' | 'int8' | 'uint8'
  readonly shape: readonly number[]
}

export interface NamedShape {
  readonly name: string
  /** Channels last. */
  readonly shape: readonly number[]
}

/** A runtime with a network loaded. */
export interface Loaded {
  readonly version: string
  /** Which of its builds or instruction sets runs, as it tells. */
  readonly build: string
  /** One inference, its outputs read: what is timed. */
  run(): Promise<void> | void
  /** After the first result: settles when everything that will take part does. */
  settle?(): Promise<unknown>
  /** Outputs of the last run. */
  outputs(): Promise<Values> | Values
  close(): Promise<void> | void
}
