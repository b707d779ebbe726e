import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { View } from '../../src/host/platform/node/camera/view/server.js'
import { Camera } from '../../src/host/platform/node/camera.js'
import { hasProgram } from '../helpers/programs.js'
import { skipUnless } from '../helpers/require.js'
import { openAddress } from './chromium.js'

let view: View
let camera: Camera | undefined
let running: Promise<void> | undefined

beforeAll(async () => {
  if (!hasProgram('ffmpeg')) return
  view = await View.open({ port: 0 })
  camera = await Camera.open('test:', {
    zones: ['floor:0,0 1,0 1,1 0,1'],
    lines: ['gate:0.5,0 0.5,1'],
    scoreThreshold: 0.15,
    onPicture: (jpeg) => view.picture(jpeg),
  })
  view.attach(camera)
  running = (async (shown) => {
    for await (const result of shown) view.result(result)
  })(camera)
})

afterAll(async () => {
  await camera?.close()
  await running
  await view?.close()
})

it('a browser shows the picture, the boxes, the state and the events', async (context) => {
  skipUnless(context, camera, 'ffmpeg')
  const page = await openAddress(context, view.address)
  const problems: string[] = []
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()))
  page.on('pageerror', (error) => problems.push(error.message))
  await page.waitForFunction(() => document.querySelector('#state')?.textContent === 'live')
  await page.waitForFunction(() => document.querySelector<HTMLImageElement>('#picture')?.naturalWidth)
  await page.waitForFunction(() => document.querySelector('#log')?.textContent?.includes('person'))
  await page.waitForFunction(() => document.querySelector('#counts')?.textContent?.includes('inside'))
  const marked = await page.evaluate(() => {
    const marks = document.querySelector<HTMLCanvasElement>('#marks')
    const pixels = marks?.getContext('2d')?.getImageData(0, 0, marks.width, marks.height).data ?? []
    return pixels.filter((_, n) => n % 4 === 3 && pixels[n] > 0).length
  })
  expect(marked).toBeGreaterThan(100)
  expect(problems).toEqual([])
  await page.close()
})

it('another site can neither read nor show it', async (context) => {
  skipUnless(context, camera, 'ffmpeg')
  const other = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>other</title>')
  })
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const page = await openAddress(context, `http://localhost:${port}/`)
  const results = await page.evaluate(async (address) => {
    const read = await fetch(`${address}state.json`).then(
      () => 'read',
      () => 'refused',
    )
    const shown = await new Promise((resolve) => {
      const image = new Image()
      image.onload = () => resolve('shown')
      image.onerror = () => resolve('refused')
      image.src = `${address}snapshot.jpg`
    })
    const heard = await new Promise((resolve) => {
      const source = new EventSource(`${address}events`)
      source.addEventListener('hello', () => resolve('heard'))
      source.onerror = () => resolve('refused')
    })
    return [read, shown, heard]
  }, view.address)
  expect(results).toEqual(['refused', 'refused', 'refused'])
  await page.close()
  await new Promise((resolve) => other.close(resolve))
})
