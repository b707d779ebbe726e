import { workerData } from 'node:worker_threads'
import { serve } from '../../engine/worker.js'

await serve(workerData)
