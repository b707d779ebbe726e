import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, type TestContext } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Where the shared data lies: OCELLUS_DATA, or shared/data beside the repository. */
export const dataFolder = resolve(root, process.env.OCELLUS_DATA ?? '../shared/data')

/** The absolute path of a file or folder of the shared data, or undefined where it is not there. */
export function sharedData(path: string): string | undefined {
  const full = resolve(dataFolder, path)
  return existsSync(full) ? full : undefined
}

/** The absolute path of a file of the shared models, or undefined where it is not there. */
export function sharedModel(name: string): string | undefined {
  const full = resolve(dataFolder, '../models', name)
  return existsSync(full) ? full : undefined
}

/**
 * Skips the running test where its needs are not met; under OCELLUS_REQUIRE_ALL=1 it fails instead.
 *
 *     test('dog.jpg', (context) => {
 *       const photo = sharedData('photos/dog.jpg')
 *       skipUnless(context, photo, 'photos/dog.jpg of the shared data')
 *       ...photo is a string from here on
 */
export function skipUnless(context: TestContext, condition: unknown, why: string): asserts condition {
  if (condition) return
  if (process.env.OCELLUS_REQUIRE_ALL === '1') expect.fail(`needs ${why}, and OCELLUS_REQUIRE_ALL=1`)
  context.skip(`needs ${why}`)
}

/**
 * The absolute path of a file of the shared trials: inputs that once failed. Undefined where it is
 * not there.
 */
export function sharedTrial(name: string): string | undefined {
  const full = resolve(dataFolder, '../trials', name)
  return existsSync(full) ? full : undefined
}
