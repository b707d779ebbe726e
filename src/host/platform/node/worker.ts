import { workerData } from 'node:worker_threads'
import { serve } from '../threads/worker.js'

await serve(workerData)
