import type { Session } from '../engine/session.js'
import { preprocessingOf } from '../graph/task.js'
import type { Preprocessing } from '../graph/types.js'
import type { Pixels } from '../image/pixels.js'
import { type Geometry, pictureGeometry } from './detection/geometry.js'

/** Runs a session on a picture, fitted as the model says or as asked; tells how the picture lay on the input. */
export function showPicture(session: Session, pixels: Pixels, mode?: Preprocessing['mode']): Geometry {
  const [, height, width] = session.inputs[0].shape
  const fit = mode ?? preprocessingOf(session.plan.model.graph).mode
  const geometry = pictureGeometry(fit, pixels, { width, height })
  session.setImage(pixels, geometry)
  session.run()
  return geometry
}
