import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'

/**
 * Whether a request may be answered. A page of another site must not read the camera: not by a name
 * that it made lead here (DNS rebinding), so the `Host` must be an address in numbers or a name of
 * this machine; and not by embedding it. A link to the page itself may be followed from anywhere.
 */
export function refusal(request: IncomingMessage, names: readonly string[]): string | undefined {
  const { host, origin, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers
  if (host === undefined || !isOurs(host, names)) {
    return "this name is not known to be the camera's: use its address in numbers, or give the name by --view-name"
  }
  if (origin !== undefined && !sameHost(origin, host)) return 'another site may not read this camera'
  const foreign = site !== undefined && site !== 'same-origin' && site !== 'none'
  const isLink = mode === 'navigate' && request.url === '/'
  return foreign && !isLink ? 'another site may not read this camera' : undefined
}

function isOurs(host: string, names: readonly string[]): boolean {
  const name = host
    .replace(/:\d{1,5}$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase()
  if (isIP(name) !== 0 || name === 'localhost') return true
  const own = hostname().toLowerCase()
  return [own, `${own}.local`, ...names.map((each) => each.toLowerCase())].includes(name)
}

function sameHost(origin: string, host: string): boolean {
  try {
    return new URL(origin).host === host.toLowerCase()
  } catch {
    return false
  }
}
