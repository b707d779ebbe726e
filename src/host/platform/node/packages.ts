import { OcellusError } from '../../errors.js'
import type { DrawingContext } from '../../image/draw.js'
import { require } from './builtin.js'

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
  clearRect(x: number, y: number, width: number, height: number): void
  getImageData(x: number, y: number, width: number, height: number): ImageDataLike
  createImageData(width: number, height: number): ImageDataLike
  putImageData(data: ImageDataLike, x: number, y: number): void
}

interface ImageDataLike {
  readonly data: Uint8ClampedArray
}

/** What is used of the binding beneath @napi-rs/canvas. */
interface NapiBinding {
  readonly CanvasElement?: new (width: number, height: number) => Canvas
  readonly Image?: new () => NapiImage
}

interface NapiImage {
  readonly width: number
  readonly height: number
  src: Buffer
  onload?: () => void
  onerror?: (error: Error) => void
  decode(): Promise<void>
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

const loaders: Readonly<Record<CanvasName, () => CanvasModule>> = {
  canvas: () => require(names.canvas),
  napi() {
    try {
      // All of the package would go through the system's fonts, and its `loadImage` through streams
      // and requests: that takes as long as the rest and is of no use here.
      const { CanvasElement, Image }: NapiBinding = require(`${names.napi}/js-binding`)
      if (typeof CanvasElement === 'function' && typeof Image?.prototype.decode === 'function')
        return {
          createCanvas: (width, height) => new CanvasElement(width, height),
          loadImage: (bytes) => loadNapi(new Image(), bytes),
        }
    } catch {
      // Another version may be made of other parts.
    }
    return require(names.napi)
  },
}

/** As the package's own `loadImage` does it for bytes. */
const loadNapi = (image: NapiImage, bytes: Buffer): Promise<NapiImage> =>
  new Promise((resolve, reject) => {
    image.onload = () => {
      // Not within the setter, which may call this.
      Promise.resolve()
        .then(() => image.decode())
        .then(() => resolve(image), reject)
    }
    image.onerror = reject
    image.src = bytes
  })

const loaded = new Map<CanvasName, CanvasPackage | undefined>()

/** A package, or undefined where it is not installed or its binary does not load. */
function load(name: CanvasName): CanvasPackage | undefined {
  if (!loaded.has(name)) loaded.set(name, loadNow(name))
  return loaded.get(name)
}

function loadNow(name: CanvasName): CanvasPackage | undefined {
  try {
    const module = loaders[name]()
    return { name, module, jpegQuality: name === 'canvas' ? { quality: 0.92 } : 92 }
  } catch {
    return undefined
  }
}

/**
 * The installed packages in this order, each loaded only when it is asked for; with OCELLUS_CANVAS
 * that one alone. Throws E_CANVAS_MISSING when there is none.
 */
export function* canvasPackages(order: readonly CanvasName[]): Generator<CanvasPackage, void> {
  const forced = process.env.OCELLUS_CANVAS
  if (forced && !Object.hasOwn(names, forced)) {
    throw new OcellusError('E_OPTION', `OCELLUS_CANVAS is ${JSON.stringify(forced)}; give canvas or napi`)
  }
  const wanted = forced ? [forced as CanvasName] : order
  let any = false
  for (const name of wanted) {
    const found = load(name)
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
