import { OcellusError } from '../../src/host/errors.js'
import { isInt8 } from '../../src/host/graph/precision.js'
import type { Model } from '../../src/host/graph/types.js'
import { exportOnnx } from '../../tools/export/onnx.js'
import { testPicture } from '../ocellus.js'
import type { Contender } from '../run.js'

/** ONNX Runtime's own Wasm build in Node, on the same network exported to ONNX (QDQ when it is int8). */
export async function onnxruntimeWeb(model: Model, threads: number): Promise<Contender> {
  const ort = await import('onnxruntime-web').catch((cause: unknown) => {
    throw new OcellusError('E_OPTION', 'onnxruntime-web is not installed: npm install onnxruntime-web', {
      cause,
    })
  })
  ort.env.wasm.numThreads = threads
  ort.env.logLevel = 'error'
  const file = exportOnnx(model)
  const start = performance.now()
  const session = await ort.InferenceSession.create(file, {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  })
  const loadMs = performance.now() - start
  const [, height, width] = model.graph.tensors.find((t) => t.name === model.graph.inputs[0])!.shape
  const feeds = {
    [session.inputNames[0]]: new ort.Tensor('float32', planar(testPicture(height, width)), [
      1,
      3,
      height,
      width,
    ]),
  }
  return {
    runtime: 'onnxruntime-web',
    version: ort.env.versions.web ?? 'unknown',
    precision: isInt8(model) ? 'int8' : 'float32',
    build: 'wasm simd',
    threads,
    loadMs,
    async run() {
      await session.run(feeds)
    },
    close: () => session.release(),
  }
}

/** NHWC bytes to NCHW fractions. */
function planar(picture: Uint8Array): Float32Array {
  const pixels = picture.length / 3
  return Float32Array.from(
    { length: picture.length },
    (_, i) => picture[(i % pixels) * 3 + Math.floor(i / pixels)] / 255,
  )
}
