import { serve, type WorkerWords } from '../threads/worker.js'

self.onmessage = async ({ data }: MessageEvent<WorkerWords>) => {
  await serve(data)
  self.close()
}
