import { pixelCount } from './descriptor.js'
import type { Graph, Tensor, TensorForm } from './types.js'

/**
 * How an input or output of a graph looks to callers: as its task says, else by the usual rule of
 * `TensorsTask`.
 */
export function formOf({ task }: Graph, { name, shape }: Tensor): TensorForm {
  if ('forms' in task) {
    const form = task.forms?.find((candidate) => candidate.name === name)
    if (form !== undefined) return form
  }
  // A token is no pixel: rows of tokens keep their order.
  if (task.kind === 'autoencoder' && [task.latent, task.prediction, task.features].includes(name))
    return { name, shape: [1, pixelCount(shape), shape[3]], layout: 'plain' }
  if (shape.length !== 4) return { name, shape, layout: 'plain' }
  const [count, height, width, channels] = shape
  return { name, shape: [count, channels, height, width], layout: 'channelsFirst' }
}
