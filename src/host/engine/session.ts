import { OcellusError } from '../errors.js'
import { elements, roundUp } from '../graph/descriptor.js'
import { fields, instructionBytes, opcodes } from '../graph/instruction.js'
import { preprocessingOf } from '../graph/task.js'
import type { Model, Tensor } from '../graph/types.js'
import { verifyModel } from '../graph/verify.js'
import { checkPixels, type Pixels } from '../image/pixels.js'
import { withKernels } from '../plan/kernels.js'
import { memoryOf, type Plan, planModel, programStart } from '../plan/plan.js'
import { compileProgram, describeInstruction } from '../plan/program.js'
import { type Build, loadEngine } from './build.js'
import { hasNarrowWeights, type KernelOptions, planKernels } from './choose.js'
import type { Engine } from './engine.js'
import { loadPlan } from './load.js'
import type { EngineMemory } from './memory.js'
import { chooseThreads } from './threads.js'

export interface SessionOptions extends KernelOptions {
  /** Use this build of the engine and no other. Default: the best that passes its probe. */
  readonly build?: Build
  /**
   * How many threads share the work, the caller's among them; the scalar build has one. Default: the processors, four
   * at most, and one for a model so small that more would not pay.
   */
  readonly threads?: number
  /** How long a run waits for a thread that does not answer, in milliseconds. Default: 10,000. */
  readonly threadTimeoutMs?: number
}

/** Index in memory of a field of the program's first instruction, which the picture decides. */
const frameField = (name: (typeof fields.preprocess)[number]): number =>
  programStart / 4 + 1 + fields.preprocess.indexOf(name)
const frameFields = {
  source: frameField('source'),
  sourceWidth: frameField('sourceWidth'),
  sourceHeight: frameField('sourceHeight'),
  resizedWidth: frameField('resizedWidth'),
  resizedHeight: frameField('resizedHeight'),
  offsetX: frameField('offsetX'),
  offsetY: frameField('offsetY'),
} as const

const isWithin = (size: number, offset: number, most: number): boolean =>
  Number.isInteger(size) && Number.isInteger(offset) && size >= 1 && offset >= 0 && offset + size <= most

const tensorsOf = ({ model }: Plan, ends: 'inputs' | 'outputs'): readonly Tensor[] =>
  model.graph[ends].map((name) => model.tensorsByName.get(name)!)

/** How a picture lies on the network's input: resized to this size, placed at this offset. */
export interface Fit {
  readonly resizedWidth: number
  readonly resizedHeight: number
  readonly offsetX: number
  readonly offsetY: number
}

export interface StepTime {
  readonly name: string
  readonly op: string
  /** The instruction that ran, as `opcodes` names it. */
  readonly kernel: string
  readonly ms: number
  /** Of a Winograd convolution: its products alone, without the transforms. */
  readonly productsMs?: number
}

/**
 * A model in the engine's memory, ready to run: the layer beneath the tasks. A session holds one
 * inference at a time; its calls are synchronous, so they cannot overlap.
 */
export class Session {
  readonly build: Build
  #plan: Plan
  #inputs: readonly Tensor[]
  #outputs: readonly Tensor[]
  #engine: Engine | undefined
  readonly #memory: EngineMemory
  #frameBytes = 0
  #runs = 0
  #failed = false
  /** What the next run starts from; an input set directly is used up by it, as its memory is reused. */
  #source: 'none' | 'frame' | 'input' = 'none'

  private constructor(engine: Engine, plan: Plan) {
    this.build = engine.build
    this.#plan = plan
    this.#inputs = tensorsOf(plan, 'inputs')
    this.#outputs = tensorsOf(plan, 'outputs')
    this.#engine = engine
    this.#memory = engine.memory
  }

  /** Verifies, plans and loads a model. Throws E_MODEL_*, E_ENGINE_*. */
  static async create(model: Model, options: SessionOptions = {}): Promise<Session> {
    const verified = verifyModel(model)
    const threads = chooseThreads(options.threads, verified)
    const plan = await planKernels(verified, threads, options)
    const program = compileProgram(plan)
    const narrow = hasNarrowWeights(verified)
    const engine = await loadEngine(memoryOf(plan), { ...options, narrow, threads })
    try {
      const session = new Session(engine, plan)
      loadPlan(plan, program, engine)
      return session
    } catch (error) {
      engine.close()
      throw error
    }
  }

