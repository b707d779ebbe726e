import { limits } from '../../../../src/host/limits.js'
import type { Cfg } from './cfg.js'
import { layerTraining, netTraining } from './keys.js'
import { layerTypes, shortNames } from './layers.js'
import { checkFeature, checkHeads, type Feature, type Network, NetworkBuilder } from './network.js'
import { Options } from './options.js'

/** Turns the sections of a configuration into nodes, with every shape computed and checked. */
export function buildNetwork(cfg: Cfg): Network {
  const { input, letterbox } = readNet(new Options(cfg.file, cfg.net))
  const builder = new NetworkBuilder(input)
  cfg.layers.forEach((section, index) => {
    const options = new Options(cfg.file, section)
    const layer = layerTypes.get(shortNames.get(section.type) ?? section.type)
    if (layer === undefined) {
      const known = [...layerTypes.keys()].map((type) => `[${type}]`).join(' ')
      throw options.error('E_CFG_SECTION', `is no layer that Ocellus can run; it can run ${known}`)
    }
    const result = layer(options, index, builder)
    options.ignore(layerTraining)
    for (const key of ['dontload', 'dontloadscales'])
      options.refuse(key, 0, 'the layer would have random weights')
    options.finish()
    builder.layers.push(result)
  })
  const { nodes, tensors, convolutions, heads } = builder
  checkHeads(heads, cfg)
  return { cfg, input, letterbox, nodes, tensors, convolutions, heads }
}

function readNet(options: Options): { input: Feature; letterbox: boolean } {
  const side = { min: 1, max: limits.dimension }
  const width = options.integer('width', undefined, side)
  const height = options.integer('height', undefined, side)
  const channels = options.integer('channels', undefined, { min: 1, max: limits.channels })
  if (channels !== 3) {
    throw options.error('E_CFG_VALUE', `channels=${channels} is not supported: pictures have 3`, 'channels')
  }
  const inputs = options.integer('inputs', width * height * channels, { min: 1, max: 999_999_999 })
  if (inputs !== width * height * channels) {
    throw options.error('E_CFG_VALUE', `inputs=${inputs} is not width * height * channels`, 'inputs')
  }
  const input = { name: 'input', height, width, channels }
  checkFeature(input, options)
  const letterbox = options.integer('letter_box', 0, { min: 0, max: 1 }) === 1
  options.ignore(netTraining)
  options.finish()
  return { input, letterbox }
}
