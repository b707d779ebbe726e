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

/** The bytes behind an address, and no more than a cap: what the server says of the length is not believed. */
export async function fetchCapped(address: string | URL, cap: number): Promise<Uint8Array> {
  const response = await request(address)
  const tooLarge = () => new OcellusError('E_FILE_TOO_LARGE', `${address} has more than ${cap} bytes`)
  if (Number(response.headers.get('content-length')) > cap) {
    await response.body?.cancel()
    throw tooLarge()
  }
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  try {
    for (;;) {
      const next = await reader?.read()
      if (next?.value === undefined) break
      chunks.push(next.value)
      length += next.value.length
      if (length > cap) throw tooLarge()
    }
  } catch (cause) {
    if (cause instanceof OcellusError) {
      await reader?.cancel()
      throw cause
    }
    throw new OcellusError('E_FILE_READ', `${address} breaks off after ${length} bytes`, { cause })
  }
  if (chunks.length === 1) return chunks[0]
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}
