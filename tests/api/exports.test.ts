import { expect, it } from 'vitest'
import * as browser from '../../src/host/platform/browser.js'
import * as node from '../../src/host/platform/node.js'

it('the package exports the same in Node and in browsers', () => {
  expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
  // What only one of them could give is not public.
  for (const name of ['readCapped', 'packageFolder', 'embeddedDetector'])
    expect(node).not.toHaveProperty(name)
  for (const name of ['drawDetections', 'decodeImage', 'fitImage', 'loadModel'])
    expect(browser).toHaveProperty(name)
})
