/**
 * node load.mjs MODEL: the most memory that this process held, in KiB, before the model was loaded
 * and after.
 */
import { readFileSync } from 'node:fs'
import { loadModel, Session } from '../../../dist/ocellus.js'

const most = () => Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])

const before = most()
const session = await Session.create(await loadModel(process.argv[2]), { threads: 1 })
console.log(JSON.stringify({ before, after: most(), memoryBytes: session.memoryBytes }))
session.close()
