import { expect } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'

/** Every message is one line that fits a terminal. */
const oneLine = /^[^\n]{1,400}$/

function codeOfError(error: unknown, message: RegExp): string {
  if (!(error instanceof OcellusError)) throw error
  expect(error.message).toMatch(oneLine)
  expect(error.message).toMatch(message)
  return error.code
}

/**
 * The code of the OcellusError that `work` throws, or 'none' where it throws nothing. Any other
 * error is thrown on. The error's message must be one line and match `message`.
 */
export function codeOf(work: () => unknown, message = oneLine): string {
  try {
    work()
  } catch (error) {
    return codeOfError(error, message)
  }
  return 'none'
}

/** As `codeOf`, for work that may end later. */
export async function codeOfAsync(work: () => unknown, message = oneLine): Promise<string> {
  try {
    await work()
  } catch (error) {
    return codeOfError(error, message)
  }
  return 'none'
}
