import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.jpg': 'image/jpeg',
  '.png': 'image/png',
  '.safetensors': 'application/octet-stream',
}

/** A page as the README shows it: an import map for the one dependency, and nothing built. */
const page = `<!doctype html>
<script type="importmap">
  { "imports": { "@assemblyscript/loader": "/node_modules/@assemblyscript/loader/index.js" } }
</script>
<script type="module">
  import * as ocellus from '/dist/src/host/platform/browser.js'
  import { decodePicture } from '/dist/src/host/platform/browser/picture.js'
  Object.assign(globalThis, { ocellus, decodePicture })
</script>
`

export interface Served {
  readonly origin: string
  /** Paths asked for so far. */
  readonly asked: ReadonlySet<string>
  close(): Promise<void>
}

export interface ServeOptions {
  /** Files beside those of the repository, by their path. */
  readonly extra?: Readonly<Record<string, Uint8Array>>
  /** Content types other than the usual, by ending. */
  readonly types?: Readonly<Record<string, string>>
  /** Whether other origins may read the files. */
  readonly shared?: boolean
  /** Whether the page is cross-origin isolated, so that it may share memory among threads. */
  readonly isolated?: boolean
}

/** Serves the repository on a free port of this machine. */
export async function serve({
  extra = {},
  types: other = {},
  shared = false,
  isolated = false,
}: ServeOptions = {}): Promise<Served> {
  const asked = new Set<string>()
  const server = createServer(async (request, response) => {
    const path = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname)
    asked.add(path)
    const body = path === '/' ? Buffer.from(page) : await find(path)
    const type = path === '/' ? types['.html'] : (other[extname(path)] ?? types[extname(path)])
    if (shared) response.setHeader('access-control-allow-origin', '*')
    if (isolated) {
      response.setHeader('cross-origin-opener-policy', 'same-origin')
      response.setHeader('cross-origin-embedder-policy', 'require-corp')
    }
    if (type !== undefined) response.setHeader('content-type', type)
    response.writeHead(body === undefined ? 404 : 200).end(body)
  })
  async function find(path: string): Promise<Uint8Array | undefined> {
    return extra[path] ?? readFile(join(root, normalize(path))).catch(() => undefined)
  }
  await new Promise<void>((done) => {
    server.listen(0, '127.0.0.1', done)
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}
