import { OcellusError } from '../../../../errors.js'
import { Redactor, redactAddresses } from '../redact.js'

/** A broker, and as whom to speak to it. */
export interface BrokerAddress {
  /** The address without user and password. */
  readonly url: string
  readonly username?: string
  readonly password?: string
  /** What may be shown. */
  readonly shown: string
  readonly redactor: Redactor
}

const schemes = ['mqtt:', 'mqtts:', 'ws:', 'wss:']

/**
 * Understands `mqtt://user@host:1883`. A password in the address counts for more than the one that
 * is given beside it. Throws E_MQTT.
 */
export function parseBroker(word: string, password?: string): BrokerAddress {
  const shown = redactAddresses(word)
  const bad = (why: string): OcellusError => new OcellusError('E_MQTT', `${shown} ${why}`)
  let url: URL
  try {
    url = new URL(word)
  } catch {
    throw bad('is no address of a broker: write mqtt://user@host:1883')
  }
  if (!schemes.includes(url.protocol) || url.hostname === '')
    throw bad('is no address of a broker: write mqtt://, mqtts://, ws:// or wss:// and a host')
  const { username } = url
  const secret = url.password === '' ? password : decoded(url.password)
  url.username = ''
  url.password = ''
  return {
    url: url.href,
    ...(username !== '' && { username: decoded(username) }),
    ...(secret !== undefined && secret !== '' && { password: secret }),
    shown: username === '' ? shown : redactAddresses(url.href),
    redactor: new Redactor([word, ...(secret ? [`mqtt://x:${encodeURIComponent(secret)}@x`] : [])]),
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
