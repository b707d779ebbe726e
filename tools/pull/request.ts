import { OcellusError } from '../../src/host/errors.js'

/** Hops from one address to the next before a server is thought to lead in circles. */
const redirectLimit = 5

export interface Answer {
  readonly response: Response
  /** Where the bytes come from after all redirects. */
  readonly address: string
}

/**
 * Asks for an address, following redirects by hand: at most five, never from https to http, never
 * to another scheme. Throws E_DOWNLOAD_ADDRESS, E_DOWNLOAD_FAILED, E_DOWNLOAD_TIMEOUT.
 */
export async function request(
  start: string,
  headers: Readonly<Record<string, string>>,
  watchdog: Watchdog,
): Promise<Answer> {
  let address = parseAddress(start)
  for (let hop = 0; ; hop++) {
    const response = await ask(address, headers, watchdog)
    const next = response.headers.get('location')
    if (response.status < 300 || response.status > 399 || next === null)
      return { response, address: address.href }
    await response.body?.cancel().catch(() => {})
    if (hop === redirectLimit) {
      throw new OcellusError(
        'E_DOWNLOAD_FAILED',
        `${start}: more than ${redirectLimit} redirects, the last to ${next}`,
      )
    }
    const to = parseAddress(next, address)
    if (address.protocol === 'https:' && to.protocol === 'http:') {
      throw new OcellusError(
        'E_DOWNLOAD_ADDRESS',
        `${start} leads from https to plain http (${to.href}): not followed`,
      )
    }
    address = to
  }
}

async function ask(
  address: URL,
  headers: Readonly<Record<string, string>>,
  watchdog: Watchdog,
): Promise<Response> {
  watchdog.rest()
  try {
    // Compressed answers would make lengths and ranges speak of other bytes than those that are
    // kept.
    return await fetch(address, {
      headers: { 'accept-encoding': 'identity', ...headers },
      redirect: 'manual',
      signal: watchdog.signal,
    })
  } catch (cause) {
    watchdog.check(address.href)
    throw new OcellusError('E_DOWNLOAD_FAILED', `${address.href} can't be reached: ${networkReason(cause)}`, {
      cause,
    })
  }
}

export function parseAddress(word: string, base?: URL): URL {
  let url: URL
  try {
    url = new URL(word, base)
  } catch (cause) {
    throw new OcellusError('E_DOWNLOAD_ADDRESS', `${JSON.stringify(word)} is no address`, { cause })
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new OcellusError('E_DOWNLOAD_ADDRESS', `${url.href}: only http and https are spoken here`)
  }
  return url
}

/** Node's fetch says "fetch failed" and keeps the reason (DNS, TLS, refused) in the cause. */
export function networkReason(error: unknown): string {
  const inner = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const code = (inner as NodeJS.ErrnoException | undefined)?.code
  const message = inner instanceof Error ? inner.message.split('\n')[0] : String(inner)
  return message === '' ? (code ?? 'unknown') : message
}

/** Ends a request in which nothing has arrived for a while, however long it may take in all. */
export class Watchdog {
  readonly #controller = new AbortController()
  readonly #milliseconds: number
  #timer: NodeJS.Timeout | undefined
  #late = false

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Something has arrived: the time starts anew. */
  rest(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#late = true
      this.#controller.abort()
    }, this.#milliseconds)
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  check(address: string): void {
    if (!this.#late) return
    const seconds = this.#milliseconds / 1000
    throw new OcellusError(
      'E_DOWNLOAD_TIMEOUT',
      `${address}: nothing arrived for ${seconds} s (--timeout gives it longer)`,
    )
  }
}
