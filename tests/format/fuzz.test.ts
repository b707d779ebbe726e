import { expect, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { readModel, writeModel } from '../../src/host/graph/file.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { mutations } from '../helpers/mutate.js'
import { variantOf } from '../helpers/variants.js'
import { tinyModel } from './tiny.js'

/**
 * Whatever a mutated file says, loading it ends in an OcellusError or in a model that passed every
 * check. Everything else (a TypeError, a RangeError, a hang) is a fault of ours.
 */
test('mutated model files', () => {
  const file = writeModel(tinyModel())
  const codes = new Map<string, number>()
  let n = 0
  for (const mutated of mutations(file, 8000, 20)) {
    let code = 'none'
    const { bytes, check } = variantOf(mutated, n++)
    try {
      verifyModel(readModel(bytes, 'm'))
    } catch (error) {
      if (!(error instanceof OcellusError)) throw error
      expect(error.message).not.toContain('\n')
      code = error.code
    }
    check()
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  // The mutations reach every layer of the reader.
  for (const code of [
    'none',
    'E_MODEL_TRUNCATED',
    'E_MODEL_HEADER',
    'E_MODEL_FORMAT',
    'E_MODEL_VERSION',
    'E_MODEL_LAYOUT',
    'E_MODEL_GRAPH',
    'E_MODEL_OPERATOR',
    'E_MODEL_SHAPE',
    'E_MODEL_QUANTIZATION',
    'E_MODEL_TASK',
  ]) {
    expect(codes.get(code) ?? 0, `${code} of ${JSON.stringify([...codes])}`).toBeGreaterThan(0)
  }
})
