import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { OcellusError } from '../src/host/errors.js'
import { packageFolder } from '../src/host/platform/node/package.js'

/**
 * The most multiply-accumulates a second that a machine does on registers, by the kind of product.
 */
export interface Peak {
  readonly kind: PeakKind
  readonly gmacs: number
}

export const peakKinds = [
  'i16_dot',
  'i16_extend',
  'f32',
  'i8_relaxed',
  'i8_relaxed_pairs',
  'f32_relaxed',
] as const
export type PeakKind = (typeof peakKinds)[number]

/** Multiply-accumulates of one vector operation. */
const lanes: Readonly<Record<PeakKind, number>> = {
  i16_dot: 8,
  i16_extend: 4,
  f32: 4,
  i8_relaxed: 16,
  i8_relaxed_pairs: 16,
  f32_relaxed: 4,
}

type Loop = (products: number, seed: number) => number

/** Milliseconds of one call: short, so that some fall between two interruptions. */
const callMs = 0.2
const seed = 63

/**
 * Runs the register-only loops of assembly/bench. The fastest of many short calls counts: whatever
 * disturbs a call can only make it slower. Modules that this runtime can't run, such as relaxed
 * SIMD in Node 20, are left out.
 */
export async function measurePeaks(msEach = 60): Promise<Peak[]> {
  const best = new Map<PeakKind, number>()
  for (const name of ['peak', 'peak-relaxed']) {
    const bytes = readModule(join(packageFolder, 'build', `ocellus.${name}.wasm`))
    if (!WebAssembly.validate(bytes)) continue
    const { instance } = await WebAssembly.instantiate(bytes)
    for (const [exported, loop] of Object.entries(instance.exports)) {
      const kind = peakKinds.find((k) => exported.replace(/_(?:five|six|eight)$/, '') === k)
      if (kind === undefined || typeof loop !== 'function') continue
      const rate = (productRate(loop as Loop, msEach) * lanes[kind]) / 1e6
      best.set(kind, Math.max(rate, best.get(kind) ?? 0))
    }
  }
  return [...best].map(([kind, gmacs]) => ({ kind, gmacs }))
}

function readModule(path: string): Uint8Array<ArrayBuffer> {
  try {
    return Uint8Array.from(readFileSync(path))
  } catch (cause) {
    throw new OcellusError('E_ENGINE_BUILD', `${path} is missing: run \`npm run build\``, { cause })
  }
}

/** Vector products a millisecond. */
function productRate(loop: Loop, ms: number): number {
  // Long enough for the engine to have compiled the loop to its fastest form.
  const begin = performance.now()
  let rate = 0
  while (performance.now() - begin < ms / 2) rate = speed(loop, 120_000)
  // Whole rounds of five, six and eight products.
  const products = Math.max(120, Math.round((rate * callMs) / 120) * 120)
  const end = performance.now() + ms
  while (performance.now() < end) rate = Math.max(rate, speed(loop, products))
  return rate
}

function speed(loop: Loop, products: number): number {
  const start = performance.now()
  loop(products, seed)
  return products / (performance.now() - start)
}

/**
 * The peak that a layer is held to: of the products that its type can use, the plain i16 dot
 * product for int8.
 */
export function peakFor(peaks: readonly Peak[], precision: 'int8' | 'float32'): Peak | undefined {
  return peaks.find(({ kind }) => kind === (precision === 'int8' ? 'i16_dot' : 'f32'))
}

/** The faster of two measurements, kind by kind: clocks drift while a bench runs. */
export function fasterOf(before: readonly Peak[], after: readonly Peak[]): Peak[] {
  return before.map(({ kind, gmacs }) => ({
    kind,
    gmacs: Math.max(gmacs, after.find((p) => p.kind === kind)?.gmacs ?? 0),
  }))
}
