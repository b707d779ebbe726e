import '../../src/host/platform/node.js'
import { Session, type TensorData } from '../../src/host/engine/session.js'
import type { Model } from '../../src/host/graph/types.js'
import { builds } from './engine.js'

export type Outputs = ReadonlyMap<string, TensorData>

export function outputsOf(session: Session): Outputs {
  return new Map(session.outputs.map(({ name }) => [name, session.output(name)]))
}

/** What must give the same bytes: every build, and as many threads as it has. */
export const variants = builds.flatMap((build) =>
  (build === 'scalar' ? [1] : [1, 2, 3, 4]).map((threads) => ({ build, threads })),
)

/** A session whose threads all take part. */
export async function threaded(
  model: Model,
  build: (typeof builds)[number],
  threads: number,
): Promise<Session> {
  const session = await Session.create(model, { build, threads })
  if ((await session.ready()) !== threads)
    throw new Error(`the ${build} build has ${session.threads} of ${threads} threads`)
  return session
}

/** Every output of one run on an input that is set directly, as one build computes it. */
export async function runModel(
  model: Model,
  input: TensorData,
  build: (typeof builds)[number],
  threads = 1,
): Promise<Outputs> {
  const session = await threaded(model, build, threads)
  try {
    session.setInput(input)
    session.run()
    return outputsOf(session)
  } finally {
    session.close()
  }
}

export const bytesOf = (values: TensorData): Buffer =>
  Buffer.from(values.buffer, values.byteOffset, values.byteLength)

/**
 * The first tensor whose bytes differ, or undefined. Tensors that `some` has and `all` lacks
 * differ.
 */
export function differing(some: Outputs, all: ReadonlyMap<string, TensorData>): string | undefined {
  for (const [name, values] of some) {
    const other = all.get(name)
    if (other === undefined || values.constructor !== other.constructor) return name
    if (Buffer.compare(bytesOf(values), bytesOf(other)) !== 0) return name
  }
  return undefined
}

export { builds, Session }
