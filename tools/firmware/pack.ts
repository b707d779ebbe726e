import { OcellusError } from '../../src/host/errors.js'
import { detectionOf } from '../../src/host/graph/task.js'
import type { Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { fitImage } from '../../src/host/image/fit.js'
import { crc32 } from '../../src/host/platform/node/crc32.js'
import { type DetectionOptions, settingsOf } from '../../src/host/tasks/detection/options.js'
import { cFiles } from './c-files.js'
import { type FrameFormat, rgbaOf } from './frames.js'
import { goldenFrame, goldenResults } from './golden.js'
import { withFirmwareKernels } from './kernels.js'
import { layOut } from './layout.js'
import type { MemoryLimits } from './memory.js'
import { programWords } from './program.js'

/** What firmware is made for. */
export interface PackOptions
  extends Pick<DetectionOptions, 'scoreThreshold' | 'iouThreshold' | 'maxResults'>,
    MemoryLimits {
  readonly format: FrameFormat
  /** Pixels of every frame. */
  readonly frame: { readonly width: number; readonly height: number }
}

/** Sides that a microcontroller's camera may have. */
const mostSide = 4096

/**
 * Firmware of a detector: the files of C, by their names. Throws E_OPTION, E_MODEL_*,
 * E_FIRMWARE_OPERATOR, E_FIRMWARE_MEMORY.
 */
export async function packFirmware(model: Model, options: PackOptions): Promise<Map<string, string>> {
  const { format, frame } = options
  checkFrame(options)
  const task = detectionOf(model.graph)
  if (model.graph.preprocessing === undefined)
    throw new OcellusError('E_MODEL_TASK', `${model.graph.name} takes no pictures`)
  if (task.dense !== undefined)
    throw new OcellusError('E_MODEL_TASK', `${model.graph.name}: firmware decodes heads with anchors only`)
  const verified = verifyModel(model)
  const settings = settingsOf(
    {
      scoreThreshold: options.scoreThreshold,
      iouThreshold: options.iouThreshold,
      maxResults: options.maxResults,
    },
    task,
  )
  const [, height, width] = verified.tensorsByName.get(model.graph.inputs[0])!.shape
  const geometry = fitImage(model.graph.preprocessing.mode, frame, { width, height })
  const layout = await layOut(withFirmwareKernels(verified), settings, geometry)
  const picture = goldenFrame(format)
  const program = programWords(layout.instructions)
  const golden = {
    frame: picture,
    results: await goldenResults(model, settings, geometry, rgbaOf(format, picture)),
    flash: crc32(
      Buffer.concat([layout.weights, new Uint8Array(Uint32Array.from(program.words).buffer), picture]),
    ),
  }
  return cFiles(
    { name: model.graph.name, labels: task.labels, format, frame, layout, program, golden },
    options,
  )
}

function checkFrame({ format, frame: { width, height } }: PackOptions): void {
  for (const side of [width, height])
    if (!Number.isInteger(side) || side < 1 || side > mostSide)
      throw new OcellusError('E_OPTION', `a frame of ${width}x${height}: give sides of 1 to ${mostSide}`)
  if (format === 'yuv422' && width % 2 !== 0)
    throw new OcellusError('E_OPTION', `a frame of yuv422 is ${width} pixels wide; give an even width`)
}
