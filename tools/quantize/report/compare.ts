import { Session, type SessionOptions } from '../../../src/host/engine/session.js'
import type { Model, Tensor } from '../../../src/host/graph/types.js'
import { exposeAll } from '../calibrate/expose.js'
import { type OnDropped, type Sample, Samples, show } from '../samples.js'
import { type LayerNoise, Noise } from './noise.js'

/** Signal-to-noise ratio of each tensor that both networks make, on the same samples. */
export async function compareModels(
  float: Model,
  model: Model,
  samples: readonly Sample[],
  options: SessionOptions = {},
  onDropped?: OnDropped,
): Promise<LayerNoise[]> {
  const reference = await Session.create(exposeAll(float), options)
  try {
    return await compare(reference, model, new Samples(samples, onDropped), { session: options })
  } finally {
    reference.close()
  }
}

/** What a comparison takes of the options of a quantisation. */
export interface CompareOptions {
  readonly session?: SessionOptions
  readonly progress?: (stage: 'compare', done: number, total: number) => void
}

export async function compare(
  reference: Session,
  model: Model,
  samples: Samples,
  options: CompareOptions,
): Promise<LayerNoise[]> {
  const session = await Session.create(exposeAll(model), options.session)
  try {
    const known = new Set(reference.outputs.map((t) => t.name))
    const shared = session.outputs.filter((t) => known.has(t.name) && t.dtype !== 'int32')
    const noise = new Map(shared.map((t) => [t.name, new Noise()]))
    await samples.each(
      (sample) => {
        show(reference, sample)
        show(session, sample)
        for (const tensor of shared) {
          noise.get(tensor.name)!.add(reference.output(tensor.name) as Float32Array, real(session, tensor))
        }
      },
      (done, total) => options.progress?.('compare', done, total),
    )
    return model.graph.nodes.flatMap((node) => {
      const measured = noise.get(node.outputs[0])
      return measured === undefined ? [] : [{ name: node.name, op: node.op, decibels: measured.decibels }]
    })
  } finally {
    session.close()
  }
}

/** An output's real values: (q - zeroPoint) * scale when it is int8. */
function real(session: Session, tensor: Tensor): Float32Array {
  const values = session.output(tensor.name)
  if (values instanceof Float32Array) return values
  const { scale, zeroPoint } = tensor.quantization!
  return Float32Array.from(values, (q) => (q - zeroPoint) * scale)
}
