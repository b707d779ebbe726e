import { expect, it } from 'vitest'
import '../../src/host/platform/node.js'
import { OcellusError } from '../../src/host/errors.js'
import { operators } from '../../src/host/graph/ops/index.js'
import { readGraph } from '../../src/host/graph/read.js'
import type { Model, Node, Tensor } from '../../src/host/graph/types.js'
import { type VerifiedModel, verifyModel } from '../../src/host/graph/verify.js'
import { planModel } from '../../src/host/plan/plan.js'
import { exposeAll } from '../../tools/quantize/calibrate/expose.js'
import { guardedRun } from '../helpers/guarded.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, randomInput, randomInt8Input, tinyModel } from '../helpers/models.js'
import { randomModel } from '../helpers/random-model.js'
import { differing } from '../helpers/session.js'
import { everyLayer } from '../readers/tiny.js'

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const numbers = [
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  16,
  63,
  64,
  65,
  127,
  128,
  -1,
  0.5,
  255,
  65535,
  65536,
  2 ** 31,
  2 ** 53,
]

/** Every place of a graph where a mutation may strike: a container and a key of it. */
function places(value: Json, found: [Json[] | { [key: string]: Json }, string][] = []) {
  if (typeof value !== 'object' || value === null) return found
  const container = value as { [key: string]: Json }
  for (const key of Object.keys(container)) {
    found.push([container, key])
    places(container[key], found)
  }
  return found
}

function mutate(graph: Json, random: Random): void {
  const all = places(graph)
  const [container, key] = random.pick(all)
  const at = container as { [key: string]: Json }
  const old = at[key]
  if (typeof old === 'number') at[key] = random.pick([...numbers, old + 1, old - 1, old * 2, old / 2, -old])
  else if (typeof old === 'string')
    at[key] = random.pick(
      all.flatMap(([c, k]) => (c as { [key: string]: Json })[k]).filter((v) => typeof v === 'string'),
    )
  else if (Array.isArray(old) && old.length > 0)
    old.splice(random.integer(0, old.length - 1), random.integer(0, 1), random.pick(old))
  else if (random.integer(0, 1) === 0) delete at[key]
  else at[key] = random.pick([null, true, 1, 'x', [], {}])
}

/**
 * Gives tensors the shapes and scales that their nodes make of a mutated attribute, so that more
 * models pass.
 */
function repair(model: Model): Model {
  const tensors = new Map(model.graph.tensors.map((tensor) => [tensor.name, tensor]))
  for (const node of model.graph.nodes) {
    const output = tensors.get(node.outputs[0])
    const inputs = node.inputs.map((name) => tensors.get(name))
    const operator = operators.get(node.op)
    if (output === undefined || operator === undefined || inputs.includes(undefined)) return model
    const view = { node, inputs: inputs as Tensor[], output, constants: constantsOf(node, model) }
    try {
      tensors.set(output.name, { ...output, shape: operator.infer(view) })
    } catch {
      return model
    }
  }
  return { ...model, graph: { ...model.graph, tensors: [...tensors.values()] } }
}

const constantsOf = (node: Node, model: Model) =>
  Object.fromEntries(Object.entries(node.constants).map(([role, name]) => [role, model.constants.get(name)!]))

/** Whether a run takes milliseconds: a model may ask for far more, and get it. */
function isSmall(verified: VerifiedModel): boolean {
  const macs = verified.views.reduce((sum, { view, operator }) => sum + operator.macs(view), 0)
  return macs < 2e7 && planModel(verified).end < 4 << 20
}

const verifies = (model: Model): VerifiedModel | OcellusError => {
  try {
    return verifyModel(model)
  } catch (error) {
    if (error instanceof OcellusError) return error
    throw error
  }
}

/**
 * What accepting a mutated graph means: it runs, within its memory, with the same bytes on every
 * build and plan.
 */
async function check(model: Model, seed: number): Promise<void> {
  const int8 = model.graph.tensors.find(({ name }) => name === model.graph.inputs[0])?.dtype === 'int8'
  const input = int8 ? randomInt8Input(model, seed) : randomInput(model, seed)
  const scalar = await guardedRun(model, input, 'scalar')
  const simd = await guardedRun(exposeAll(model), input, 'simd')
  const what = `mutation ${seed}`
  expect([scalar.strayed, simd.strayed], what).toEqual([undefined, undefined])
  expect(differing(scalar.outputs, simd.outputs), what).toBeUndefined()
}

it.each([
  ['every layer, float', tinyModel(everyLayer, 1)],
  ['every layer, int8', int8Model(tinyModel(everyLayer, 1), 2)],
  ['a random network, float', randomModel(11, 20, true)],
  ['a random network, int8', int8Model(randomModel(12, 20, true), 3)],
])('what is accepted of mutated graphs runs within its memory: %s', async (_what, model) => {
  const random = new Random(model.graph.nodes.length)
  const text = JSON.stringify(model.graph)
  let accepted = 0
  let refused = 0
  for (let seed = 0; seed < 800; seed++) {
    const json: Record<string, Json> = JSON.parse(text)
    const { nodes, tensors, inputs, outputs } = json
    for (let n = random.integer(1, 3); n > 0; n--) mutate({ nodes, tensors, inputs, outputs }, random)
    let mutated: Model
    try {
      mutated = { ...model, graph: readGraph(JSON.stringify(json), 'm') }
    } catch (error) {
      if (!(error instanceof OcellusError)) throw error
      refused++
      continue
    }
    const repaired = repair(mutated)
    const verified = verifies(repaired)
    if (verified instanceof OcellusError) refused++
    else if (isSmall(verified)) {
      accepted++
      await check(repaired, seed)
    }
  }
  expect(accepted).toBeGreaterThan(50)
  expect(refused).toBeGreaterThan(100)
})
