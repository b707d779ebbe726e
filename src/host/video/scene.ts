import { checkOptions } from '../options.js'
import type { Detection } from '../tasks/detection/detections.js'
import { EventEngine, eventNames } from './events.js'
import { trackerNames } from './settings.js'
import { Tracker } from './tracker.js'
import type { EventOptions, FrameTime, Track, TrackerOptions, VideoEvent } from './types.js'

export interface SceneOptions extends TrackerOptions, EventOptions {}

export const sceneNames = { ...trackerNames, ...eventNames }

/** Those of some options that a scene has. */
export const sceneOptions = (options: SceneOptions): SceneOptions => picked(options, sceneNames)

/** What a frame showed. */
export interface Seen {
  readonly tracks: Track[]
  readonly events: VideoEvent[]
}

/**
 * A tracker and an event engine: all that a camera does after detection. The same detections and
 * times give the same events, byte for byte.
 *
 *     const scene = new Scene({ threshold: 0.25, zones: ['door:0.1,0.2 0.5,0.2 0.5,0.9'] })
 *     const { tracks, events } = scene.update(detections, { timeMs, width: 640, height: 360 })
 *     const last = scene.close()
 */
export class Scene {
  readonly tracker: Tracker
  readonly engine: EventEngine

  /** Throws E_OPTION and E_ZONE. */
  constructor(options: SceneOptions = {}) {
    checkOptions(options, sceneNames, 'Scene')
    this.tracker = new Tracker(picked(options, trackerNames))
    this.engine = new EventEngine(picked(options, eventNames))
  }

  /** Throws E_OPTION. */
  update(detections: readonly Detection[], frame: FrameTime): Seen {
    const tracks = this.tracker.update(detections, frame.timeMs)
    return { tracks, events: this.engine.update(tracks, frame) }
  }

  /**
   * A frame that nobody looked at because nothing moved: all stay where they are. Throws E_OPTION.
   */
  skip({ timeMs }: FrameTime): void {
    this.tracker.skip(timeMs)
  }

  /** Ends all objects, as when the camera is lost or the program stops. Frames may follow. */
  close(): VideoEvent[] {
    this.tracker.reset()
    return this.engine.close()
  }
}

const picked = <T extends object>(options: T, names: Readonly<Record<string, unknown>>): Partial<T> => {
  const kept: Partial<T> = {}
  for (const name in options) if (Object.hasOwn(names, name)) kept[name] = options[name]
  return kept
}
