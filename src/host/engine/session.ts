import { OcellusError } from '../errors.js'
import { roundUp } from '../graph/descriptor.js'
import { preprocessingOf } from '../graph/task.js'
import type { Model, Tensor } from '../graph/types.js'
import { verifyModel } from '../graph/verify.js'
import { checkMaxWork } from '../graph/work.js'
import { type Fit, fitImage } from '../image/fit.js'
import { checkedPixels, checkMaxPixels, checkPixels, type Pixels } from '../image/pixels.js'
import { checkOptions } from '../options.js'
import { type FirstPlan, planFirst } from '../plan/first.js'
import { largeFrameBytes, placeLargeFrame } from '../plan/frame.js'
import { memoryOf, type Plan, programStart } from '../plan/plan.js'
import { compileProgram, describeInstruction } from '../plan/program.js'
import { instructionBytes, instructionWords } from '../program/instruction.js'
import { told } from '../shown.js'
import { type LoadedEngine, loadEngine } from './build.js'
import { hasNarrowWeights, planKernels } from './choose.js'
import type { Build, Who } from './engine.js'
import { runFirst } from './first.js'
import { checkFit, writeFrame } from './frame.js'
import { passLargeFrame } from './large-frame.js'
import { loadNodes, loadPlan } from './load.js'
import type { EngineMemory } from './memory.js'
import {
  checkInputs,
  checkOutputs,
  metadataOf,
  type NamedInputs,
  type NamedOutputs,
  type RunOptions,
  readOutput,
  runOptions,
  type TensorMetadata,
  writeInput,
} from './named.js'
import { type SessionOptions, sessionOptions } from './options.js'
import { platform } from './platform.js'
import { profileSteps, type StepTime } from './profile.js'
import { resizePlan } from './resize.js'
import { selectPatches } from './selection.js'
import { type Stop, type StopOptions, stopOf } from './stop.js'
import { sumWeights } from './sums.js'
import { checkValues, readTensor, type TensorData, writeTensor } from './tensors.js'
import { chooseThreads } from './threads.js'

export type { NamedInputs, NamedOutputs, NamedTensor, RunOptions, TensorMetadata } from './named.js'
export type { SessionOptions } from './options.js'
export type { StepTime } from './profile.js'
export type { TensorData } from './tensors.js'

const tensorsOf = ({ model }: Plan, ends: 'inputs' | 'outputs'): readonly Tensor[] =>
  model.graph[ends].map((name) => model.tensorsByName.get(name)!)

/** Milliseconds that a run in turns keeps events waiting, and a layer more. */
const turnMs = 8

/**
 * Bytes of weights that take longer to pack than threads to start: they are started before all is
 * loaded.
 */
const muchPacking = 32 << 20

/**
 * A model in the engine's memory, ready to run: the layer beneath the tasks. A session holds one
 * inference at a time; its calls are synchronous, so they cannot overlap.
 */
export class Session {
  readonly build: Build
  /** The most pixels of a picture that it takes. */
  readonly maxPixels: number
  readonly #maxWork: number
  #plan: Plan
  #inputs: readonly Tensor[]
  #outputs: readonly Tensor[]
  #engine: LoadedEngine | undefined
  readonly #memory: EngineMemory
  #frameBytes = 0
  #runs = 0
  #failed = false
  /**
   * Until the weights of all nodes are packed for their kernels, which a first run does without.
   */
  #first: FirstPlan | undefined
  #hasRunFirst = false
  /** The program's own first instruction, while another stands in its place for a large frame. */
  #preprocess: Int32Array | undefined
  /** How often its memory was set to work on something: whoever waits sees that it was. */
  #changes = 0
  /** Settles when nobody runs in turns. */
  #turn: Promise<void> = Promise.resolve()
  /** The first input's picture waits to be preprocessed. */
  #frame = false
  /** Inputs that were set. One set directly is used up by a run, as its memory is reused. */
  readonly #given = new Set<string>()

