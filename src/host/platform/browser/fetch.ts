import { type ErrorCode, OcellusError } from '../../errors.js'

/** The answer to a request that succeeded. A page that is not there throws `missing`. */
export async function request(
  address: string | URL,
  missing: ErrorCode = 'E_FILE_MISSING',
): Promise<Response> {
  let response: Response
  try {
    response = await fetch(address)
  } catch (cause) {
    throw new OcellusError('E_FILE_READ', `${address} can't be fetched: ${String(cause)}`, { cause })
  }
  if (response.ok) return response
  const code = response.status === 404 || response.status === 410 ? missing : 'E_FILE_READ'
  throw new OcellusError(
    code,
    `${address}: the server answers ${response.status} ${response.statusText}`.trim(),
  )
}

/**
 * Memory that is taken on a server's word: a large model's, so that it is not copied as it comes.
 */
const mostAtOnce = 256 << 20

/**
 * The bytes behind an address, and no more than a cap: what the server says of the length is not
 * believed.
 */
export async function fetchCapped(address: string | URL, cap: number): Promise<Uint8Array> {
  const response = await request(address)
  const tooLarge = () => new OcellusError('E_FILE_TOO_LARGE', `${address} has more than ${cap} bytes`)
  if (Number(response.headers.get('content-length')) > cap) {
    await response.body?.cancel()
    throw tooLarge()
  }
  const told = Number(response.headers.get('content-length')) || 0
  let bytes = new Uint8Array(Math.max(0, Math.min(told, mostAtOnce)))
  let length = 0
  const reader = response.body?.getReader()
  try {
    for (;;) {
      const next = await reader?.read()
      if (next?.value === undefined) break
      const end = length + next.value.length
      if (end > cap) throw tooLarge()
      // The server may have told nothing, or the length of what it compressed.
      if (end > bytes.length) bytes = grown(bytes.subarray(0, length), Math.min(cap, 2 * end))
      bytes.set(next.value, length)
      length = end
    }
  } catch (cause) {
    if (cause instanceof OcellusError) {
      await reader?.cancel()
      throw cause
    }
    throw new OcellusError('E_FILE_READ', `${address} breaks off after ${length} bytes`, { cause })
  }
  return bytes.subarray(0, length)
}

function grown(bytes: Uint8Array, length: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(length)
  larger.set(bytes)
  return larger
}
