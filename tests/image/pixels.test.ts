import { expect, test } from 'vitest'
import { checkPixels, type Pixels } from '../../src/host/image/pixels.js'
import { codeOf } from '../helpers/code-of.js'

const verdict = (pixels: unknown): string => codeOf(() => checkPixels(pixels as Pixels))

const data = new Uint8Array(2 * 3 * 4)

function detached(): Uint8Array {
  const bytes = new Uint8Array(2 * 3 * 4)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

test.each<[string, unknown, string]>([
  ['bytes', { width: 2, height: 3, data }, 'none'],
  ['clamped bytes', { width: 2, height: 3, data: new Uint8ClampedArray(data) }, 'none'],
  ['a Buffer', { width: 2, height: 3, data: Buffer.from(data) }, 'none'],
  ['shared memory', { width: 2, height: 3, data: new Uint8Array(new SharedArrayBuffer(24)) }, 'none'],
  ['nothing', undefined, 'E_IMAGE_INPUT'],
  ['null', null, 'E_IMAGE_INPUT'],
  ['text', 'photo.jpg', 'E_IMAGE_INPUT'],
  ['no data', { width: 2, height: 3 }, 'E_IMAGE_INPUT'],
  ['an array', { width: 2, height: 3, data: [...data] }, 'E_IMAGE_INPUT'],
  ['floats', { width: 2, height: 3, data: new Float32Array(24) }, 'E_IMAGE_INPUT'],
  ['signed bytes', { width: 2, height: 3, data: new Int8Array(24) }, 'E_IMAGE_INPUT'],
  ['a bare buffer', { width: 2, height: 3, data: data.buffer }, 'E_IMAGE_INPUT'],
  ['RGB', { width: 2, height: 3, data: data.subarray(0, 18) }, 'E_IMAGE_INPUT'],
  ['a byte too many', { width: 2, height: 3, data: new Uint8Array(25) }, 'E_IMAGE_INPUT'],
  ['a detached buffer', { width: 2, height: 3, data: detached() }, 'E_IMAGE_INPUT'],
  ['no width', { height: 3, data }, 'E_IMAGE_INPUT'],
  ['a width of 0', { width: 0, height: 3, data: new Uint8Array(0) }, 'E_IMAGE_INPUT'],
  ['a negative width', { width: -2, height: -3, data }, 'E_IMAGE_INPUT'],
  ['half a pixel', { width: 1.5, height: 4, data }, 'E_IMAGE_INPUT'],
  ['NaN', { width: Number.NaN, height: 3, data }, 'E_IMAGE_INPUT'],
  ['text as width', { width: '2', height: 3, data }, 'E_IMAGE_INPUT'],
  ['more than the caps', { width: 2 ** 20, height: 1, data }, 'E_IMAGE_TOO_LARGE'],
])('%s', (_, pixels, code) => {
  expect(verdict(pixels)).toBe(code)
})

test('bytes of another realm', async () => {
  const { runInNewContext } = await import('node:vm')
  expect(verdict({ width: 2, height: 3, data: runInNewContext('new Uint8Array(24)') })).toBe('none')
})
