import { pixelCount } from '../graph/descriptor.js'
import type { Size } from '../image/fit.js'
import type { Plan } from './plan.js'

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

/** How many bytes a frame takes behind all that the plan places. */
export const frameBytes = (plan: Plan, frame: Size): number =>
  isLarge(frame) ? placeLargeFrame(plan).end - plan.end : frame.width * frame.height * 4

export const isLarge = ({ width, height }: Size): boolean => width * height * 4 > largeFrameBytes

export function placeLargeFrame(plan: Plan): LargeFrame {
  const [name] = plan.model.graph.inputs
  const { stride } = plan.places.get(name)!
  const input = plan.end
  const bytes = pixelCount(plan.model.tensorsByName.get(name)!.shape) * stride
  // Loads of the last row begin within it and may end behind it.
  const window = Math.ceil((input + bytes + 64) / 64) * 64
  return { input, window, windowBytes, end: window + windowBytes }
}
