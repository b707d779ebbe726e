import { expect, test } from 'vitest'
import { Workplace } from '../../tools/fuzz/io/run.js'
import { serveWeights, verbsOf } from '../../tools/fuzz/io/verbs.js'
import { scratchFolder } from './child.js'

/** Of each verb some calls; `npm run fuzz:io` has every call of every verb fail. */
test.each([
  ['run', /^(fsync|rename|write|rm|open.*\.tmp)/, 'ENOSPC'],
  ['replay', /^(write|rename|fsync|close|open .*out)/, 'EIO'],
  ['inspect', /^(open|read|close)/, 'EIO'],
])('%s with one call failing keeps or replaces its files, and tells', async (name, calls, error) => {
  const server = await serveWeights()
  try {
    const place = new Workplace(verbsOf(server.address)[name], scratchFolder())
    const all = await place.prepare()
    const chosen = [...all.keys()].filter((n) => calls.test(all[n])).slice(-10)
    expect(chosen.length).toBeGreaterThan(3)
    const outcomes = []
    for (const n of chosen) outcomes.push({ ...(await place.fail(n + 1, error)), wanted: all[n] })
    expect(outcomes.filter(({ result }) => result === 'fault')).toEqual([])
    expect(outcomes.filter(({ result }) => result === 'ended with a code').length).toBeGreaterThan(0)
  } finally {
    server.close()
  }
})
