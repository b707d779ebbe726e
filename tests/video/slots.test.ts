import { expect, test } from 'vitest'
import { LatestSlot } from '../../src/host/index.js'

test('the latest wins, and what it displaces comes back', () => {
  const slot = new LatestSlot<string>()
  expect([slot.put('a'), slot.put('b'), slot.put('c')]).toEqual([undefined, 'a', 'b'])
  expect([slot.take(), slot.take(), slot.dropped]).toEqual(['c', undefined, 2])
})

test('who waits gets the next value at once, first come, first served', async () => {
  const slot = new LatestSlot<number>()
  const [one, two] = [slot[Symbol.asyncIterator](), slot[Symbol.asyncIterator]()]
  const results = Promise.all([one.next(), two.next()])
  expect([slot.put(1), slot.put(2), slot.take()]).toEqual([undefined, undefined, undefined])
  expect((await results).map(({ value }) => value)).toEqual([1, 2])
})

test('a slow reader of a fast source sees the latest each time', async () => {
  const slot = new LatestSlot<number>()
  const seen: number[] = []
  const reading = (async () => {
    for await (const value of slot) {
      seen.push(value)
      // Nine more arrive while this one is looked at.
      for (let n = 1; n <= 9 && value < 90; n++) slot.put(value + n)
      await Promise.resolve()
      if (value >= 90) slot.close()
    }
  })()
  slot.put(0)
  await reading
  expect(seen).toEqual([0, 9, 18, 27, 36, 45, 54, 63, 72, 81, 90])
  expect(slot.dropped).toBe(80)
})

test('undefined is a value too', async () => {
  const slot = new LatestSlot<undefined>()
  slot.put(undefined)
  expect(await slot[Symbol.asyncIterator]().next()).toEqual({ done: false, value: undefined })
})

test('closing', async () => {
  const slot = new LatestSlot<string>()
  const waiting = slot[Symbol.asyncIterator]().next()
  slot.close()
  expect(await waiting).toEqual({ done: true, value: undefined })
  expect(slot.put('late')).toBe('late')
  expect([slot.take(), slot.closed, slot.dropped]).toEqual([undefined, true, 1])
  const full = new LatestSlot<string>()
  full.put('last')
  full.close()
  const left: string[] = []
  for await (const value of full) left.push(value)
  expect(left).toEqual(['last'])
})
