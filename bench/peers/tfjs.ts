import { readFileSync } from 'node:fs'
import { OcellusError } from '../../src/host/errors.js'
import { readModel } from '../../src/host/graph/file.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import type { Job, Loaded, Values } from '../contender.js'
import { findPackage } from './find.js'
import { loadWeights, runNode, type TensorFlow, type TfTensor } from './tfjs-graph.js'

interface TfWasm {
  readonly version_wasm: string
  setThreadsCount(threads: number): void
}

/** TensorFlow.js on its Wasm backend: our float graph, walked node by node with its operators. */
export async function loadTfjs(job: Job): Promise<Loaded> {
  const tf = (await findPackage('@tensorflow/tfjs-core')) as unknown as TensorFlow
  const wasm = (await findPackage('@tensorflow/tfjs-backend-wasm')) as unknown as TfWasm
  if (job.threads > 1) {
    throw new OcellusError('E_OPTION', 'tfjs has no threads in Node')
  }
  wasm.setThreadsCount(1)
  if (!(await tf.setBackend('wasm')))
    throw new OcellusError('E_OPTION', 'tfjs: its wasm backend does not start')
  await tf.ready()
  const { views, graph } = verifyModel(readModel(readFileSync(job.model), job.model))
  const weights = new Map(views.map(({ view }) => [view.node.name, loadWeights(tf, view)]))
  const { buffer } = Uint8Array.from(readFileSync(job.input.file))
  const input = tf.tensor(new Float32Array(buffer), job.input.shape)
  let last: Values = new Map()
  return {
    version: wasm.version_wasm,
    build: 'wasm simd',
    run() {
      tf.tidy(() => {
        const made = new Map<string, TfTensor>([[graph.inputs[0], input]])
        for (const { view } of views) {
          const inputs = view.inputs.map(({ name }) => made.get(name)!)
          made.set(view.output.name, runNode(tf, view, inputs, weights.get(view.node.name)!))
        }
        last = new Map(job.outputs.map(({ name }) => [name, made.get(name)!.dataSync()]))
      })
    },
    outputs: () => last,
    close: () => tf.disposeVariables(),
  }
}
