import { OcellusError } from '../../../errors.js'
import type { Detection } from '../../../tasks/detection/detections.js'
import { idPrefix } from '../../../video/ids.js'
import type { Line } from '../../../video/lines.js'
import { MotionGate } from '../../../video/motion.js'
import { Scene, type SceneOptions } from '../../../video/scene.js'
import type { FrameTime, LineCounts } from '../../../video/types.js'
import type { Zone } from '../../../video/zones.js'
import { parseSource, type SourceAddress } from './address.js'
import { type CameraState, Feed } from './feed.js'
import { Guard } from './guard.js'
import {
  type CameraOptions,
  type CameraSettings,
  cameraSettings,
  detectorOptions,
  sceneOptions,
} from './options.js'
import { Pace } from './pace.js'
import type { Slot } from './pam.js'
import { type CameraEvent, type CameraResult, Results } from './results.js'
import { Slots } from './slots.js'
import { type Opened, openSource } from './sources.js'
import { type CameraStatistics, Meter } from './statistics.js'
import { DetectorThread } from './thread.js'
import { type SourceVideo, videoOf } from './video.js'

interface Parts {
  readonly thread: DetectorThread
  readonly scene: Scene
  readonly recipe: SceneOptions
  readonly gate: MotionGate | undefined
  readonly guard: Guard
}

interface Arrived {
  readonly number: number
  readonly slot: Slot
  readonly frame: FrameTime
  readonly at: number
  /** Of which connection it is: what a lost one still shows is no news. */
  readonly epoch: number
}

const nothing = { age: 0, skipped: false, detections: [], weak: [], tracks: [], events: [] }

/**
 * A camera or a video file, its objects followed from frame to frame. The detector has a thread of
 * its own; of a live source the latest frame is looked at and at most one waits, of a file every
 * one.
 *
 *     const camera = await Camera.open('rtsp://camera.local/stream', { rate: 5, zones: ['door:0.1,0.2 0.5,0.2 0.5,0.9'] })
 *     for await (const { tracks, events } of camera) for (const event of events) console.log(event)
 */
export class Camera implements AsyncIterable<CameraResult> {
  readonly name: string
  /** The source as it may be shown: without a password. */
  readonly source: string
  /** Whether the latest frame wins; of a file every one is looked at. */
  readonly live: boolean
  /** Of its tracker and its events: the head of a recording. */
  readonly sceneOptions: SceneOptions
  /** What the model can find. */
  readonly labels: readonly string[]
  readonly #settings: CameraSettings
  readonly #options: CameraOptions
  readonly #thread: DetectorThread
  readonly #scene: Scene
  readonly #gate: MotionGate | undefined
  readonly #guard: Guard
  readonly #feed: Feed
  readonly #slots = new Slots()
  readonly #meter: Meter
  #filling: Slot | undefined
  #ready: Arrived | undefined
  #shown: Slot | undefined
  #busy = false
  #epoch = 0
  readonly #pace: Pace
  readonly #results = new Results(() => this.#show())
  /** What follows the last frames of a file. */
  #afterwards: (() => void)[] = []
  #stopping = false
  #closing: Promise<void> | undefined

  private constructor(
    address: SourceAddress,
    opened: Opened,
    options: CameraOptions,
    settings: CameraSettings,
    parts: Parts,
  ) {
    this.name = options.name ?? address.name
    this.source = address.shown
    this.live = address.live
    this.#options = options
    this.#settings = settings
    this.#pace = new Pace(settings.rate)
    this.#thread = parts.thread
    this.labels = parts.thread.labels
    this.#scene = parts.scene
    this.sceneOptions = parts.recipe
    this.#gate = parts.gate
    this.#guard = parts.guard
    this.#feed = new Feed(
      {
        source: address,
        stallMs: settings.stallMs,
        retryMs: settings.retryMs,
        once: options.once ?? false,
        start: (sink) => opened.start(sink, parts.guard),
      },
      {
        take: (width, height) => this.#take(width, height),
        frame: (slot, number, position) => this.#arrive(slot, number, position),
        picture: (jpeg, number) => options.onPicture?.(jpeg, number),
        changed: (state) => this.#afterFrames(state.state === 'ended', () => this.#changed(state)),
        ended: (error) => this.#afterFrames(true, () => this.#ended(error)),
      },
    )
    this.#meter = new Meter(() => this.#feed.reader?.pids ?? [])
    options.signal?.addEventListener('abort', this.#abort)
  }

