import { serve, type WorkerWords } from '../../engine/worker.js'

self.onmessage = async ({ data }: MessageEvent<WorkerWords>) => {
  await serve(data)
  self.close()
}
