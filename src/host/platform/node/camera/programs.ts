import { delimiter, join } from 'node:path'
import { OcellusError } from '../../../errors.js'
import { childProcess, fs } from '../builtin.js'

/** Programs of the system that are looked for when they are needed, and how to get them. */
const programs = {
  ffmpeg: {
    names: ['ffmpeg'],
    code: 'E_CAMERA_FFMPEG',
    get: 'install it (`sudo apt install ffmpeg`, `brew install ffmpeg`, `winget install ffmpeg`) or tell where it is (--ffmpeg PATH)',
  },
  rpicam: {
    names: ['rpicam-vid', 'libcamera-vid'],
    code: 'E_CAMERA_RPICAM',
    get: "install it on the Raspberry Pi (`sudo apt install rpicam-apps-lite`; before Debian 12 it's called libcamera-apps-lite)",
  },
} as const

export type ProgramName = keyof typeof programs

/**
 * The path of a program: as told, or found on PATH. Throws E_CAMERA_FFMPEG or E_CAMERA_RPICAM,
 * which say how to get it.
 */
export function findProgram(name: ProgramName, told?: string): string {
  const { names, code, get } = programs[name]
  if (told !== undefined) {
    if (isProgram(told)) return told
    throw new OcellusError(code, `${told} is no program that can be run: ${get}`)
  }
  const endings = process.platform === 'win32' ? ['.exe', ''] : ['']
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    if (folder === '') continue
    for (const file of names)
      for (const ending of endings) {
        const path = join(folder, file + ending)
        if (isProgram(path)) return path
      }
  }
  throw new OcellusError(code, `${names[0]} is not installed: ${get}`)
}

function isProgram(path: string): boolean {
  try {
    fs.accessSync(path, fs.constants.X_OK)
    return fs.statSync(path).isFile()
  } catch {
    return false
  }
}

/**
 * The version of ffmpeg as one number, 5.1 as 501: its options have changed their names. Unknown
 * builds count as new.
 */
export function ffmpegVersion(path: string): Promise<number> {
  return new Promise((resolve) => {
    childProcess().execFile(path, ['-version'], { timeout: 10_000 }, (_, stdout) => {
      const found = /^ffmpeg version n?(\d+)\.(\d+)/.exec(String(stdout))
      resolve(found === null ? 600 : Number(found[1]) * 100 + Number(found[2]))
    })
  })
}
