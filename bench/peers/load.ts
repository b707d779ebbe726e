import type { Job, Loaded } from '../contender.js'

/**
 * Loads a runtime that lives in a Node process; each module only where it is asked for, as it costs
 * its start.
 */
export async function loadRuntime(job: Job, version: string): Promise<Loaded> {
  switch (job.runtime) {
    case 'ocellus':
      return (await import('../ocellus.js')).loadOcellus(job, version)
    case 'onnxruntime-web':
      return (await import('./onnxruntime.js')).loadOnnxRuntimeWeb(job)
    case 'onnxruntime-node':
      return (await import('./onnxruntime.js')).loadOnnxRuntimeNode(job)
    case 'tfjs-wasm':
      return (await import('./tfjs.js')).loadTfjs(job)
    case 'opencv':
      throw new Error('OpenCV runs in a Python process')
  }
}
