import type { Box } from '../tasks/detection/detections.js'

/** An object that the tracker follows: a copy of its state after one update. */
export interface Track {
  /** 1, 2, 3, ... in the order in which tracks were confirmed. No id is used twice. */
  readonly id: number
  /** The label with the most votes: every detection of the track votes with its score. */
  readonly label: string
  readonly classId: number
  /** Score of the latest detection, and the best of the track so far. */
  readonly score: number
  readonly topScore: number
  /** The filtered box in pixels; while `seen` is false, where the object is expected. */
  readonly box: Box
  /** Whether a detection of this update belongs to the track. */
  readonly seen: boolean
  /** Index of that detection in the array that was given to `update`, or -1. */
  readonly detection: number
  /** Speed of the centre in pixels per second. */
  readonly velocity: { readonly x: number; readonly y: number }
  /**
   * Times of the first and the latest detection, in milliseconds, as they were given to `update`.
   */
  readonly firstTime: number
  readonly lastTime: number
  /** Detections of the track so far. */
  readonly hits: number
  /** Whether the object has stayed in its place for `stationaryMs`. */
  readonly stationary: boolean
}

export interface TrackerOptions {
  /** Least score of an object that users want to see, 0 to 1. Default 0.25. */
  readonly threshold?: number
  /** The same for single labels, in place of `threshold`: `{ person: 0.5 }`. */
  readonly labelThresholds?: Readonly<Record<string, number>>
  /**
   * Least score of the detections that continue any track and start new ones. Default: `threshold`
   * + 0.15, at most half of the way from `threshold` to 1.
   */
  readonly highThreshold?: number
  /**
   * Least score of the detections that continue a track which was seen in the update before.
   * Default 0.1.
   */
  readonly lowThreshold?: number
  /** Least overlap (IoU) of a track and a detection of the high group. Default 0.2. */
  readonly highIou?: number
  /** The same for the low group. Default 0.5. */
  readonly lowIou?: number
  /** The same for tracks that are not confirmed yet. Default 0.3. */
  readonly newIou?: number
  /** Detections in a row that confirm a track. Default 2. */
  readonly minHits?: number
  /** How long a track waits for its object, in milliseconds. Default 2000. */
  readonly lostMs?: number
  /** The same for stationary objects, such as a parked car. Default 10000. */
  readonly stationaryLostMs?: number
  /**
   * How long an object stays in its place before it is stationary, in milliseconds. Default 10000.
   */
  readonly stationaryMs?: number
}

/** A point in fractions of the picture's width and height: 0, 0 is the top left corner. */
export type Point = readonly [x: number, y: number]

export interface ZoneOptions {
  /** Letters, digits, spaces, `_`, `-` and `.`, at most 64. */
  readonly name: string
  /** The corners of a polygon, at least three, in order. Its sides must not cross. */
  readonly points: readonly Point[]
  /** Only these labels enter. Default: all. */
  readonly labels?: readonly string[]
  /** Frames in a row, with the object in view, that make it enter or leave. Default 3. */
  readonly inertia?: number
  /** How long an object stays inside before it enters, in milliseconds. Default 0. */
  readonly loiterMs?: number
}

export interface LineOptions {
  /** Letters, digits, spaces, `_`, `-` and `.`, at most 64. */
  readonly name: string
  readonly from: Point
  readonly to: Point
  /** Only these labels count. Default: all. */
  readonly labels?: readonly string[]
  /**
   * An object must be farther than this from the line on one side, and then on the other, to cross
   * it: a fraction of the picture's height. Default 0.01.
   */
  readonly deadBand?: number
  /** Whether an object counts at most once in each direction. Default true. */
  readonly once?: boolean
}

/**
 * `in` leads from the left of a line to its right, for someone who looks from its first point to its second. For a line
 * from the left to the right of the picture that is downwards.
 */
export type Direction = 'in' | 'out'

/** How often objects crossed a line. */
export interface LineCounts {
  readonly in: number
  readonly out: number
}

/** When and how large a frame is. */
export interface FrameTime {
  /** Milliseconds on any clock that does not jump; all durations are measured on it. */
  readonly timeMs: number
  /** Milliseconds since 1970, where it is known: the events' `time`. */
  readonly date?: number
  /** Seconds from the start of a file, where it is one: the events' `position`. */
  readonly position?: number
  /** Size of the picture in pixels that the boxes refer to. */
  readonly width: number
  readonly height: number
}

export type VideoEventType = 'start' | 'update' | 'end' | 'enter' | 'leave' | 'cross'

/**
 * What happened to an object: one JSON line of `ocellus camera --events`, its fields in this order.
 */
export interface VideoEvent {
  /** Version of this format. */
  readonly v: 1
  readonly type: VideoEventType
  /**
   * When it happened (ISO 8601): of `end`, and of a `leave` that comes with it, when the object was
   * last seen.
   */
  readonly time?: string
  /** The same in seconds from the start of a file. */
  readonly position?: number
  readonly camera?: string
  /** `prefix-number`: the same for all events of an object. */
  readonly id: string
  readonly label: string
  readonly score: number
  readonly topScore: number
  /**
   * Corners in pixels, cut at the picture's edges, and the size of the picture that they refer to.
   */
  readonly box: Box
  readonly width: number
  readonly height: number
  /** Zones that the object is in, in the order in which they were given. */
  readonly zones: readonly string[]
  readonly stationary: boolean
  /** Seconds since the object's `start`. */
  readonly duration: number
  /** Of `enter` and `leave`. */
  readonly zone?: string
  /** Of `cross`: the line, the direction, and how often it has been crossed. */
  readonly line?: string
  readonly direction?: Direction
  readonly counts?: LineCounts
}

export interface EventOptions {
  /** Name of the camera in every event. Default: none. */
  readonly camera?: string
  /** Start of every id. Default: none, and ids are `1`, `2`, ... See `idPrefix`. */
  readonly prefix?: string
  readonly zones?: readonly (ZoneOptions | string)[]
  readonly lines?: readonly (LineOptions | string)[]
  /** Least time between two `update` events of an object, in milliseconds. Default 5000. */
  readonly updateMs?: number
}
