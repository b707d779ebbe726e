import { describe, expect, test } from 'vitest'
import { Line, type LineOptions, type Point, Zone, type ZoneOptions } from '../../src/host/index.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import { codeOf } from '../helpers/code-of.js'

describe('a zone contains', () => {
  const ell = new Zone('ell:0.1,0.1 0.9,0.1 0.9,0.4 0.4,0.4 0.4,0.9 0.1,0.9')

  test.each<[number, number, boolean]>([
    [0.2, 0.2, true],
    [0.8, 0.2, true],
    [0.2, 0.8, true],
    [0.8, 0.8, false],
    [0.05, 0.2, false],
    [0.95, 0.2, false],
    [0.5, 0.05, false],
    // On the level of corners.
    [0.2, 0.4, true],
    [0.95, 0.4, false],
    [0.05, 0.9, false],
    // On sides and corners.
    [0.1, 0.5, true],
    [0.9, 0.4, true],
    [0.4, 0.9, true],
    [0.6, 0.4, true],
  ])('%d, %d: %s', (x, y, inside) => {
    expect(ell.contains([x, y])).toBe(inside)
  })

  test('what the sum of angles says, for random polygons without crossings', () => {
    const random = new RandomStream(2)
    for (let n = 0; n < 50; n++) {
      // Corners at growing angles around the middle: a star.
      const count = 3 + random.below(12)
      const points = Array.from({ length: count }, (_, i): Point => {
        const [angle, far] = [
          ((i + 0.8 * random.fraction()) * 2 * Math.PI) / count,
          0.1 + 0.38 * random.fraction(),
        ]
        return [0.5 + far * Math.cos(angle), 0.5 + far * Math.sin(angle)]
      })
      const zone = new Zone({ name: 'star', points: random.below(2) > 0 ? points : points.reverse() })
      for (let k = 0; k < 40; k++) {
        const [x, y] = [random.fraction(), random.fraction()]
        let turned = 0
        for (const [i, a] of points.entries()) {
          const b = points[(i + 1) % count]
          const angle = Math.atan2(b[1] - y, b[0] - x) - Math.atan2(a[1] - y, a[0] - x)
          turned += angle > Math.PI ? angle - 2 * Math.PI : angle < -Math.PI ? angle + 2 * Math.PI : angle
        }
        expect(zone.contains([x, y])).toBe(Math.abs(turned) > Math.PI)
      }
    }
  })

  test('the whole picture, its edges too', () => {
    const all = new Zone('all:0,0 1,0 1,1 0,1')
    for (const point of [
      [0, 0],
      [1, 1],
      [0.5, 1],
      [0, 0.3],
      [0.5, 0.5],
    ] as const)
      expect(all.contains(point)).toBe(true)
  })
})

describe('zones that are taken', () => {
  test('points that repeat, and a closing one, are left out', () => {
    const zone = new Zone('a:0,0 0,0 1,0 1,1 1,1 0,0')
    expect(zone.points).toEqual([
      [0, 0],
      [1, 0],
      [1, 1],
    ])
  })

  test('spaces of all kinds, and names of other scripts', () => {
    expect(new Zone(' 前門 2 :  0,0\t1,0 \n 1,1 ')).toMatchObject({ name: '前門 2', inertia: 3, loiterMs: 0 })
  })

  test('a corner on a straight side', () => {
    expect(new Zone('a:0,0 0.5,0 1,0 1,1').contains([0.9, 0.1])).toBe(true)
  })
})

