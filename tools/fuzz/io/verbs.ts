import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { packageFolder } from '../../../src/host/platform/node/package.js'
import { cfgText, modelSeeds, recordingSeeds, weightsBytes } from '../seeds.js'

/** One command of each verb, with what it writes. Paths are relative to the folder that it runs in. */
export interface Verb {
  readonly words: readonly string[]
  /** Files that are there before, with other contents, and that it writes over. */
  readonly outputs: readonly string[]
  /** Whether it goes on without a photo that can't be read, and says so: its output is another. */
  readonly leavesOut?: boolean
}

const photo = 'in/cat.jpg'
const quick = ['--threads', '1']

/** `server`: where the files of `pull` are served. */
export const verbsOf = (server: string): Readonly<Record<string, Verb>> => ({
  detect: {
    words: ['detect', photo, '--model', 'detector-small', ...quick, '--out', 'out/found.png'],
    outputs: ['out/found.png'],
  },
  labels: {
    words: [
      'detect',
      photo,
      'in/bw.jpg',
      '--model',
      'in/float.safetensors',
      ...quick,
      '--format',
      'yolo',
      '--out',
      'out/',
    ],
    outputs: ['out/cat.txt', 'out/bw.txt', 'out/cat.jpg'],
  },
  reconstruct: {
    words: ['reconstruct', photo, ...quick, '--out', 'out/hidden.png'],
    outputs: ['out/hidden.png'],
  },
  encode: { words: ['encode', photo, ...quick, '--out', 'out/features.npy'], outputs: ['out/features.npy'] },
  generate: {
    words: ['generate', '--count', '2', ...quick, '--out', 'out/grid.png'],
    outputs: ['out/grid.png'],
  },
  walk: {
    words: ['walk', '--steps', '2', ...quick, '--out', 'out/walk.png'],
    outputs: ['out/walk.png'],
  },
  arithmetic: {
    words: ['arithmetic', '--a', '1', '--b', '2', '--c', '3', ...quick, '--out', 'out/sum.png'],
    outputs: ['out/sum.png'],
  },
  ablate: {
    words: [
      'ablate',
      '--region',
      '0,0,16,16',
      '--count',
      '1',
      '--samples',
      '4',
      ...quick,
      '--out',
      'out/without.png',
    ],
    outputs: ['out/without.png'],
  },
  score: { words: ['score', photo, ...quick], outputs: [] },
  quantize: {
    words: ['quantize', 'in/seed.weights', '--calibrate', 'in', '--out', 'out/int8.safetensors'],
    outputs: ['out/int8.safetensors'],
    leavesOut: true,
  },
  eval: { words: ['eval', 'detector-small', '--data', 'data', ...quick], outputs: [] },
  run: {
    words: ['run', 'in/float.safetensors', '--random', '--out', 'out'],
    outputs: ['out/6_convolutional.npy'],
  },
  inspect: { words: ['inspect', 'in/seed.weights'], outputs: [] },
  models: { words: ['models'], outputs: [] },
  replay: {
    words: ['camera', 'in/recorded.jsonl', '--events', 'out/events.jsonl'],
    outputs: ['out/events.jsonl'],
  },
  // With ffmpeg alone.
  camera: {
    words: [
      'camera',
      'in/clip.avi',
      '--model',
      'detector-small',
      ...quick,
      '--events',
      'out/frames.jsonl',
      '--frames',
    ],
    outputs: ['out/frames.jsonl'],
  },
  bench: {
    words: ['bench', '--model', 'detector-small', '--runs', '1', '--out', 'out'],
    outputs: [],
  },
  take: {
    words: ['pull', 'tiny', '--registry', 'in/registry.json', '--from', 'in'],
    outputs: [],
  },
  pull: {
    words: ['pull', 'tiny', '--registry', 'in/registry.json', '--from', server],
    outputs: [],
  },
})

/** What the commands read. */
export function makeInputs(folder: string): void {
  const at = (...names: string[]): string => join(folder, ...names)
  for (const name of ['in', 'data/images', 'data/labels']) mkdirSync(at(name), { recursive: true })
  const samples = join(packageFolder, 'samples')
  copyFileSync(join(samples, 'cat.jpg'), at('in', 'cat.jpg'))
  copyFileSync(join(samples, 'cat.jpg'), at('in', 'bw.jpg'))
  copyFileSync(join(samples, 'cat.jpg'), at('data', 'images', 'cat.jpg'))
  writeFileSync(at('data', 'labels', 'cat.txt'), '1 0.5 0.5 0.9 0.9\n')
  writeFileSync(at('data', 'data.yaml'), 'names: [person, cat, dog]\n')
  writeFileSync(at('in', 'float.safetensors'), modelSeeds()[0])
  writeFileSync(at('in', 'seed.cfg'), cfgText)
  writeFileSync(at('in', 'seed.weights'), weightsBytes())
  writeFileSync(
    at('in', 'recorded.jsonl'),
    recordingSeeds()
      .map((line) => `${new TextDecoder().decode(line)}\n`)
      .join(''),
  )
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=64x48:rate=5', '-t', '1', '-c:v', 'mjpeg']
  spawnSync('ffmpeg', ['-v', 'error', ...source, at('in', 'clip.avi')])
  const about = { title: 'Tiny', authors: 'nobody', home: 'https://published.invalid', licence: 'CC0' }
  const file = (name: string) => ({ name, url: `https://published.invalid/${name}` })
  const models = { tiny: { ...about, files: [file('seed.weights'), file('seed.cfg')] } }
  writeFileSync(at('in', 'registry.json'), JSON.stringify({ version: 1, models }))
}

/** Serves the weights of `pull` on this machine until it is closed. */
export async function serveWeights(): Promise<{ readonly address: string; close(): void }> {
  const server = createServer((request, response) => {
    response.end(request.url?.endsWith('.cfg') ? cfgText : weightsBytes())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { address: `http://127.0.0.1:${port}/`, close: () => server.close() }
}
