import type { ServerResponse } from 'node:http'

/** Clients of each kind that are served at once. */
const mostClients = 16
/** One that has taken nothing for so long is let go. */
const patienceMs = 30_000
/**
 * Bytes of events that may wait for a client; more and it starts anew, as EventSource does by
 * itself.
 */
const mostWaitingBytes = 1 << 20

interface Client {
  readonly response: ServerResponse
  /** Since when it has been taking nothing. */
  fullSince: number | undefined
}

/**
 * Those who are connected. None of them can hold up the others or the camera: who does not read,
 * misses.
 */
export class Clients {
  readonly #clients = new Set<Client>()

  get size(): number {
    return this.#clients.size
  }

  /** Returns whether there was room. */
  add(response: ServerResponse): boolean {
    if (this.#clients.size >= mostClients) return false
    const client: Client = { response, fullSince: undefined }
    this.#clients.add(client)
    response.on('drain', () => {
      client.fullSince = undefined
    })
    response.on('error', () => {})
    response.on('close', () => this.#clients.delete(client))
    return true
  }

  /** Sends a picture to all who have taken the one before. */
  sendLatest(data: Uint8Array, header: string): void {
    for (const client of this.#clients) {
      if (this.#isFull(client)) continue
      const { response } = client
      response.write(header)
      response.write(data)
      if (!response.write('\r\n')) client.fullSince = performance.now()
    }
  }

  /** Sends a text to all; one that may be missed only to those who keep up. */
  send(text: string, mayMiss: boolean): void {
    for (const client of this.#clients) {
      if (this.#isFull(client) && mayMiss) continue
      if (client.response.writableLength > mostWaitingBytes) client.response.destroy()
      else if (!client.response.write(text)) client.fullSince ??= performance.now()
    }
  }

  close(): void {
    for (const { response } of this.#clients) response.destroy()
  }

  #isFull({ response, fullSince }: Client): boolean {
    if (fullSince === undefined) return false
    if (performance.now() - fullSince > patienceMs) response.destroy()
    return true
  }
}
