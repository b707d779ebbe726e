import { EngineMemory } from '../../src/host/engine/memory.js'
import type { DetectionTask } from '../../src/host/graph/types.js'
import type { Geometry } from '../../src/host/image/fit.js'
import { capacityFor, type DetectionPlan, reserveDetection } from '../../src/host/plan/detection.js'
import { listBytes } from '../../src/host/program/candidates.js'
import { Decoder, type DecodingEngine } from '../../src/host/tasks/detection/decode.js'
import type { Detection } from '../../src/host/tasks/detection/detections.js'
import { type DetectionOptions, settingsOf } from '../../src/host/tasks/detection/options.js'
import { type Build, loadEngine, programStart } from './engine.js'
import type { HeadOutput } from './reference-detection.js'

/** Detections that an engine makes of heads' raw outputs, without a network. */
export function decodeHeads(
  outputs: readonly HeadOutput[],
  task: DetectionTask,
  geometry: Geometry,
  options: DetectionOptions = {},
  build: Build = 'simd',
): Detection[] {
  const { memory: raw, exports } = loadEngine(build)
  const memory = new EngineMemory(raw)
  let next = programStart
  const take = (bytes: number): number => {
    const address = next
    next = Math.ceil((address + bytes + 64) / 64) * 64
    memory.ensure(next)
    return address
  }
  const heads = outputs.map(({ data, height, width }) => {
    const address = take(data.byteLength)
    memory.floats.set(data, address / 4)
    return { address, stride: data.byteLength / (height * width), rows: height, columns: width }
  })
  const boxes = task.heads.reduce(
    (sum, { anchors }, n) => sum + outputs[n].height * outputs[n].width * anchors.length,
    0,
  )
  const candidates = take(listBytes(capacityFor(boxes, 1)))
  const plan: DetectionPlan = { ...reserveDetection(task, take), candidates, boxes, heads }
  const engine: DecodingEngine = {
    memory,
    execute(address, count) {
      if (exports.run(address, count, 0, 1) !== 0) throw new Error('the engine lacks an instruction')
    },
    reserve: take,
    outputs: [],
    output(name) {
      throw new Error(`there is no output ${name}`)
    },
  }
  return new Decoder(engine, plan, task).decode(geometry, settingsOf(options, task))
}
