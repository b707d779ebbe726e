import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, type TestContext } from 'vitest'
import { skipUnless } from '../helpers/require.js'
import { type Served, type ServeOptions, serve } from './serve.js'

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  (path) => existsSync(path),
)

const args = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
]

let browser: Promise<Browser> | undefined
const served: Served[] = []

afterAll(async () => {
  await (await browser)?.close()
  await Promise.all(served.map((server) => server.close()))
})

export interface Opened {
  readonly page: Page
  readonly server: Served
}

/** A page of a server that is there already. */
export async function openAddress(context: TestContext, address: string): Promise<Page> {
  skipUnless(context, executablePath, 'Chromium (apt-get install chromium)')
  browser ??= chromium.launch({ executablePath, args })
  const page = await (await browser).newPage()
  await page.goto(address)
  return page
}

/**
 * A page with the library loaded as the global `ocellus`. Skips the test where no Chromium is
 * installed.
 */
export async function openPage(context: TestContext, options: ServeOptions = {}): Promise<Opened> {
  skipUnless(context, executablePath, 'Chromium (apt-get install chromium)')
  browser ??= chromium.launch({ executablePath, args })
  const server = await serve(options)
  served.push(server)
  const page = await (await browser).newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('requestfailed', (request) => problems.push(`${request.url()} failed`))
  await page.goto(server.origin)
  await page
    .waitForFunction(() => 'ocellus' in globalThis, undefined, { timeout: 20_000 })
    .catch((cause: unknown) => {
      throw new Error(`the library does not load: ${problems.join('; ')}; ${String(cause)}`)
    })
  return { page, server }
}
