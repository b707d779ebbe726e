import { createRequire } from 'node:module'
import { afterEach, type TestContext } from 'vitest'
import { skipUnless } from '../helpers/require.js'

export const canvases = ['canvas', 'napi'] as const
export type CanvasWord = (typeof canvases)[number]

const packages = { canvas: 'canvas', napi: '@napi-rs/canvas' }
const require = createRequire(import.meta.url)

function isUsable(word: CanvasWord): boolean {
  try {
    require(packages[word])
    return true
  } catch {
    return false
  }
}

const before = process.env.OCELLUS_CANVAS

/**
 * Lets this package alone decode and draw until the test ends; skips the test where it is not
 * installed.
 */
export function useCanvas(context: TestContext, word: CanvasWord): void {
  skipUnless(context, isUsable(word), `the package ${packages[word]} with its binary`)
  process.env.OCELLUS_CANVAS = word
}

/** To be called by a file that uses `useCanvas`. */
export function restoreCanvas(): void {
  afterEach(() => {
    if (before === undefined) delete process.env.OCELLUS_CANVAS
    else process.env.OCELLUS_CANVAS = before
  })
}
