/**
 * The answer of the engine's `probe`, from plain JavaScript arithmetic: tests/engine/probe.test.ts
 * derives it.
 */
export const expectedProbe = 1001839737
