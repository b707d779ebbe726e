import { Session } from '../../src/host/engine/session.js'
import { detectionOf } from '../../src/host/graph/task.js'
import type { Model } from '../../src/host/graph/types.js'
import type { Geometry } from '../../src/host/image/fit.js'
import { crc32 } from '../../src/host/platform/node/crc32.js'
import { entryBytes, listHeaderBytes, listOffset } from '../../src/host/program/candidates.js'
import { Decoder } from '../../src/host/tasks/detection/decode.js'
import type { Settings } from '../../src/host/tasks/detection/options.js'
import { type FrameFormat, pixelBytes } from './frames.js'

/** The side of the self-test's picture, which is even, as pairs of pixels share colours in yuv422. */
export const goldenSide = 16

/** Bytes of an entry that are compared: corners, score and class. */
const comparedBytes = 44

/** A picture of noise with some structure, so that all bits of a network's input occur. */
export function goldenFrame(format: FrameFormat): Uint8Array {
  const bytes = new Uint8Array(goldenSide * goldenSide * pixelBytes[format])
  let state = 0x2545f491
  for (let n = 0; n < bytes.length; n++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    bytes[n] = ((state >>> 8) & 127) + ((n >> 4) & 127)
  }
  return bytes
}

/**
 * What the host's engine makes of the self-test's picture, as firmware sums it up: the CRC-32 of all
 * outputs, then of the detections.
 */
export async function goldenResults(
  model: Model,
  settings: Settings,
  geometry: Geometry,
  data: Uint8Array,
): Promise<number> {
  const session = await Session.create(model, { threads: 1, tuneMs: 0 })
  try {
    session.setImage({ width: goldenSide, height: goldenSide, data }, geometry)
    session.run()
    const parts = session.outputs.map(({ name }) => {
      const values = session.output(name)
      return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    })
    const plan = session.plan.detection!
    new Decoder(session, plan, detectionOf(model.graph)).decode(geometry, settings)
    const { bytes, words } = session.memory
    const kept = words[(plan.candidates + listOffset('kept')) / 4]
    for (let n = 0; n < kept; n++) {
      const at = plan.candidates + listHeaderBytes + n * entryBytes
      parts.push(bytes.slice(at, at + comparedBytes))
    }
    return crc32(Buffer.concat(parts))
  } finally {
    session.close()
  }
}
