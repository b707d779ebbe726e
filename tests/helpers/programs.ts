import { spawnSync } from 'node:child_process'

/** Whether a program of the system is there. */
export const hasProgram = (name: string, word = '-version'): boolean =>
  spawnSync(name, [word], { stdio: 'ignore' }).error === undefined
