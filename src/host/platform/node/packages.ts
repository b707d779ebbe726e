import { OcellusError } from '../../errors.js'
import type { DrawingContext } from '../../image/draw.js'

/** What node-canvas and @napi-rs/canvas have in common, as far as it is used. */
export interface CanvasModule {
  createCanvas(width: number, height: number): Canvas
  loadImage(bytes: Buffer): Promise<{ readonly width: number; readonly height: number }>
}

export interface Canvas {
  getContext(kind: '2d'): Context
  toBuffer(mime: 'image/png'): Buffer
  toBuffer(mime: 'image/jpeg', quality: unknown): Buffer
}

interface Context extends DrawingContext {
  drawImage(image: unknown, x: number, y: number): void
  getImageData(x: number, y: number, width: number, height: number): ImageDataLike
  createImageData(width: number, height: number): ImageDataLike
  putImageData(data: ImageDataLike, x: number, y: number): void
}

interface ImageDataLike {
  readonly data: Uint8ClampedArray
}

/** The packages by the word that OCELLUS_CANVAS takes. */
const names = { canvas: 'canvas', napi: '@napi-rs/canvas' } as const
export type CanvasName = keyof typeof names

export interface CanvasPackage {
  readonly name: CanvasName
  readonly module: CanvasModule
  /** Each package counts JPEG's quality in its own way. */
  readonly jpegQuality: unknown
}

const loaded = new Map<CanvasName, Promise<CanvasPackage | undefined>>()

/** A package, or undefined where it is not installed or its binary does not load. */
function load(name: CanvasName): Promise<CanvasPackage | undefined> {
  let found = loaded.get(name)
  if (found === undefined) {
    // The name is no literal: a type check or a bundle must not need packages that are optional.
    found = import(names[name]).then(
      (namespace: CanvasModule & { default?: CanvasModule }) => ({
        name,
        module: namespace.default ?? namespace,
        jpegQuality: name === 'canvas' ? { quality: 0.92 } : 92,
      }),
      () => undefined,
    )
    loaded.set(name, found)
  }
  return found
}

/**
 * The installed packages in this order, each loaded only when it is asked for; with OCELLUS_CANVAS that one alone.
 * Throws E_CANVAS_MISSING when there is none.
 */
export async function* canvasPackages(order: readonly CanvasName[]): AsyncGenerator<CanvasPackage, void> {
  const forced = process.env.OCELLUS_CANVAS
  if (forced && !Object.hasOwn(names, forced)) {
    throw new OcellusError('E_OPTION', `OCELLUS_CANVAS is ${JSON.stringify(forced)}; give canvas or napi`)
  }
  const wanted = forced ? [forced as CanvasName] : order
  let any = false
  for (const name of wanted) {
    const found = await load(name)
    if (found === undefined) continue
    any = true
    yield found
  }
  if (any) return
  const tried = wanted.map((name) => names[name])
  throw new OcellusError(
    'E_CANVAS_MISSING',
    `nothing here reads and writes pictures (tried ${tried.join(' and ')}): run \`npm install ${forced ? tried[0] : names.napi}\``,
  )
}