  /**
   * Opens a source: a file, `-`, `/dev/video0` or `0`, `rtsp(s)://`, `http(s)://`, `rpicam:`,
   * `test:`. It does not wait for the first frame: a camera that is away is waited for, and `state`
   * tells. Throws E_CAMERA_SOURCE, E_CAMERA_FFMPEG, E_CAMERA_RPICAM, E_FILE_*, E_ZONE, E_OPTION,
   * E_ABORTED, and what `Detector.create` throws.
   */
  static async open(source: string, options: CameraOptions = {}): Promise<Camera> {
    const address = parseSource(source)
    const settings = cameraSettings(options)
    const prefix = idPrefix(address.live ? Math.floor(Math.random() * 2 ** 32) : seedOf(address.name))
    const recipe = sceneOptions(options, settings, options.name ?? address.name, prefix)
    const scene = new Scene(recipe)
    const gate = options.gate ? new MotionGate(options.gate === true ? {} : options.gate) : undefined
    if (options.signal?.aborted) throw new OcellusError('E_ABORTED', 'the camera was stopped')
    const opened = await openSource(address, options, settings)
    const thread = await DetectorThread.create(detectorOptions(options, settings))
    const camera = new Camera(address, opened, options, settings, {
      thread,
      scene,
      recipe,
      gate,
      guard: new Guard(),
    })
    camera.#feed.start()
    if (options.signal?.aborted) await camera.close()
    return camera
  }

  get state(): CameraState {
    return this.#feed.state
  }

  /** The source's own video, once it is open. */
  get video(): SourceVideo | undefined {
    const { description } = this.#feed.reader ?? {}
    return description === undefined ? undefined : videoOf(description)
  }

  get zones(): readonly Zone[] {
    return this.#scene.engine.zones
  }

  get lines(): readonly Line[] {
    return this.#scene.engine.lines
  }

  /** How often each line has been crossed. */
  counts(): Record<string, LineCounts> {
    return this.#scene.engine.counts()
  }

  get stats(): CameraStatistics {
    return this.#meter.statistics(this.#feed.reconnects)
  }

  /** Results, one after the other. There is one sequence of them: two loops share it. */
  [Symbol.asyncIterator](): AsyncIterator<CameraResult> {
    return {
      next: () => this.#next(),
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
    }
  }

  /** Ends all objects and all that runs for this camera. Closing twice is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#shut()
    return this.#closing
  }

  readonly #abort = (): void => {
    void this.close()
  }

  async #shut(): Promise<void> {
    this.#stopping = true
    this.#runAfterwards()
    const gone = this.#feed.close()
    this.#options.signal?.removeEventListener('abort', this.#abort)
    this.#results.finish()
    await Promise.all([gone, this.#thread.close()])
    await this.#guard.close()
  }

  #take(width: number, height: number): Slot {
    // What the last reader did not finish nobody will.
    if (this.#filling !== undefined) this.#slots.give(this.#filling)
    this.#filling = this.#slots.take(width, height)
    return this.#filling
  }

  #arrive(slot: Slot, number: number, position?: number): void {
    this.#filling = undefined
    this.#meter.read++
    const at = performance.now()
    const { width, height } = slot
    if (this.live && !this.#pace.isDue(at)) {
      this.#skip(slot)
      return
    }
    if (this.#ready !== undefined) this.#skip(this.#ready.slot)
    const seconds = position ?? number
    const frame: FrameTime = this.live
      ? { timeMs: at, date: Date.now(), width, height }
      : { timeMs: seconds * 1000, position: seconds, width, height }
    this.#ready = { number, slot, frame, at, epoch: this.#epoch }
    this.#look()
  }

  #skip(slot: Slot): void {
    this.#meter.skipped++
    this.#slots.give(slot)
  }

  /** Has the detector look at the frame that waits, where it is idle and the caller wants more. */
  #look(): void {
    const ready = this.#ready
    if (ready === undefined || this.#busy || this.#results.isFull || this.#results.isDone) return
    this.#ready = undefined
    this.#busy = true
    this.#pace.looked(ready.at)
    if (!this.live) this.#feed.resume()
    if (this.#isStill(ready)) return
    this.#thread.detect(ready.slot).then(
      ({ detections, ms }) => this.#found(ready, detections, ms),
      (error: Error) => this.#fail(error),
    )
  }

