import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { disturbed, walkers } from '../helpers/mot.js'
import { ocellus, temporaryFolder } from './run.js'

const folder = temporaryFolder()
const [truth, results] = [join(folder, 'gt.txt'), join(folder, 'result.txt')]

beforeAll(() => {
  writeFileSync(truth, walkers(1))
  writeFileSync(results, disturbed(walkers(1), 101))
})

// Figures of TrackEval: see tests/evaluate/tracking.test.ts.
test('a table in percent', async () => {
  const { code, stdout } = await ocellus('eval', '--tracks', truth, results)
  expect(code).toBe(0)
  expect(stdout.split('\n')[0].trim().split(/\s+/)[0]).toBe('HOTA')
  expect(stdout.split('\n')[1].trim().split(/\s+/)).toEqual([
    '36.4',
    '45.4',
    '29.2',
    '76.1',
    '54.8',
    '70.4',
    '51.5',
    '25',
    '206',
    '227',
  ])
})

test('JSON, and every sixth frame', async () => {
  const { stdout } = await ocellus('eval', '--tracks', truth, results, '--every', '6', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ frames: 20, objects: 10 })
})

test.each([
  [['--tracks', truth], 2, /^E_OPTION: give the results too/],
  [['--tracks', join(folder, 'none.txt'), results], 1, /^E_FILE_(MISSING|READ): .*none\.txt/],
  [['--tracks', truth, results, '--every', '0'], 2, /^E_OPTION/],
])('%j', async (words, expected, message) => {
  const { code, stderr } = await ocellus('eval', ...words)
  expect(code).toBe(expected)
  expect(stderr).toMatch(message)
})
