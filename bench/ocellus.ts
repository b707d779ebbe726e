import { isInt8 } from '../src/host/graph/precision.js'
import type { Model } from '../src/host/graph/types.js'
import { type Build, Session } from '../src/host/platform/node.js'
import type { Contender } from './run.js'

/** Values of a picture that is neither flat nor noise, the same for every contender: [height][width][3], 0..255. */
export function testPicture(height: number, width: number): Uint8Array {
  return Uint8Array.from({ length: height * width * 3 }, (_, i) => {
    const pixel = Math.floor(i / 3)
    const [y, x] = [Math.floor(pixel / width), pixel % width]
    return 128 + 70 * Math.sin(x / (9 + (i % 3))) + 50 * Math.cos(y / 13) + ((x * 7 + y * 3) % 8)
  })
}

/** Our engine, network only: an inference sets the input, as the other runtimes do, and runs from the first layer. */
export async function ocellus(
  model: Model,
  version: string,
  build?: Build,
): Promise<Contender & { session: Session; feed(): void }> {
  const start = performance.now()
  const session = await Session.create(model, { build })
  const loadMs = performance.now() - start
  const [input] = session.inputs
  const [, height, width] = input.shape
  const picture = testPicture(height, width)
  const { quantization } = input
  const values =
    quantization === undefined
      ? Float32Array.from(picture, (u) => u / 255)
      : Int8Array.from(picture, (u) =>
          Math.max(-128, Math.min(127, Math.round(u / 255 / quantization.scale) + quantization.zeroPoint)),
        )
  return {
    runtime: 'ocellus',
    version,
    precision: isInt8(model) ? 'int8' : 'float32',
    build: session.build,
    threads: 1,
    loadMs,
    run() {
      session.setInput(values)
      session.run()
    },
    close: () => session.close(),
    session,
    feed: () => session.setInput(values),
  }
}