  /** Whether nothing moves in a frame: then all is as it was. */
  #isStill({ slot, number, frame }: Arrived): boolean {
    const { width, height, bytes } = slot
    if (this.#gate === undefined || this.#gate.update({ width, height, data: bytes }, frame.timeMs))
      return false
    this.#scene.skip(frame)
    this.#busy = false
    this.#skip(slot)
    this.#results.emit({ ...nothing, time: frame.date ?? frame.timeMs, number, timing: frame, skipped: true })
    this.#afterResult()
    return true
  }

  #found({ number, slot, frame, at, epoch }: Arrived, all: readonly Detection[], ms: number): void {
    this.#busy = false
    if (this.#results.isDone || epoch !== this.#epoch) {
      this.#slots.give(slot)
      this.#look()
      return
    }
    const age = this.live ? performance.now() - at : 0
    this.#meter.analysed++
    this.#meter.age.add(performance.now() - at)
    this.#meter.detector.add(ms)
    const detections = all.filter((detection) => this.#reaches(detection))
    const weak = all.filter((detection) => !this.#reaches(detection))
    const { tracks, events } = this.#scene.update([...detections, ...weak], frame)
    if (tracks.some(({ seen }) => !seen)) this.#gate?.hold()
    const { width, height } = slot
    this.#held = slot
    this.#results.emit({
      time: frame.date ?? frame.timeMs,
      age,
      number,
      timing: frame,
      skipped: false,
      frame: { width, height, data: slot.bytes },
      detections,
      weak,
      tracks,
      events,
    })
    this.#afterResult()
  }

  #afterResult(): void {
    if (this.#ready !== undefined) this.#look()
    else this.#runAfterwards()
  }

  /** The slot of the result that waits to be taken. */
  #held: Slot | undefined

  #reaches({ label, score }: Detection): boolean {
    const { labelThresholds, threshold } = this.#settings
    return score >= (Object.hasOwn(labelThresholds, label) ? labelThresholds[label] : threshold)
  }

  #changed(state: CameraState): void {
    this.#epoch++
    const gone = state.state !== 'live' && state.state !== 'connecting'
    const events = [...(gone ? this.#scene.close() : []), this.#cameraEvent(state)]
    if (this.#ready !== undefined) {
      this.#skip(this.#ready.slot)
      this.#ready = undefined
    }
    const time = this.live ? Date.now() : 0
    this.#results.emit({ ...nothing, time, events })
  }

  #cameraEvent({ state, since, code, message, attempt }: CameraState): CameraEvent {
    return {
      v: 1,
      type: 'camera',
      ...(this.live && { time: new Date(since).toISOString() }),
      camera: this.name,
      state,
      ...(code !== undefined && { code, message }),
      attempt,
    }
  }

  #show(): void {
    this.#shown = this.#held
    this.#held = undefined
  }

  #next(): Promise<IteratorResult<CameraResult>> {
    if (this.#shown !== undefined) {
      this.#slots.give(this.#shown)
      this.#shown = undefined
    }
    const next = this.#results.next()
    this.#look()
    return next
  }

  #ended(error?: OcellusError): void {
    this.#results.fail(error)
    void this.close()
  }

  #fail(error: Error): void {
    if (this.#results.isDone) return
    this.#results.fail(error)
    void this.close()
  }

  /** A file has ended when its last frames are looked at. */
  #afterFrames(last: boolean, work: () => void): void {
    const more = !this.live && !this.#stopping && (this.#busy || this.#ready !== undefined)
    if (last && more) this.#afterwards.push(work)
    else work()
  }

  #runAfterwards(): void {
    const works = this.#afterwards
    this.#afterwards = []
    for (const work of works) work()
  }
}

/** FNV-1a: the same file gives the same ids. */
function seedOf(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
