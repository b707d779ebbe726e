import { OcellusError } from '../../../../errors.js'

/** The topics of a camera. */
export interface Topics {
  /** Whether the program runs: `online` or `offline`, which the broker says when it dies. */
  readonly status: string
  /** Whether pictures come: `online` or `offline`. */
  readonly camera: string
  /** The state in full, as JSON. */
  readonly state: string
  readonly events: string
  readonly statistics: string
  readonly snapshot: string
  label(label: string): string
  zone(name: string): string
  line(name: string): string
}

/** Throws E_MQTT where the prefix is no topic. */
export function topicsOf(prefix: string, camera: string): Topics {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
  if (!/^[^+#$/\u0000-\u001f][^+#\u0000-\u001f]{0,199}$/.test(prefix) || prefix.endsWith('/'))
    throw new OcellusError(
      'E_MQTT',
      `${JSON.stringify(prefix)} is no start of a topic: give words with / between, without + and #`,
    )
  const root = `${prefix}/${camera}`
  return {
    status: `${root}/status`,
    camera: `${root}/camera`,
    state: `${root}/state`,
    events: `${root}/events`,
    statistics: `${root}/statistics`,
    snapshot: `${root}/snapshot`,
    label: (label) => `${root}/labels/${level(label)}`,
    zone: (name) => `${root}/zones/${level(name)}`,
    line: (name) => `${root}/lines/${level(name)}`,
  }
}

/** A name as one level of a topic. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is replaced
const level = (name: string): string => name.replace(/[+#/\u0000-\u001f]/g, '_')