  /** Threads that share the next run: one until all are started, and again while lost ones are replaced. */
  get threads(): number {
    return this.#live().threads
  }

  /** Settles when all threads take part, or none will; runs need not wait for it. How many there are. */
  ready(): Promise<number> {
    return this.#live().ready()
  }

  /** What lies where in memory. */
  get plan(): Plan {
    return this.#plan
  }

  get inputs(): readonly Tensor[] {
    return this.#inputs
  }

  get outputs(): readonly Tensor[] {
    return this.#outputs
  }

  /** Bytes of linear memory now: program, weights as packed, arena and the largest frame so far. */
  get memoryBytes(): number {
    return this.memory.byteLength
  }

  /** What tasks read and write beside the network's tensors, at addresses that the plan gives them. */
  get memory(): EngineMemory {
    this.#live()
    return this.#memory
  }

  /** Copies a picture into the engine; the next `run` starts by preprocessing it. */
  setImage(pixels: Pixels, fit: Fit): void {
    const engine = this.#live()
    preprocessingOf(this.plan.model.graph)
    checkPixels(pixels)
    this.#checkFit(fit)
    engine.wake()
    const { width, height, data } = pixels
    const source = this.plan.end
    this.#memory.ensure(source + data.length + 64)
    this.#memory.bytes.set(data, source)
    const { words } = this.#memory
    words[frameFields.source] = source
    words[frameFields.sourceWidth] = width
    words[frameFields.sourceHeight] = height
    words[frameFields.resizedWidth] = fit.resizedWidth
    words[frameFields.resizedHeight] = fit.resizedHeight
    words[frameFields.offsetX] = fit.offsetX
    words[frameFields.offsetY] = fit.offsetY
    this.#frameBytes = data.length
    this.#source = 'frame'
  }

  /** The address of so many bytes behind the frame, free until a larger one comes. */
  reserve(bytes: number): number {
    this.#live()
    const address = roundUp(this.plan.end + this.#frameBytes + 64, 64)
    this.#memory.ensure(address + bytes)
    return address
  }

  /** The engine trusts these numbers. */
  #checkFit({ resizedWidth, resizedHeight, offsetX, offsetY }: Fit): void {
    const [, height, width] = this.#inputs[0].shape
    if (isWithin(resizedWidth, offsetX, width) && isWithin(resizedHeight, offsetY, height)) return
    throw new OcellusError(
      'E_IMAGE_INPUT',
      `a picture resized to ${resizedWidth}x${resizedHeight} at ${offsetX}, ${offsetY} is not within the input of ${width}x${height}`,
    )
  }

  /**
   * Sets the network's input directly, [height][width][channels], already normalised or quantised. It serves one
   * run; a picture serves any number.
   */
  setInput(values: Float32Array | Int8Array): void {
    const engine = this.#live()
    const [tensor] = this.inputs
    const expected = elements(tensor.shape)
    const typed = tensor.dtype === 'float32' ? values instanceof Float32Array : values instanceof Int8Array
    if (!typed || values.length !== expected) {
      const kind = tensor.dtype === 'float32' ? 'Float32Array' : 'Int8Array'
      throw new OcellusError(
        'E_INPUT_SHAPE',
        `${tensor.name} takes a ${kind} of ${expected} values [${tensor.shape}]`,
      )
    }
    engine.wake()
    const { address, stride } = this.plan.places.get(tensor.name)!
    const channels = tensor.shape[tensor.shape.length - 1]
    const step = stride / values.BYTES_PER_ELEMENT
    const view = tensor.dtype === 'float32' ? this.#memory.floats : this.#memory.int8
    for (let i = 0, p = address / values.BYTES_PER_ELEMENT; i < expected; i += channels, p += step) {
      for (let c = 0; c < channels; c++) view[p + c] = values[i + c]
    }
    this.#source = 'input'
  }

