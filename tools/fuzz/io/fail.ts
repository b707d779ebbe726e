/**
 * Loaded by `--import` before the command: has one call of node:fs fail, the one of the number in
 * OCELLUS_FAIL_CALL, with the error in OCELLUS_FAIL_ERROR. Calls on the package's own modules and
 * on those of others do not count: what fails before a program is loaded is not the program's to
 * tell. The calls are listed in the file OCELLUS_FAIL_LOG when the process ends.
 */
import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { constants } from 'node:os'

type Callable = (this: unknown, ...args: unknown[]) => unknown

const { OCELLUS_FAIL_CALL, OCELLUS_FAIL_ERROR = 'EIO', OCELLUS_FAIL_LOG } = process.env
const wanted = Number(OCELLUS_FAIL_CALL ?? 0)
const calls: string[] = []
const writeLog = fs.writeFileSync
/** Descriptors of files whose calls do not count. */
const passedOver = new Set<unknown>()

const isModule = (path: string): boolean => /[\\/](?:node_modules|dist)[\\/]/.test(path)

const textOf = (subject: unknown): string =>
  typeof subject === 'string' || typeof subject === 'number' || subject instanceof URL
    ? String(subject)
    : 'a handle'

/** Counts a call; the error where it is the one that fails. */
function failure(name: string, subject: unknown): Error | undefined {
  const path = textOf(subject)
  if (passedOver.has(subject) || isModule(path)) return undefined
  calls.push(`${name} ${path}`)
  if (calls.length !== wanted) return undefined
  const errno = Object.entries(constants.errno).find(([code]) => code === OCELLUS_FAIL_ERROR)?.[1] ?? 5
  return Object.assign(new Error(`${OCELLUS_FAIL_ERROR}: made to fail, ${name} '${path}'`), {
    code: OCELLUS_FAIL_ERROR,
    errno: -errno,
    syscall: name,
    path,
  })
}

/** Closing ends a file even where it fails. */
const doesAnyway = (name: string): boolean => name.startsWith('close')

function replace(object: object, name: string, make: (real: Callable) => Callable): void {
  const real: unknown = Reflect.get(object, name)
  if (typeof real !== 'function') return
  const changed = make(function (this: unknown, ...args) {
    return Reflect.apply(real, this, args)
  })
  const { name: _, length: __, prototype: ___, ...rest } = Object.getOwnPropertyDescriptors(real)
  Object.defineProperties(changed, rest)
  Reflect.set(object, name, changed)
}

const sync = (name: string): void =>
  replace(fs, name, (real) => (...args) => {
    const error = failure(name, args[0])
    if (error !== undefined && name === 'existsSync') return false
    if (error !== undefined && doesAnyway(name)) real.apply(fs, args)
    if (error !== undefined) throw error
    const result = real.apply(fs, args)
    if (name === 'openSync' && isModule(textOf(args[0]))) passedOver.add(result)
    if (name === 'closeSync') passedOver.delete(args[0])
    return result
  })

const withCallback = (name: string): void =>
  replace(fs, name, (real) => (...args) => {
    const error = failure(name, args[0])
    const callback = args[args.length - 1]
    if (error === undefined || typeof callback !== 'function') return real.apply(fs, args)
    const tell = (): void => Reflect.apply(callback, undefined, [error])
    if (doesAnyway(name)) return real.apply(fs, [...args.slice(0, -1), tell])
    process.nextTick(tell)
    return undefined
  })

const withPromise = (object: object, name: string, subject: (args: unknown[]) => unknown): void =>
  replace(
    object,
    name,
    (real) =>
      async function (this: unknown, ...args) {
        const error = failure(name, subject(args))
        if (error !== undefined && doesAnyway(name)) await real.apply(this, args)
        if (error !== undefined) throw error
        return real.apply(this, args)
      },
  )

const onPaths =
  'access,appendFile,chmod,copyFile,lstat,mkdir,mkdtemp,open,opendir,readFile,readdir,readlink,realpath,rename,rm,rmdir,stat,statfs,symlink,truncate,unlink,utimes,writeFile'.split(
    ',',
  )
const onFiles = 'close,fdatasync,fstat,fsync,ftruncate,read,readv,write,writev'.split(',')
const onHandles = 'close,datasync,read,readFile,stat,sync,truncate,write,writeFile,writev'.split(',')

const handle = await fs.promises.open(process.execPath)
const handles: object = Object.getPrototypeOf(handle)
await handle.close()
for (const name of [...onPaths, ...onFiles]) {
  sync(`${name}Sync`)
  withCallback(name)
}
sync('existsSync')
for (const name of onPaths) withPromise(fs.promises, name, ([path]) => path)
for (const name of onHandles) withPromise(handles, name, () => 'a handle')
syncBuiltinESMExports()

if (OCELLUS_FAIL_LOG !== undefined)
  process.on('exit', () => writeLog(OCELLUS_FAIL_LOG, JSON.stringify(calls)))
