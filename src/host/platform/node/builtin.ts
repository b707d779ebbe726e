import { createRequire } from 'node:module'

/** Of packages, what `import` would read a second time to know the names that they export. */
export const require = createRequire(import.meta.url)

/**
 * Modules of Node that are there or wanted late. To `import` them makes them give all that they
 * export, and load what lies behind it: streams for files, and much for workers, which one picture
 * never needs.
 */
export const fs: typeof import('node:fs') = require('node:fs')
export const workers = (): typeof import('node:worker_threads') => require('node:worker_threads')
export const childProcess = (): typeof import('node:child_process') => require('node:child_process')
