/**
 * The contract between host and engine, whole, for what is written from it
 * (scripts/instructions.mjs).
 */
export * from './candidates.js'
export * from './classes.js'
export * from './control.js'
export * from './field.js'
export * from './instruction.js'
export * from './kinds.js'
export * from './sizes.js'
