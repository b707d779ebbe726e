import type { EngineMemory } from '../../engine/memory.js'
import type { DetectionTask } from '../../graph/types.js'
import type { Geometry } from '../../image/fit.js'
import { capacityFor, type DetectionPlan } from '../../plan/detection.js'
import { listBytes } from '../../program/candidates.js'
import { encode } from '../../program/encode.js'
import { instructionBytes } from '../../program/instruction.js'
import { overlapKinds } from '../../program/kinds.js'
import { DenseDecoder, type Outputs } from './dense.js'
import { type Detection, readDetections, writeCandidates } from './detections.js'
import type { Settings } from './options.js'

/** What decoding needs of a session. */
export interface DecodingEngine extends Outputs {
  readonly memory: EngineMemory
  /** Runs `count` instructions that stand at an address. */
  execute(address: number, count: number): void
  /** The address of so many bytes behind the frame. */
  reserve(bytes: number): number
}

const mostResults = 0x7fffffff

/**
 * Turns the raw outputs of a detector's heads into detections. The work is done by instructions of
 * the engine, which are written anew when the settings or the picture's size change: a camera's
 * frames only run them.
 */
export class Decoder {
  readonly #engine: DecodingEngine
  readonly #plan: DetectionPlan
  readonly #task: DetectionTask
  #settings: Settings | undefined
  #geometry: Geometry | undefined
  #list = 0
  readonly #dense: DenseDecoder | undefined

  constructor(engine: DecodingEngine, plan: DetectionPlan, task: DetectionTask) {
    this.#engine = engine
    this.#plan = plan
    this.#task = task
    this.#dense = task.dense && new DenseDecoder(task.dense, task.labels.length, engine)
  }

  /** Detections of the last run, best first. */
  decode(geometry: Geometry, settings: Settings): Detection[] {
    if (geometry !== this.#geometry || settings !== this.#settings) this.#prepare(geometry, settings)
    const { memory } = this.#engine
    memory.words[this.#list / 4] = 0
    if (this.#dense !== undefined) {
      const found = this.#dense.find(geometry, settings, this.#capacity(settings))
      writeCandidates(memory, this.#list, found)
    }
    this.#engine.execute(this.#plan.program, this.#task.heads.length + 1)
    return readDetections(memory, this.#list, this.#task.labels, settings.clip ? geometry : undefined)
  }

  #capacity({ multiLabel }: Settings): number {
    return capacityFor(this.#plan.boxes, multiLabel ? this.#task.labels.length : 1)
  }

  #prepare(geometry: Geometry, settings: Settings): void {
    const { memory } = this.#engine
    const { labels, heads } = this.#task
    const plan = this.#plan
    const capacity = this.#capacity(settings)
    this.#settings = undefined
    this.#list = settings.multiLabel ? this.#engine.reserve(listBytes(capacity)) : plan.candidates
    if (settings.classMask !== undefined) memory.bytes.set(settings.classMask, plan.classMask)
    let origin = 0
    heads.forEach((head, n) => {
      const { address, stride, rows, columns } = plan.heads[n]
      memory.doubles.set(
        [settings.scoreThreshold, head.scaleXY, ...head.anchors.flat()],
        plan.parameters[n] / 8,
      )
      const words = encode({
        opcode: 'decodeYolo',
        fields: {
          ...geometry,
          input: address,
          inputStride: stride,
          rows,
          columns,
          anchors: head.anchors.length,
          classes: labels.length,
          newCoords: Number(head.newCoords),
          multiLabel: Number(settings.multiLabel),
          classMask: settings.classMask === undefined ? 0 : plan.classMask,
          parameters: plan.parameters[n],
          candidates: this.#list,
          capacity,
          origin,
        },
      })
      memory.words.set(words, (plan.program + n * instructionBytes) / 4)
      origin += rows * columns * head.anchors.length
    })
    this.#prepareSuppression(geometry, settings)
    this.#settings = settings
    this.#geometry = geometry
  }

  #prepareSuppression({ sourceWidth, sourceHeight }: Geometry, settings: Settings): void {
    const { memory } = this.#engine
    const { labels, heads, nms } = this.#task
    const plan = this.#plan
    const parameters = plan.parameters[heads.length]
    memory.doubles.set([settings.iouThreshold, nms.beta], parameters / 8)
    const words = encode({
      opcode: 'suppress',
      fields: {
        candidates: this.#list,
        chains: plan.chains,
        classes: labels.length,
        kind: overlapKinds[nms.kind === 'greedy' ? 'iou' : nms.kind],
        agnostic: Number(settings.agnostic),
        bestOnly: Number(settings.byDarknet),
        maxResults: Math.min(settings.maxResults, mostResults),
        clip: Number(settings.clip),
        sourceWidth,
        sourceHeight,
        parameters,
      },
    })
    memory.words.set(words, (plan.program + heads.length * instructionBytes) / 4)
  }
}
