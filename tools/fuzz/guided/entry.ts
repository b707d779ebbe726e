/** What the instrumented bundle is made of. */
export { tryCase } from '../case.js'
export { corpusOf } from '../seeds.js'
export { targets } from '../targets.js'
