import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface TestServer {
  readonly address: string
  /** The Range header of each request so far, '' where there was none. */
  readonly ranges: string[]
  close(): Promise<void>
}

/** What lies at a path, or what a path does. */
export type Serve = Buffer | ((request: IncomingMessage, response: ServerResponse) => void)

export const etag = '"one"'

/**
 * An HTTP server on a free local port that also answers ranges, and misbehaves where a path is a
 * function.
 */
export async function serve(paths: Readonly<Record<string, Serve>>): Promise<TestServer> {
  const ranges: string[] = []
  const server: Server = createServer((request, response) => {
    ranges.push(request.headers.range ?? '')
    const found = paths[request.url ?? '']
    if (found === undefined) response.writeHead(404, 'Not Found').end('no such thing')
    else if (typeof found === 'function') found(request, response)
    else sendRange(found, request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}`,
    ranges,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** A well-behaved answer: all of it, or from the byte that was asked for if the tag still fits. */
export function sendRange(body: Buffer, request: IncomingMessage, response: ServerResponse): void {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')
  const start = asked !== null && request.headers['if-range'] === etag ? Number(asked[1]) : 0
  if (start >= body.length && start > 0) {
    response.writeHead(416, { 'content-range': `bytes */${body.length}` }).end()
    return
  }
  const rest = body.subarray(start)
  const headers = { etag, 'content-length': rest.length }
  if (start === 0) response.writeHead(200, headers)
  else
    response.writeHead(206, {
      ...headers,
      'content-range': `bytes ${start}-${body.length - 1}/${body.length}`,
    })
  response.end(rest)
}

/** Promises the whole and hangs up after a few bytes, once they have had time to arrive. */
export const breakAfter =
  (body: Buffer, bytes: number): Serve =>
  (request, response) => {
    const asked = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0)
    const head = { etag, 'content-length': body.length - asked }
    if (asked === 0) response.writeHead(200, head)
    else
      response.writeHead(206, {
        ...head,
        'content-range': `bytes ${asked}-${body.length - 1}/${body.length}`,
      })
    if (asked + bytes >= body.length) response.end(body.subarray(asked))
    else response.write(body.subarray(asked, asked + bytes), () => setTimeout(() => response.destroy(), 1000))
  }
