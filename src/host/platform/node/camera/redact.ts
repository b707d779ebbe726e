const stars = '***'

/** Query parameters and the like whose values are secrets. Some cameras take them in the path. */
const secretParameter =
  /((?:^|[?&;/_])[\w.-]*(?:pass|pwd|token|secret|auth|apikey|signature)[\w.-]*=)[^&;#/\s'"]+/gi

/**
 * Everything between `//` and the last `@` of an address: users write passwords with all kinds of
 * letters in them.
 */
const userinfo = /(\b[a-z][a-z0-9+.-]*:\/\/)\S*@/gi

/** A text without the passwords of the addresses in it. */
export const redactAddresses = (text: string): string =>
  text.replace(userinfo, `$1${stars}@`).replace(secretParameter, `$1${stars}`)

/**
 * Takes the secrets of certain addresses out of every text, however a program may have written
 * them.
 */
export class Redactor {
  readonly #secrets: readonly string[]

  constructor(addresses: readonly string[]) {
    const found = new Set<string>()
    for (const address of addresses) for (const secret of secretsOf(address)) found.add(secret)
    // The longest first: a shorter one may be a part of it.
    this.#secrets = [...found].sort((a, b) => b.length - a.length)
  }

  redact(text: string): string {
    let clean = redactAddresses(text)
    for (const secret of this.#secrets) clean = clean.replaceAll(secret, stars)
    return clean
  }
}

/**
 * Passwords in an address, as they stand there and as the camera gets them. Very short ones would
 * hide half of a text.
 */
function secretsOf(address: string): string[] {
  const found: string[] = []
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)@/i.exec(address)?.[1]
  if (authority !== undefined) {
    const colon = authority.indexOf(':')
    if (colon >= 0) found.push(authority.slice(colon + 1))
    found.push(authority)
  }
  for (const [parameter] of address.matchAll(secretParameter))
    found.push(parameter.slice(parameter.indexOf('=') + 1))
  return found.flatMap((secret) => [secret, decoded(secret)]).filter(({ length }) => length >= 4)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
