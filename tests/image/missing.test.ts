import { expect, test, vi } from 'vitest'
import { decodeImage, encodeImage } from '../../src/host/platform/node/canvas.js'
import { png } from '../helpers/pictures.js'

vi.mock('node:module', async (original) => {
  const { createRequire, ...others } = await original<typeof import('node:module')>()
  return {
    ...others,
    createRequire: (from: string) => {
      const require = createRequire(from)
      return (name: string) => {
        if (name.startsWith('node:')) return require(name)
        throw new Error(`Cannot find module '${name}'`)
      }
    },
  }
})

const dot = { width: 1, height: 1, data: Uint8Array.of(1, 2, 3, 255) }

test('without any canvas, the error says what to install', async () => {
  const file = png(1, 1, [1, 2, 3], { colourType: 2 })
  const missing = {
    code: 'E_CANVAS_MISSING',
    message: expect.stringContaining('npm install @napi-rs/canvas'),
  }
  await expect(decodeImage(file, 'm')).rejects.toMatchObject(missing)
  await expect(encodeImage(dot, 'm.png')).rejects.toMatchObject(missing)
})

test('a bad picture is told before a canvas is looked for', async () => {
  await expect(decodeImage(new Uint8Array(0), 'm')).rejects.toMatchObject({ code: 'E_IMAGE_EMPTY' })
  await expect(encodeImage(dot, 'm.webp')).rejects.toMatchObject({ code: 'E_OPTION' })
})