  private constructor(
    engine: LoadedEngine,
    plan: Plan,
    caps: { readonly maxPixels: number; readonly maxWork: number },
  ) {
    this.build = engine.build
    this.maxPixels = caps.maxPixels
    this.#maxWork = caps.maxWork
    this.#plan = plan
    this.#inputs = tensorsOf(plan, 'inputs')
    this.#outputs = tensorsOf(plan, 'outputs')
    this.#engine = engine
    this.#memory = engine.memory
  }

  /**
   * Verifies, plans and loads a model. Throws E_OPTION, E_MODEL_* and E_ENGINE_*.
   *
   * @example
   * const session = await Session.create(await loadModel('model.safetensors'), { threads: 2 })
   */
  static async create(model: Model, options: SessionOptions = {}): Promise<Session> {
    checkOptions(options, sessionOptions, 'Session.create')
    const { frozenModel = false } = options
    const maxPixels = checkMaxPixels(options.maxPixels)
    const maxWork = checkMaxWork(options.maxWork)
    const summed = await sumWeights(model, options)
    const verified = verifyModel(model, maxWork)
    if (frozenModel && summed !== undefined) platform().tuning?.warmUp?.(summed, verified, options)
    summed?.close()
    const threads = chooseThreads(options.threads, verified)
    const plan = await planKernels(verified, threads, options)
    const program = compileProgram(plan)
    const narrow = hasNarrowWeights(verified)
    const engine = await loadEngine(memoryOf(plan), {
      ...options,
      narrow,
      threads,
      watched: options.threads === undefined,
    })
    try {
      const session = new Session(engine, plan, { maxPixels, maxWork })
      session.#first = frozenModel && plan.preprocessing !== undefined ? planFirst(plan) : undefined
      if (session.#first === undefined && plan.packedBytes >= muchPacking) engine.hire()
      loadPlan(plan, program, engine, session.#first?.nodes)
      return session
    } catch (error) {
      engine.close()
      throw error
    }
  }

  /**
   * Threads that share the next run: one until all are started, again while lost ones are replaced,
   * and where a session that was not told how many has found that one is faster.
   */
  get threads(): number {
    return this.#live().threads
  }

  /**
   * Settles when all threads take part, or none will; runs need not wait for it. How many there
   * are.
   */
  ready(): Promise<number> {
    if (!this.#hasRunFirst) this.#settle()
    return this.#live().ready()
  }

  /**
   * What lies where in memory.
   * @internal
   */
  get plan(): Plan {
    return this.#plan
  }

  /**
   * The inputs as the engine holds them: maps in NHWC. `inputMetadata` has them as callers see
   * them.
   */
  get inputs(): readonly Tensor[] {
    return this.#inputs
  }

  /** The outputs as the engine holds them: maps in NHWC. */
  get outputs(): readonly Tensor[] {
    return this.#outputs
  }

  /** Names, types and shapes (maps in NCHW) of what `run` takes. */
  get inputMetadata(): TensorMetadata[] {
    return this.#inputs.map((tensor) => metadataOf(this.plan.model.graph, tensor))
  }

  /** Names, types and shapes (maps in NCHW) of what `run` gives. */
  get outputMetadata(): TensorMetadata[] {
    return this.#outputs.map((tensor) => metadataOf(this.plan.model.graph, tensor))
  }

  /**
   * Bytes of linear memory now: program, weights as packed, arena and the largest frame so far, of
   * which one above 16 MiB leaves only what the network sees of it.
   */
  get memoryBytes(): number {
    return this.memory.byteLength
  }

  /**
   * What tasks read and write beside the network's tensors, at addresses that the plan gives them.
   * @internal
   */
  get memory(): EngineMemory {
    this.#live()
    return this.#memory
  }

  /**
   * Copies a picture into the engine; the next `run` starts by preprocessing it. `fit` says how it
   * lies on the input; default: as the model's preprocessing has it. Throws E_IMAGE_INPUT for what
   * are no pixels or a fit that is not within the input, E_IMAGE_TOO_LARGE for more than
   * `maxPixels`, E_MODEL_TASK for a model that takes no pictures, E_ENGINE_MEMORY.
   *
   * @example
   * const pixels = await decodeImage('photo.jpg')
   * session.setImage(pixels, fitImage('stretch', pixels, { width: 416, height: 416 }))
   * session.run()
   */
  setImage(pixels: Pixels, fit: Fit = this.#fitOf(pixels)): void {
    const engine = this.#live()
    preprocessingOf(this.plan.model.graph)
    const bytes = checkPixels(pixels, this.maxPixels)
    checkFit(fit, this.#inputs[0])
    this.#changes++
    if (this.#hasRunFirst) this.#settle()
    engine.wake()
    if (bytes > largeFrameBytes) this.#passLarge(pixels, fit)
    else this.#copyFrame(pixels, fit, bytes)
    this.#frame = true
    // A set that fills and empties with every frame would allocate.
    if (this.#inputs.length > 1) this.#given.add(this.#inputs[0].name)
  }

  #copyFrame(pixels: Pixels, fit: Fit, bytes: number): void {
    const source = this.plan.end
    const { data } = pixels
    if (data?.length !== bytes)
      throw new OcellusError('E_IMAGE_INPUT', 'the pixels changed while they were read')
    this.#memory.ensure(source + bytes + 64)
    if (this.#preprocess !== undefined) this.#memory.words.set(this.#preprocess, programStart / 4)
    this.#preprocess = undefined
    writeFrame(this.#memory.words, pixels, fit, source, bytes, this.#inputs[0])
    this.#memory.bytes.set(data, source)
    this.#frameBytes = bytes
  }

  /** A frame so large that the engine's memory would never be small again is not kept in it. */
  #passLarge(given: Pixels, givenFit: Fit): void {
    const pixels = checkedPixels(given, this.maxPixels)
    const fit = { ...givenFit }
    checkFit(fit, this.#inputs[0])
    // Where there is no memory for it, the picture before it stays.
    this.#memory.ensure(placeLargeFrame(this.plan).end + 64)
    this.#frame = false
    const { words } = this.#memory
    this.#preprocess ??= words.slice(programStart / 4, programStart / 4 + instructionWords)
    const execute = (): void => this.#executeAt(programStart, 0, 1, 'caller')
    const place = passLargeFrame(this.plan, this.#memory, pixels, fit, this.#preprocess, execute)
    this.#frameBytes = place.end - this.plan.end
  }

  /**
   * The address of so many bytes behind the frame, which are free until a larger frame comes.
   * @internal
   */
  reserve(bytes: number): number {
    this.#live()
    const address = roundUp(this.plan.end + this.#frameBytes + 64, 64)
    this.#memory.ensure(address + bytes)
    return address
  }

  /**
   * Sets an input of the network directly, [height][width][channels], already normalised or
   * quantised: the first one, or the one of this name. It serves one run; a picture serves any
   * number where it is the only input.
   */
  setInput(values: TensorData, name: string = this.#inputs[0].name): void {
    const engine = this.#live()
    const tensor = this.#inputs.find((input) => input.name === name)
    if (tensor === undefined) throw new OcellusError('E_INPUT_NAME', `the model has no input ${told(name)}`)
    checkValues(tensor, values)
    this.#changes++
    this.#settle()
    engine.wake()
    writeTensor(this.#memory, this.plan, tensor, values)
    this.#markSet(tensor)
  }

  #markSet(tensor: Tensor): void {
    if (tensor === this.#inputs[0]) this.#frame = false
    this.#given.add(tensor.name)
  }

  /**
   * What the picture that was set becomes on its way in: the network's input,
   * [height][width][channels]; a copy.
   */
  preprocessed(): TensorData {
    this.#live()
    if (!this.#frame) throw new OcellusError('E_INPUT_SHAPE', 'set a picture first')
    this.#changes++
    this.#execute(0, 1)
    return readTensor(this.#memory, this.plan, this.inputs[0])
  }

  /**
   * Runs the network on what was set before, or as much of it as one of its outputs needs. Throws
   * E_INPUT_SHAPE where an input was not set, E_OPTION for an output that there is not,
   * E_SESSION_CLOSED, E_ABORTED, E_DEADLINE.
   */
  run(output?: string, options?: StopOptions): void
  /**
   * Runs the network on named inputs and returns its outputs by their names: `{ dtype, shape, data
   * }` each, maps in NCHW. Every input must be given, of the type and shape that `inputMetadata`
   * tells. Throws E_INPUT_NAME, E_INPUT_TYPE, E_INPUT_SHAPE before anything runs, E_ABORTED and
   * E_DEADLINE between layers; the session stays usable.
   *
   * @example
   * const data = new Float32Array(3 * 416 * 416)
   * const { heads } = session.run({ images: { dtype: 'float32', shape: [1, 3, 416, 416], data } })
   * console.log(heads.dtype, heads.shape, heads.data)
   */
  run(inputs: NamedInputs, options?: RunOptions): NamedOutputs
  run(what?: string | NamedInputs, options?: RunOptions): NamedOutputs | undefined {
    checkOptions(options, runOptions, 'Session.run')
    if (typeof what === 'object') return this.#runNamed(what, options ?? {})
    const stop = stopOf(options)
    this.#runSet(what === undefined ? undefined : this.#endOf(what), stop)
    return undefined
  }

  #fitOf(pixels: Pixels): Fit {
    this.#live()
    const [, height, width] = this.#inputs[0].shape
    const { mode } = preprocessingOf(this.plan.model.graph)
    checkPixels(pixels, this.maxPixels)
    return fitImage(mode, pixels, { width, height })
  }

  #runNamed(inputs: NamedInputs, options: RunOptions): NamedOutputs {
    this.#live()
    const stop = stopOf(options)
    const outputs = checkOutputs(this.plan, options)
    this.setInputs(inputs)
    this.#runSet(options.outputs === undefined ? undefined : this.#endOfAll(outputs), stop)
    const raw = options.raw === true
    return Object.fromEntries(outputs.map((name) => [name, readOutput(this.#memory, this.plan, name, raw)]))
  }

  /**
   * Sets all inputs by their names, as `run` takes them, for a `run()` that is followed by
   * `output`. Throws as `run` does.
   */
  setInputs(inputs: NamedInputs): void {
    const engine = this.#live()
    const { picture, tensors } = checkInputs(this.plan, inputs)
    this.#changes++
    // Loading overwrites what lies in the arena and behind it.
    if (tensors.length > 0) this.#settle()
    if (this.#given.size > 0) this.#given.clear()
    if (picture !== undefined) this.setImage(picture)
    engine.wake()
    for (const { tensor, values } of tensors) {
      writeInput(this.#memory, this.plan, tensor, values)
      this.#markSet(tensor)
    }
  }

  /** Runs the network on what was set, up to an instruction. */
  #runSet(end: number | undefined, stop: Stop | undefined): void {
    const first = this.#first
    if (first !== undefined && !this.#hasRunFirst && end === undefined && this.#isFrameAlone()) {
      this.#runFirst(first, stop)
      return
    }
    this.#settle()
    this.#executeUnlessStopped(this.#begin(), end ?? this.#end, stop)
    this.#recheck()
  }

  /** Apart from `#runSet`, as what a function keeps for its closures is allocated at each call. */
  #runFirst(first: FirstPlan, stop: Stop | undefined): void {
    this.#hasRunFirst = true
    this.#changes++
    runFirst(this.plan, first, this.#live(), (at, n) => {
      stop?.()
      this.#executeAt(at, n, 1, 'caller')
    })
    this.#recheck()
    // Threads share the packing of weights, which the second run needs.
    this.#live().hire(true)
  }

  /** The whole program at once where nothing can stop it, or else one instruction after the other. */
  #executeUnlessStopped(first: number, end: number, stop: Stop | undefined): void {
    if (stop === undefined) {
      this.#execute(first, end - first)
      return
    }
    for (let at = first; at < end; at++) {
      stop()
      this.#execute(at, 1)
    }
  }

  /**
   * Runs the network on a picture and gives what `read` makes of it at once. Between layers other
   * events have their turn every few milliseconds, so that they can stop the work. Calls wait for
   * each other; whatever else the session is used for meanwhile goes first, and the picture begins
   * anew.
   * @internal
   */
  async runInTurns<T>(pixels: Pixels, fit: Fit, stop: Stop, read: () => T): Promise<T> {
    const { now, pause } = platform()
    const before = this.#turn
    let done = (): void => {}
    this.#turn = new Promise((resolve) => {
      done = resolve
    })
    try {
      await before
      for (;;) {
        stop()
        this.setImage(pixels, fit)
        this.#settle()
        let at = this.#begin()
        const own = this.#changes
        for (let since = now?.() ?? 0; at < this.#end && own === this.#changes; at++) {
          stop()
          this.#execute(at, 1)
          if (now !== undefined && now() - since < turnMs) continue
          await pause?.()
          since = now?.() ?? 0
        }
        if (own !== this.#changes) continue
        this.#recheck()
        return read()
      }
    } finally {
      done()
    }
  }

  /**
   * Runs instructions of a task's own, at an address that the plan gives them, in this thread
   * alone.
   * @internal
   */
  execute(address: number, count: number): void {
    if (this.#call(address, count, 'caller') !== 0)
      throw new OcellusError('E_ENGINE_TRAP', `the ${this.build} build lacks an instruction of the task`)
  }

  /**
   * Says which patches of a picture a network of tokens sees from now on, and in what order: as
   * many as it was made for.
   * @internal
   */
  select(indices: readonly number[]): void {
    this.#live()
    this.#changes++
    selectPatches(this.plan, this.#memory, indices)
  }

  /**
   * The same network from now on with other sizes of its tensors, as for another number of patches:
   * its weights stay where they are. Throws E_OPTION where it has not the same nodes and constants.
   * @internal
   */
  replan(model: Model): void {
    this.#live()
    this.#settle()
    this.#changes++
    const plan = resizePlan(this.plan, model, this.#maxWork)
    const program = compileProgram(plan)
    this.#memory.ensure(plan.end)
    this.#plan = plan
    this.#inputs = tensorsOf(plan, 'inputs')
    this.#outputs = tensorsOf(plan, 'outputs')
    this.#frame = false
    if (this.#given.size > 0) this.#given.clear()
    this.#memory.words.set(program, programStart / 4)
    this.#preprocess = undefined
  }

  /**
   * Runs one instruction at a time and tells how long each took. Throws E_OPTION where there is no
   * clock.
   */
  profile(): StepTime[] {
    const { now } = platform()
    if (now === undefined)
      throw new OcellusError('E_OPTION', 'a profile needs a clock, which this platform lacks')
    this.#settle()
    const first = this.#begin()
    const execute = (instruction: number): void => this.#execute(instruction, 1, 'everyone')
    return profileSteps(this.plan, this.#memory, first, this.#end, execute, now)
  }

  /**
   * Values of an output of the last run, [height][width][channels]; a copy. Setting values anew may
   * overwrite them in the engine. With `into`, an array of the output's type and length, nothing is
   * allocated.
   */
  output(name: string, into?: TensorData): TensorData {
    this.#live()
    if (!this.plan.model.graph.outputs.includes(name))
      throw new OcellusError('E_OPTION', `the model has no output ${told(name)}`)
    const tensor = this.plan.model.tensorsByName.get(name)!
    if (into !== undefined) checkValues(tensor, into)
    return readTensor(this.#memory, this.plan, tensor, into)
  }

  /**
   * Ends the threads and gives the memory back. Closing twice is harmless; any other call
   * afterwards throws E_SESSION_CLOSED.
   */
  close(): void {
    this.#engine?.close()
    this.#engine = undefined
  }

  #live(): LoadedEngine {
    if (this.#engine === undefined)
      throw new OcellusError('E_SESSION_CLOSED', 'the session is closed: create another')
    return this.#engine
  }

  /** Loads what the first run did without; outputs of a run are lost. */
  #settle(): void {
    if (this.#first === undefined) return
    const engine = this.#live()
    if (this.#hasRunFirst) engine.hire()
    loadNodes(this.#plan, engine, this.#first.nodes.keys())
    // Not before: where a thread is lost on the way, all is loaded anew.
    this.#first = undefined
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
    this.#changes++
    if (this.#isFrameAlone()) return 0
    const missing = this.#inputs.find(({ name }) => !this.#given.has(name))
    if (missing !== undefined)
      throw new OcellusError(
        'E_INPUT_SHAPE',
        `nothing to run on: set ${this.#inputs.length === 1 ? 'a picture or an input' : `the input ${missing.name}`} first`,
      )
    const first = this.#frame ? 0 : this.#lead
    this.#frame = false
    if (this.#given.size > 0) this.#given.clear()
    return first
  }

  #isFrameAlone(): boolean {
    return this.#frame && this.#inputs.length === 1
  }

  /**
   * The instruction after the last one that makes one of these outputs; undefined for the whole
   * network.
   */
  #endOfAll(outputs: readonly string[]): number | undefined {
    const { steps, model } = this.plan
    const made = new Set(
      steps.flatMap((step) => (step.kind === 'node' ? [model.views[step.index].view.output.name] : [])),
    )
    if (!outputs.every((name) => made.has(name))) return undefined
    return outputs.reduce((end, name) => Math.max(end, this.#endOf(name)), this.#lead)
  }

  /** The instruction after the one that makes an output. */
  #endOf(output: string): number {
    const { steps, model } = this.plan
    if (!model.graph.outputs.includes(output))
      throw new OcellusError('E_OPTION', `the model has no output ${told(output)}`)
    const index = steps.findIndex(
      (step) => step.kind === 'node' && model.views[step.index].view.output.name === output,
    )
    if (index < 0)
      throw new OcellusError('E_OPTION', `${output} is made together with others: run the whole network`)
    return this.#lead + index + 1
  }

  /**
   * After 1, 2, 4, ... runs, and after each when one has failed: a result of a build that computes
   * wrongly is not given.
   */
  #recheck(): void {
    const { recheck } = this.#live()
    if (recheck === undefined) return
    this.#runs++
    if (!this.#failed && (this.#runs & (this.#runs - 1)) !== 0) return
    this.#failed = true
    recheck()
    this.#failed = false
  }

  #execute(first: number, count: number, who?: Who): void {
    this.#executeAt(programStart + first * instructionBytes, first, count, who)
  }

  /**
   * Runs instructions at an address, of which the first does what number `first` of the program
   * does.
   */
  #executeAt(address: number, first: number, count: number, who?: Who): void {
    const status = this.#call(address, count, who)
    if (status === 0) return
    const { name } = describeInstruction(this.plan, first + status - 1)
    throw new OcellusError('E_ENGINE_TRAP', `${name}: the ${this.build} build has no such instruction`)
  }

  #call(address: number, count: number, who?: Who): number {
    try {
      return this.#live().run(address, count, who)
    } catch (cause) {
      if (cause instanceof OcellusError) throw cause
      throw new OcellusError('E_ENGINE_TRAP', `the engine stopped: ${String(cause)}`, { cause })
    }
  }
}
