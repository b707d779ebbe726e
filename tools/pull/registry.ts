import { OcellusError } from '../../src/host/errors.js'

/** A file that authors publish, and what is known of it before it is fetched. */
export interface PublishedFile {
  readonly name: string
  /** Absent where nobody publishes it; `missing` says so in words. */
  readonly url?: string
  readonly missing?: string
  readonly bytes?: number
  readonly sha256?: string
  /** An MD5 that others published, and where: against accidents, not against malice. */
  readonly md5?: string
  readonly md5From?: string
}

export interface PublishedModel {
  readonly name: string
  readonly title: string
  readonly authors: string
  readonly home: string
  readonly licence: string
  /** A file beside the registry with ranges of activations that were seen on many photos. */
  readonly ranges?: string
  /** The weights first, then what must lie beside them. */
  readonly files: readonly PublishedFile[]
}

const wrong = (what: string): OcellusError =>
  new OcellusError('E_MODEL_HEADER', `the registry of models: ${what}`)

/**
 * Checks the registry's JSON: a damaged or foreign one must not send anybody anywhere. Throws
 * E_MODEL_HEADER.
 */
export function parseRegistry(text: string): PublishedModel[] {
  let read: unknown
  try {
    read = JSON.parse(text)
  } catch (cause) {
    throw wrong(`not JSON (${cause instanceof Error ? cause.message : String(cause)})`)
  }
  const root = record(read, 'it')
  if (root.version !== 1) throw wrong(`version ${String(root.version)} is not 1`)
  return Object.entries(record(root.models, 'models')).map(([name, value]) =>
    parseModel(name, record(value, name)),
  )
}

function parseModel(name: string, model: Readonly<Record<string, unknown>>): PublishedModel {
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name)) throw wrong(`${JSON.stringify(name)} is no name`)
  if (!Array.isArray(model.files) || model.files.length === 0) throw wrong(`${name} has no files`)
  const { ranges } = model
  if (ranges !== undefined && !(typeof ranges === 'string' && /^[a-z0-9][a-z0-9.-]*\.json$/.test(ranges)))
    throw wrong(`${name}.ranges`)
  return {
    name,
    ...(ranges === undefined ? {} : { ranges }),
    title: text(model.title, `${name}.title`),
    authors: text(model.authors, `${name}.authors`),
    home: text(model.home, `${name}.home`),
    licence: text(model.licence, `${name}.licence`),
    files: model.files.map((file, i) =>
      parseFile(record(file, `${name}.files[${i}]`), `${name}.files[${i}]`),
    ),
  }
}

function parseFile(file: Readonly<Record<string, unknown>>, at: string): PublishedFile {
  const optional = (key: string, pattern: RegExp): string | undefined => {
    if (file[key] === undefined) return undefined
    const value = text(file[key], `${at}.${key}`)
    if (!pattern.test(value)) throw wrong(`${at}.${key} is ${JSON.stringify(value)}`)
    return value
  }
  const { bytes } = file
  if (bytes !== undefined && !(Number.isSafeInteger(bytes) && (bytes as number) > 0))
    throw wrong(`${at}.bytes`)
  const parsed = {
    // The name becomes a path in the cache folder.
    name: optional('name', /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/) ?? '',
    url: optional('url', /^https:\/\//),
    missing: optional('missing', /./),
    bytes: bytes as number | undefined,
    sha256: optional('sha256', /^[0-9a-f]{64}$/),
    md5: optional('md5', /^[0-9a-f]{32}$/),
    md5From: optional('md5From', /^https:\/\//),
  }
  if (parsed.name === '') throw wrong(`${at} has no name`)
  if ((parsed.url === undefined) === (parsed.missing === undefined)) throw wrong(`${at} needs url or missing`)
  return parsed
}

function record(value: unknown, at: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(`${at} is no object`)
  return value as Readonly<Record<string, unknown>>
}

function text(value: unknown, at: string): string {
  if (typeof value !== 'string' || value === '') throw wrong(`${at} is no text`)
  return value
}
