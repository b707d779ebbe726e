import { connect, type MqttClient } from 'mqtt'

/** Listens to all topics with a session that outlives the broker's restarts. */
export class Listener {
  readonly messages: { readonly topic: string; readonly text: string; readonly retain: boolean }[] = []
  readonly #client: MqttClient

  private constructor(client: MqttClient) {
    this.#client = client
    client.on('error', () => {})
    client.on('message', (topic, payload, { retain }) =>
      this.messages.push({ topic, text: payload.toString(), retain }),
    )
  }

  static async open(address: string, user?: { name: string; password: string }): Promise<Listener> {
    const client = connect(address, {
      clientId: `listener-${Math.random()}`,
      clean: false,
      reconnectPeriod: 100,
      ...(user !== undefined && { username: user.name, password: user.password }),
    })
    const listener = new Listener(client)
    await client.subscribeAsync('#', { qos: 1 })
    return listener
  }

  /** The latest message of a topic. */
  last(topic: string): string | undefined {
    return this.messages.filter((message) => message.topic === topic).at(-1)?.text
  }

  /** Events by their uid, and how many came more than once. */
  events(topic: string): { uids: string[]; repeated: number } {
    const all = this.messages
      .filter((message) => message.topic === topic)
      .map(({ text }) => (JSON.parse(text) as { uid: string }).uid)
    const uids = [...new Set(all)]
    return { uids, repeated: all.length - uids.length }
  }

  async until(what: string, check: () => boolean): Promise<void> {
    for (let tries = 0; !check(); tries++) {
      if (tries > 1200) throw new Error(`waited for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  async close(): Promise<void> {
    await this.#client.endAsync(true)
  }
}
