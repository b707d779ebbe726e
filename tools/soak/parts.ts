import { createRequire } from 'node:module'
import { packageFolder } from '../../src/host/platform/node/package.js'
import { Detector, decodeImage, OcellusError, type Pixels } from '../../src/host/platform/node.js'

/** One way of wearing the product out. A round throws where it gives another result than the first. */
export interface Part {
  readonly about: string
  /** Whether garbage is collected before memory is looked at: what grows then is kept by somebody. */
  readonly collects: boolean
  /** Limits in MiB that make a run fail. */
  readonly mostGrowth?: number
  readonly mostPeak?: number
  start(): Promise<Running>
}

/** A part that runs. */
export interface Running {
  round(n: number): Promise<void>
  end(): void
}

const small = { model: 'detector-small', tuneMs: 0 } as const
const photo = (): Promise<Pixels> => decodeImage(`${packageFolder}/samples/cat.jpg`)

/** Throws where the same pixels are not what they were before. */
function sameAsBefore(): (found: unknown) => void {
  let before: string | undefined
  return (found) => {
    const now = JSON.stringify(found)
    before ??= now
    if (now !== before) throw new Error(`it found ${now}, and before ${before}`)
  }
}

const sessions = (threads: number): (() => Promise<Running>) => {
  return async () => {
    const pixels = { width: 64, height: 48, data: new Uint8Array(64 * 48 * 4) }
    return {
      async round(n) {
        const detector = await Detector.create({ ...small, threads })
        try {
          if (threads > 1) await detector.session.ready()
          // Not each time: opening and closing is what is worn here.
          if (threads > 1 || n % 4 === 0) detector.detectPixels(pixels)
        } finally {
          detector.close()
        }
      },
      end() {},
    }
  }
}

/** Sizes up to 640 x 480 in no order, and every thousandth above what a session keeps. */
function sizeOf(n: number): { width: number; height: number } {
  if (n % 1000 === 999) return { width: 2100 + (n % 7), height: 2000 }
  return { width: 1 + ((n * 37) % 640), height: 1 + ((n * 91) % 480) }
}

async function frames(): Promise<Running> {
  const detector = await Detector.create({ ...small, threads: 1 })
  const all = Uint8Array.from({ length: 2106 * 2000 * 4 }, (_, i) => Math.imul(i, 0x9e3779b1) >>> 24)
  const cat = await photo()
  const check = sameAsBefore()
  return {
    async round(n) {
      const { width, height } = sizeOf(n)
      detector.detectPixels({ width, height, data: all.subarray(0, width * height * 4) })
      if (n % 500 === 0) check(detector.detectPixels(cat))
    },
    end: () => detector.close(),
  }
}

async function detectors(): Promise<Running> {
  const models = ['detector-small', 'detector-tiny', 'detector-small', 'detector']
  const open = await Promise.all(models.map((model) => Detector.create({ model, threads: 2, tuneMs: 0 })))
  const cat = await photo()
  const checks = open.map(sameAsBefore)
  return {
    async round() {
      const found = await Promise.all(open.map((detector) => detector.detect(cat)))
      for (const [n, each] of found.entries()) checks[n](each)
    },
    end: () => {
      for (const detector of open) detector.close()
    },
  }
}

/** Ends one of a session's threads while it works, then another once they are back. */
async function killed(): Promise<Running> {
  const threads: typeof import('node:worker_threads') = createRequire(import.meta.url)('node:worker_threads')
  const alive: import('node:worker_threads').Worker[] = []
  class Known extends threads.Worker {
    constructor(...words: ConstructorParameters<typeof threads.Worker>) {
      super(...words)
      alive.push(this)
      this.once('exit', () => alive.splice(alive.indexOf(this), 1))
    }
  }
  Object.assign(threads, { Worker: Known })
  const cat = await photo()
  const check = sameAsBefore()
  return {
    async round() {
      const detector = await Detector.create({ ...small, threads: 3, threadTimeoutMs: 300 })
      try {
        await detector.session.ready()
        check(detector.detectPixels(cat))
        for (let times = 0; times < 2; times++) {
          void alive[alive.length - 1]?.terminate()
          try {
            check(await detector.detect(cat))
          } catch (error) {
            // The run that a thread was lost in is lost with it, and says so.
            if (!(error instanceof OcellusError && error.code === 'E_ENGINE_THREAD')) throw error
          }
          check(await detector.detect(cat))
          await detector.session.ready()
          check(await detector.detect(cat))
        }
      } finally {
        detector.close()
      }
    },
    end() {},
  }
}

export const parts: Readonly<Record<string, Part>> = {
  sessions: {
    about: 'sessions of one thread opened and closed one after the other, every fourth of them used',
    collects: false,
    start: sessions(1),
  },
  threads: {
    about: 'sessions of two threads opened, used and closed one after the other',
    collects: false,
    mostPeak: 200,
    start: sessions(2),
  },
  frames: {
    about: 'frames of changing size in one session, every thousandth of 16 MiB',
    collects: true,
    mostGrowth: 5,
    start: frames,
  },
  detectors: {
    about: 'four detectors of two threads each, side by side',
    collects: true,
    start: detectors,
  },
  killed: {
    about: 'sessions of three threads, two of which are ended while they work',
    collects: false,
    start: killed,
  },
}
