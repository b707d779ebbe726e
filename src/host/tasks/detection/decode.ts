import type { EngineMemory } from '../../engine/memory.js'
import type { DetectionTask } from '../../graph/types.js'
import type { Geometry } from '../../image/fit.js'
import { capacityFor, type DetectionPlan } from '../../plan/detection.js'
import { listBytes } from '../../program/candidates.js'
import { encode } from '../../program/encode.js'
import { instructionBytes } from '../../program/instruction.js'
import { DenseDecoder, type Outputs } from './dense.js'
import { type Detection, readDetections, writeCandidates } from './detections.js'
import type { Settings } from './options.js'
import { decodingProgram } from './program.js'

/** What decoding needs of a session. */
export interface DecodingEngine extends Outputs {
  readonly memory: EngineMemory
  /** Runs `count` instructions that stand at an address. */
  execute(address: number, count: number): void
  /** The address of so many bytes behind the frame. */
  reserve(bytes: number): number
}

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
    const plan = this.#plan
    const capacity = this.#capacity(settings)
    this.#settings = undefined
    this.#list = settings.multiLabel ? this.#engine.reserve(listBytes(capacity)) : plan.candidates
    if (settings.classMask !== undefined) memory.bytes.set(settings.classMask, plan.classMask)
    const instructions = decodingProgram(this.#task, settings, geometry, {
      ...plan,
      list: this.#list,
      capacity,
    })
    for (const [n, { instruction, parameters }] of instructions.entries()) {
      memory.doubles.set(parameters, plan.parameters[n] / 8)
      memory.words.set(encode(instruction), (plan.program + n * instructionBytes) / 4)
    }
    this.#settings = settings
    this.#geometry = geometry
  }
}
