import { OcellusError } from '../../../../errors.js'
import { fs } from '../../builtin.js'

/**
 * Takes a file for this process alone until the function that it returns is called, or the process
 * has ended in whatever way. Throws E_MQTT where another process has it.
 */
export function lockFile(file: string): () => void {
  const lock = `${file}.lock`
  const mine = identity(process.pid)
  for (;;) {
    try {
      fs.writeFileSync(lock, mine, { flag: 'wx' })
      return () => fs.rmSync(lock, { force: true })
    } catch (cause) {
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'EEXIST'))
        throw new OcellusError('E_FILE_WRITE', `${lock} can't be written: ${String(cause)}`, { cause })
      const holder = holderOf(lock)
      const pid = Number.parseInt(holder, 10)
      if (pid > 0 && pid !== process.pid && identity(pid) === holder)
        throw new OcellusError(
          'E_MQTT',
          `process ${pid} keeps its events in ${file}: give each camera a --name of its own`,
        )
      fs.rmSync(lock, { force: true })
    }
  }
}

function holderOf(lock: string): string {
  try {
    return fs.readFileSync(lock, 'latin1').slice(0, 100)
  } catch {
    return ''
  }
}

/**
 * A process, and when it began: its number alone may be another's after the machine has started
 * anew. Empty for one that does not run.
 */
function identity(pid: number): string {
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EPERM')) return ''
  }
  try {
    const began = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')[19]
    return `${pid} ${began}`
  } catch {
    return `${pid}`
  }
}
