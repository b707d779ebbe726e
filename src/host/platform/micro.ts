import type { Build, Instance } from '../engine/engine.js'
import { type Platform, usePlatform } from '../engine/platform.js'
import { OcellusError } from '../errors.js'

export type { EngineExports, Instance } from '../engine/engine.js'
export type { LinearMemory } from '../engine/memory.js'
export type { Platform } from '../engine/platform.js'
export * from '../index.js'

/** Makes an instance of a build whose memory has at least so many bytes, 0 included. */
export type MakeInstance = (bytes: number) => Instance | Promise<Instance>

/**
 * The bare platform, for engines that have JavaScript and nothing else: no files, clock, threads,
 * WebAssembly or console. Call it once, before anything is created, with the builds that there are;
 * the best one that computes correctly is used. `parts` can add whatever of `Platform` there is,
 * such as a clock or a decoder of pictures.
 *
 * @example
 * import { Detector, useEngines } from 'ocellus/micro'
 *
 * useEngines({ scalar: (bytes) => makeScalar(bytes) }) // { exports, memory }, such as binaryen's wasm2js makes them
 * const detector = await Detector.create({ model: bytesOfTheModel })
 * const found = await detector.detect({ width: 160, height: 120, data: rgba })
 */
export function useEngines(
  engines: Readonly<Partial<Record<Build, MakeInstance>>>,
  parts: Partial<Platform> = {},
): void {
  usePlatform({
    name: 'micro',
    instantiate(build, bytes) {
      const make = engines[build]
      if (make === undefined) throw new Error('no such build was given')
      return make(bytes)
    },
    async readModel(source) {
      throw new OcellusError(
        'E_FILE_READ',
        `${source === undefined ? 'a model' : 'a path or address'} can't be opened here: give the bytes of a model file`,
      )
    },
    async decodeImage() {
      throw new OcellusError(
        'E_IMAGE_INPUT',
        'pictures are not decoded here: give { width, height, data } in RGBA',
      )
    },
    ...parts,
  })
}