describe('E_ZONE', () => {
  const zone = (points: readonly Point[], more: Partial<ZoneOptions> = {}) => ({
    name: 'door',
    points,
    ...more,
  })

  test.each<[string | ZoneOptions, RegExp]>([
    ['door', /zone 'door': give a name, a colon and points, as in 'door:0.1,0.2 0.5,0.2 0.5,0.9'/],
    [':0,0 1,0 1,1', /give a name of at most 64 letters/],
    ['a/b:0,0 1,0 1,1', /zone 'a\/b': give a name/],
    ['#:0,0 1,0 1,1', /give a name/],
    [`${'x'.repeat(65)}:0,0 1,0 1,1`, /give a name/],
    ['door:', /'' is no point/],
    ['door:0,0 1,0', /a zone needs at least three points/],
    ['door:0,0 1,0 1', /'1' is no point; give x,y with points apart by spaces/],
    ['door:0,0 1,0 1,x', /'1,x' is no point/],
    ['door:0,0 1,0 1,', /'1,' is no point/],
    ['door:0,0 1,0 1,1,1', /'1,1,1' is no point/],
    ['door:0,0 1,0 NaN,1', /is no point/],
    ['door:0,0 1,0 0,0', /three different points/],
    [
      'door:64,36 320,36 320,180',
      /64,36 lies outside the picture; divide pixels by the picture's width and height/,
    ],
    ['door:0,0 1,0 1,1.01', /1,1.01 lies outside/],
    ['door:0,0 1,0 -0.1,1', /-0.1,1 lies outside/],
    ['door:0,0 1,1 1,0 0,1', /sides 1 and 3 meet; give the corners in their order around the zone/],
    ['door:0,0 1,0 0.5,0', /sides 1 and 2 meet/],
    ['door:0,0 0.5,0.5 1,1', /sides 2 and 3 meet/],
    ['door:0,0 1,0 1,1 0.5,0 0,1', /sides 1 and 3 meet/],
    [
      zone([
        [0, 0],
        [1, 0],
      ]),
      /three points/,
    ],
    [zone(Array.from({ length: 201 }, (_, n): Point => [n / 201, 0])), /201 points, more than 200/],
    [
      zone([
        [0, 0],
        [1, 0],
        [Number.NaN, 1],
      ]),
      /NaN,1 lies outside/,
    ],
    [
      zone([
        [0, 0],
        [1, 0],
        [1, Number.POSITIVE_INFINITY],
      ]),
      /outside/,
    ],
  ])('%j', (options, message) => {
    expect(codeOf(() => new Zone(options), message)).toBe('E_ZONE')
  })

  test.each<[string | LineOptions, RegExp]>([
    ['gate', /line 'gate': give a name, a colon and points, as in 'gate:0,0.5 1,0.5'/],
    ['gate:0,0', /1 points; a line has two/],
    ['gate:0,0 1,1 1,0', /3 points; a line has two/],
    ['gate:0.5,0.5 0.5,0.5', /its two points are the same/],
    ['gate:0,0 640,360', /640,360 lies outside the picture/],
  ])('%j', (options, message) => {
    expect(codeOf(() => new Line(options), message)).toBe('E_ZONE')
  })

  test('numbers of zones and lines', () => {
    const points = [
      [0, 0],
      [1, 0],
      [1, 1],
    ] as const
    expect(codeOf(() => new Zone({ name: 'a', points, inertia: 0 }), /inertia of zone 'a' is 0/)).toBe(
      'E_OPTION',
    )
    expect(codeOf(() => new Zone({ name: 'a', points, loiterMs: -1 }), /loiterMs of zone 'a'/)).toBe(
      'E_OPTION',
    )
    const line = { name: 'a', from: [0, 0], to: [1, 1] } as const
    expect(codeOf(() => new Line({ ...line, deadBand: 0.6 }), /deadBand of line 'a' is 0.6/)).toBe('E_OPTION')
    expect(codeOf(() => new Line({ ...line, deadBand: Number.NaN }), /deadBand/)).toBe('E_OPTION')
  })
})

describe('a line', () => {
  const gate = new Line('gate:0.2,0.5 0.8,0.5')

  test('has its right side below, seen from left to right', () => {
    expect([gate.side([0.5, 0.6], 16 / 9), gate.side([0.5, 0.4], 16 / 9)]).toEqual([1, -1])
    // Beyond its ends it goes on.
    expect(gate.side([0, 0.6], 16 / 9)).toBe(1)
  })

  test('has a dead band in heights of the picture, whichever way it runs', () => {
    expect([gate.side([0.5, 0.509], 2), gate.side([0.5, 0.511], 2)]).toEqual([0, 1])
    const upright = new Line('gate:0.5,0 0.5,1')
    // 0.008 of the width is 0.016 of the height.
    expect([upright.side([0.508, 0.5], 2), upright.side([0.504, 0.5], 2)]).toEqual([-1, 0])
    expect([upright.side([0.508, 0.5], 1), upright.side([0.492, 0.5], 2)]).toEqual([0, 1])
  })

  test.each<[Point, Point, 'in' | 'out' | undefined]>([
    [[0.5, 0.4], [0.5, 0.6], 'in'],
    [[0.5, 0.6], [0.5, 0.4], 'out'],
    [[0.3, 0.4], [0.7, 0.6], 'in'],
    [[0.1, 0.4], [0.1, 0.6], undefined],
    [[0.9, 0.6], [0.9, 0.4], undefined],
    // It starts and ends beyond the line's ends, and crosses between them; and the other way about.
    [[0.1, 0.4], [0.35, 0.6], 'in'],
    [[0, 0.4], [0.3, 0.6], undefined],
    [[0.5, 0.4], [0.5, 0.505], undefined],
    [[0.5, 0.4], [0.6, 0.3], undefined],
  ])('from %j to %j: %s', (from, to, direction) => {
    expect(gate.crossing(from, to, 16 / 9)).toBe(direction)
  })

  test('with its points the other way about counts the other way', () => {
    expect(new Line('gate:0.8,0.5 0.2,0.5').crossing([0.5, 0.4], [0.5, 0.6], 1)).toBe('out')
  })
})