  /** What the picture that was set becomes on its way in: the network's input, [height][width][channels]; a copy. */
  preprocessed(): Float32Array | Int8Array {
    this.#live()
    if (this.#source !== 'frame') throw new OcellusError('E_INPUT_SHAPE', 'set a picture first')
    this.#execute(0, 1)
    return this.#copy(this.inputs[0])
  }

  /** Runs the network, or as much of it as one of its outputs needs. */
  run(output?: string): void {
    const end = output === undefined ? undefined : this.#endOf(output)
    const first = this.#begin()
    this.#execute(first, (end ?? this.#end) - first)
    this.#recheck()
  }

  /** Runs instructions of a task's own, at an address that the plan gives them, in this thread alone. */
  execute(address: number, count: number): void {
    if (this.#call(address, count, true) !== 0)
      throw new OcellusError('E_ENGINE_TRAP', `the ${this.build} build lacks an instruction of the task`)
  }

  /** Which patches of a picture a network of tokens sees, and in what order, from now on; as many as it was made for. */
  select(indices: readonly number[]): void {
    this.#live()
    const { views } = this.plan.model
    const chosen = views.flatMap(({ view, operator }, index) => {
      const selection = operator.selection?.(view)
      return selection === undefined ? [] : [{ ...selection, at: this.plan.blocks[index].get('indices')! }]
    })
    if (chosen.length === 0) throw new OcellusError('E_OPTION', 'the model has no patches to choose from')
    for (const { places, count } of chosen) checkSelection(indices, places, count)
    for (const { at } of chosen) this.#memory.words.set(indices, at / 4)
  }

  /**
   * The same network from now on with other sizes of its tensors, as for another number of patches: its weights stay
   * where they are. Throws E_OPTION where it has not the same nodes and constants.
   */
  replan(model: Model): void {
    this.#live()
    const plan = planModel(withKernels(verifyModel(model), this.plan.model.kernels ?? []), this.plan.threads)
    const addresses = ({ blocks, steps }: Plan): string => JSON.stringify([blocks.map((b) => [...b]), steps])
    if (addresses(plan) !== addresses(this.plan)) {
      throw new OcellusError(
        'E_OPTION',
        `${model.graph.name} is no other size of ${this.plan.model.graph.name}`,
      )
    }
    const program = compileProgram(plan)
    this.#memory.ensure(plan.end)
    this.#plan = plan
    this.#inputs = tensorsOf(plan, 'inputs')
    this.#outputs = tensorsOf(plan, 'outputs')
    this.#source = 'none'
    this.#memory.words.set(program, programStart / 4)
  }

  /** Runs one instruction at a time and tells how long each took. */
  profile(): StepTime[] {
    const first = this.#begin()
    return Array.from({ length: this.#end - first }, (_, i) => {
      const start = performance.now()
      this.#execute(first + i, 1)
      const ms = performance.now() - start
      const kernel = this.#kernel(first + i)
      const productsMs = /winograd/i.test(kernel) ? { productsMs: this.#productsMs(first + i) } : {}
      return { ...describeInstruction(this.plan, first + i), kernel, ms, ...productsMs }
    })
  }

  /** Values of an output of the last run, [height][width][channels]; a copy. Setting values anew may overwrite them. */
  output(name: string): Float32Array | Int8Array {
    this.#live()
    if (!this.plan.model.graph.outputs.includes(name))
      throw new OcellusError('E_OPTION', `the model has no output ${name}`)
    return this.#copy(this.plan.model.tensorsByName.get(name)!)
  }

  #copy(tensor: Tensor): Float32Array | Int8Array {
    const { address, stride } = this.plan.places.get(tensor.name)!
    const channels = tensor.shape[tensor.shape.length - 1]
    const pixels = elements(tensor.shape) / channels
    const step = tensor.dtype === 'float32' ? stride / 4 : stride
    // A view of some channels must not reach beyond the last of them: that may be the end of the memory.
    const view = this.#view(tensor, address, (pixels - 1) * step + channels)
    if (step === channels) return view.slice()
    const packed =
      tensor.dtype === 'float32' ? new Float32Array(pixels * channels) : new Int8Array(pixels * channels)
    for (let p = 0; p < pixels; p++) packed.set(view.subarray(p * step, p * step + channels), p * channels)
    return packed
  }

  /** Ends the threads and gives the memory back. Closing twice is harmless; any other call afterwards throws E_SESSION_CLOSED. */
  close(): void {
    this.#engine?.close()
    this.#engine = undefined
  }

  #live(): Engine {
    if (this.#engine === undefined)
      throw new OcellusError('E_SESSION_CLOSED', 'the session is closed: create another')
    return this.#engine
  }

  /** Views are made when needed: growing the memory detaches older ones. */
  #view(tensor: Tensor, address: number, length: number): Float32Array | Int8Array {
    const { buffer } = this.#live().memory.memory
    return tensor.dtype === 'float32'
      ? new Float32Array(buffer, address, length)
      : new Int8Array(buffer, address, length)
  }

  /** Instructions before the first step's: the preprocessing of a model that takes pictures. */
  get #lead(): number {
    return this.plan.preprocessing === undefined ? 0 : 1
  }

