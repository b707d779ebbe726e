import type { Message } from './broker.js'

interface State {
  payload: string | Uint8Array
  isKnown: boolean
  isFlying: boolean
}

/**
 * Retained messages, of which only the latest of each topic counts: one that changes while the
 * broker is away, or before the last has arrived, is sent once.
 */
export class States {
  readonly #send: (message: Message) => Promise<void>
  readonly #states = new Map<string, State>()
  #connection = 0
  #onSettled: (() => void) | undefined

  constructor(send: (message: Message) => Promise<void>) {
    this.#send = send
  }

  /** Whether the broker knows all. */
  get isSettled(): boolean {
    return [...this.#states.values()].every(({ isKnown }) => isKnown)
  }

  set(topic: string, payload: string | Uint8Array): void {
    const state = this.#states.get(topic)
    if (state?.payload === payload) return
    if (state === undefined) this.#states.set(topic, { payload, isKnown: false, isFlying: false })
    else Object.assign(state, { payload, isKnown: false })
    if (this.#connection > 0) this.#publish(topic)
  }

  /** Tells a broker all: it may have forgotten what it knew. */
  connected(onSettled: () => void): void {
    this.#connection++
    this.#onSettled = onSettled
    for (const [topic, state] of this.#states) {
      Object.assign(state, { isKnown: false, isFlying: false })
      this.#publish(topic)
    }
  }

  #publish(topic: string): void {
    const state = this.#states.get(topic)
    if (state === undefined || state.isFlying || state.isKnown) return
    const { payload } = state
    const connection = this.#connection
    state.isFlying = true
    this.#send({ topic, payload, retain: true }).then(
      () => {
        if (connection !== this.#connection) return
        state.isFlying = false
        state.isKnown = state.payload === payload
        if (state.isKnown) this.#onSettled?.()
        else this.#publish(topic)
      },
      // The next connection tells all.
      () => {
        if (connection === this.#connection) state.isFlying = false
      },
    )
  }
}
