import { parseStrictJson } from '../../src/host/format/json.js'
import { sniffImage } from '../../src/host/image/header.js'
import { decodeImage, type Model, OcellusError, readModel, Session } from '../../src/host/platform/node.js'
import { parseRecorded } from '../../src/host/video/recording.js'
import { parseMot } from '../evaluate/mot.js'
import { parseYolo } from '../evaluate/yolo.js'
import { readNpy } from '../npy/read.js'
import { readOnnx } from '../onnx/read.js'
import { buildNetwork, parseCfg, readDarknet } from '../quantize/readers/darknet.js'
import { openFormat } from '../quantize/readers/open.js'
import {
  cfgSeeds,
  cfgText,
  jsonSeeds,
  labelSeeds,
  modelSeeds,
  motSeeds,
  npySeeds,
  onnxSeeds,
  pictureSeeds,
  recordingSeeds,
  torchSeeds,
  weightsSeeds,
} from './seeds.js'

/** One entrance for files from outside. */
export interface Target {
  /** What it is, for the help. */
  readonly about: string
  /** Files that are right, or nearly, from which the cases are made. */
  seeds(): readonly Uint8Array[]
  /** Whether native code of others reads it, which may end the whole process. */
  readonly native?: boolean
  /** Reads a case. An OcellusError refuses it; whatever else is thrown is a fault. */
  read(bytes: Uint8Array): unknown
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const checkpoint = (seeds: () => readonly Uint8Array[], about: string, file: string): Target => ({
  about,
  seeds,
  read: (bytes) => openFormat({ file, bytes }),
})

/** So few that a damaged size takes no time by itself. */
const mostPixels = 2 ** 20

export const targets: Readonly<Record<string, Target>> = {
  model: { about: 'Ocellus models', seeds: modelSeeds, read: (bytes) => readModel(bytes, 'case') },
  run: {
    about: 'models that are accepted, run with SIMD and without: the same outputs',
    seeds: modelSeeds,
    read: runBoth,
  },
  onnx: { about: 'ONNX files', seeds: onnxSeeds, read: (bytes) => readOnnx(bytes, 'case.onnx') },
  torch: checkpoint(torchSeeds, 'PyTorch checkpoints', 'case.pth'),
  checkpoint: checkpoint(modelSeeds, 'checkpoints in safetensors', 'case.safetensors'),
  cfg: {
    about: 'darknet configurations',
    seeds: cfgSeeds,
    read: (bytes) => buildNetwork(parseCfg(textOf(bytes), 'case.cfg')),
  },
  weights: {
    about: 'darknet weights',
    seeds: weightsSeeds,
    read: (bytes) =>
      readDarknet({
        cfg: { text: cfgText, file: 'case.cfg' },
        weights: { bytes, file: 'case.weights' },
      }),
  },
  headers: {
    about: 'the same pictures, to where a decoder would begin',
    seeds: pictureSeeds,
    read: (bytes) => sniffImage(bytes, 'case', mostPixels),
  },
  pictures: {
    about: 'JPEG, PNG, GIF, BMP and WebP, to the pixels',
    seeds: pictureSeeds,
    native: true,
    read: readPicture,
  },
  npy: { about: 'NumPy arrays', seeds: npySeeds, read: (bytes) => readNpy(bytes, 'case.npy') },
  json: {
    about: 'JSON, as every reader takes it',
    seeds: jsonSeeds,
    read: (bytes) => parseStrictJson(textOf(bytes), (what) => new OcellusError('E_MODEL_HEADER', what)),
  },
  labels: {
    about: 'labels of YOLO',
    seeds: labelSeeds,
    read: (bytes) => parseYolo(textOf(bytes), 'case.txt', ['a', 'b', 'c']),
  },
  mot: {
    about: 'tracks of MOTChallenge',
    seeds: motSeeds,
    read: (bytes) => parseMot(textOf(bytes), 'case.txt'),
  },
  recording: {
    about: 'recorded scenes and frames',
    seeds: recordingSeeds,
    read: (bytes) => parseRecorded(textOf(bytes), 'case.jsonl'),
  },
}

async function readPicture(bytes: Uint8Array): Promise<void> {
  const { width, height, data } = await decodeImage(bytes, { maxPixels: mostPixels })
  if (width * height > mostPixels || data.length !== width * height * 4)
    throw new Error(`${data.length} bytes for ${width}x${height} pixels`)
}

/** Less than any network of the seeds takes when a damaged size makes it a little larger. */
const mostWork = 2 ** 24
const mostMemory = 64 << 20

/**
 * Runs an accepted model in two builds; a difference of one bit is a fault, and so is a byte that
 * changed outside the arena, where program and weights lie.
 */
async function runBoth(bytes: Uint8Array): Promise<void> {
  const model = readModel(bytes, 'case')
  const [first, second] = [await outputsOf(model, 'scalar'), await outputsOf(model, 'simd')]
  for (const [name, expected] of Object.entries(first)) {
    const actual = second[name]
    for (let n = 0; n < expected.length; n++)
      if (expected[n] !== actual[n])
        throw new Error(`${name}[${n}] differs: scalar ${expected[n]}, simd ${actual[n]}`)
  }
}

async function outputsOf(model: Model, build: 'scalar' | 'simd'): Promise<Record<string, Uint8Array>> {
  const session = await Session.create(model, {
    build,
    threads: 1,
    tuneMs: 0,
    maxWork: mostWork,
    maxMemory: mostMemory,
  })
  try {
    for (const { name, dtype, shape } of session.inputs) {
      const size = shape.reduce((a, b) => a * b, 1)
      const values = Array.from({ length: size }, (_, n) => ((n * 37) % 101) - 50)
      session.setInput(
        dtype === 'float32' ? Float32Array.from(values, (v) => v / 50) : Int8Array.from(values),
        name,
      )
    }
    const { bytes } = session.memory
    const { arenaStart, arenaBytes } = session.plan
    const outside = (): Buffer =>
      Buffer.concat([bytes.subarray(0, arenaStart), bytes.subarray(arenaStart + arenaBytes)])
    const before = outside()
    session.run()
    if (!before.equals(outside())) throw new Error(`the ${build} build wrote outside the arena`)
    const outputs: Record<string, Uint8Array> = {}
    for (const { name, dtype } of session.outputs) {
      // Float sums may be taken in another order; only int8 is promised to the byte.
      if (dtype !== 'int8') continue
      const values = session.output(name)
      outputs[name] = new Uint8Array(values.buffer, values.byteOffset, values.byteLength).slice()
    }
    return outputs
  } finally {
    session.close()
  }
}
