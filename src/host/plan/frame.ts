import { type Place, pixelCount } from '../graph/descriptor.js'
import type { VerifiedModel } from '../graph/verify.js'

/**
 * A frame of more bytes does not lie in the engine's memory: it passes through a window of a few
 * rows, and what the network sees of it stays instead.
 */
export const largeFrameBytes = 16 << 20

/** Bytes of that window: two rows of the widest picture would fit eight times. */
const windowBytes = 1 << 20

/** Where a large frame goes, behind all that the plan places. */
export interface LargeFrame {
  /** The network's input as the preprocessing makes it, as densely as in the arena. */
  readonly input: number
  readonly window: number
  readonly windowBytes: number
  readonly end: number
}

/** A frame's width and height in pixels. */
interface Size {
  readonly width: number
  readonly height: number
}

/** What is needed of a plan. */
interface Placed {
  readonly model: VerifiedModel
  readonly places: ReadonlyMap<string, Place>
  readonly end: number
}

/** How many bytes a frame takes behind all that the plan places. */
export const frameBytes = (plan: Placed, frame: Size): number =>
  isLarge(frame) ? placeLargeFrame(plan).end - plan.end : frame.width * frame.height * 4

export const isLarge = ({ width, height }: Size): boolean => width * height * 4 > largeFrameBytes

export function placeLargeFrame(plan: Placed): LargeFrame {
  const [name] = plan.model.graph.inputs
  const { stride } = plan.places.get(name)!
  const input = plan.end
  const bytes = pixelCount(plan.model.tensorsByName.get(name)!.shape) * stride
  // Loads of the last row begin within it and may end behind it.
  const window = Math.ceil((input + bytes + 64) / 64) * 64
  return { input, window, windowBytes, end: window + windowBytes }
}