  get #end(): number {
    return this.#lead + this.plan.steps.length
  }

  /** The first instruction: without a picture the preprocessing is left out. */
  #begin(): number {
    this.#live()
    if (this.#source === 'frame') return 0
    if (this.#source === 'none')
      throw new OcellusError('E_INPUT_SHAPE', 'nothing to run on: set a picture or an input first')
    this.#source = 'none'
    return this.#lead
  }

  /** The instruction after the one that makes an output. */
  #endOf(output: string): number {
    const { steps, model } = this.plan
    if (!model.graph.outputs.includes(output))
      throw new OcellusError('E_OPTION', `the model has no output ${output}`)
    const index = steps.findIndex(
      (step) => step.kind === 'node' && model.views[step.index].view.output.name === output,
    )
    if (index < 0)
      throw new OcellusError('E_OPTION', `${output} is made together with others: run the whole network`)
    return this.#lead + index + 1
  }

  /** After 1, 2, 4, ... runs, and after each when one has failed: a result of a build that computes wrongly is not given. */
  #recheck(): void {
    const { recheck } = this.#live()
    if (recheck === undefined) return
    this.#runs++
    if (!this.#failed && (this.#runs & (this.#runs - 1)) !== 0) return
    this.#failed = true
    recheck()
    this.#failed = false
  }

  #execute(first: number, count: number): void {
    const status = this.#call(programStart + first * instructionBytes, count)
    if (status === 0) return
    const { name } = describeInstruction(this.plan, first + status - 1)
    throw new OcellusError('E_ENGINE_TRAP', `${name}: the ${this.build} build has no such instruction`)
  }

  #call(address: number, count: number, alone = false): number {
    try {
      const engine = this.#live()
      return alone ? engine.exports.run(address, count, 0, 1) : engine.run(address, count)
    } catch (cause) {
      if (cause instanceof OcellusError) throw cause
      throw new OcellusError('E_ENGINE_TRAP', `the engine stopped: ${String(cause)}`, { cause })
    }
  }

  /** The products of a Winograd convolution by themselves, just after it ran: all that they touch is its scratch. */
  #productsMs(instruction: number): number {
    const { words } = this.#memory
    const phase =
      (programStart + instruction * instructionBytes) / 4 + fields.winograd43S8.indexOf('phase') + 1
    words[phase] = 1
    const start = performance.now()
    this.#execute(instruction, 1)
    const ms = performance.now() - start
    words[phase] = 0
    return ms
  }

  #kernel(instruction: number): string {
    const address = programStart + instruction * instructionBytes
    const opcode = this.#memory.words[address / 4]
    return Object.entries(opcodes).find(([, code]) => code === opcode)![0]
  }
}

/** The engine trusts these numbers. */
function checkSelection(indices: readonly number[], places: number, count: number): void {
  const bad = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= places)
  if (indices.length === count && bad === undefined && new Set(indices).size === count) return
  const found =
    indices.length !== count
      ? `${indices.length} patches`
      : bad === undefined
        ? 'a patch twice'
        : `the patch ${bad}`
  throw new OcellusError('E_OPTION', `the selection has ${found}; it must be ${count} of 0 to ${places - 1}`)
}
