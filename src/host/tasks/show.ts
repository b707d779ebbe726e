import type { Session } from '../engine/session.js'
import type { StopOptions } from '../engine/stop.js'
import { preprocessingOf } from '../graph/task.js'
import type { Preprocessing } from '../graph/types.js'
import { fitImage, type Geometry } from '../image/fit.js'
import type { Pixels } from '../image/pixels.js'

/** How a picture will lie on a session's input, fitted as the model says or as asked. */
export function fitPicture(session: Session, pixels: Pixels, mode?: Preprocessing['mode']): Geometry {
  const [, height, width] = session.inputs[0].shape
  const fit = mode ?? preprocessingOf(session.plan.model.graph).mode
  return fitImage(fit, pixels, { width, height })
}

/** Runs a session on a picture. */
export function showPicture(session: Session, pixels: Pixels, options?: StopOptions): void {
  session.setImage(pixels, fitPicture(session, pixels))
  session.run(undefined, options)
}
