import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Spool } from '../../../src/host/platform/node/camera/mqtt/spool.js'
import { temporaryFolder } from '../../cli/run.js'
import { codeOfAsync } from '../../helpers/code-of.js'

async function open(file: string, keepBytes = 1e6) {
  const warnings: string[] = []
  const spool = await Spool.open({ file, keepBytes, warn: (text) => warnings.push(text) })
  return { spool, warnings }
}

const newFile = (): string => join(temporaryFolder(), 'deep', 'front.spool')
const message = (uid: string): string => JSON.stringify({ uid })
const numbers = (spool: Spool): number[] => spool.pending.map(({ number }) => number)

describe('a spool', () => {
  it('keeps messages in order and under their ids until they have arrived, from run to run', async () => {
    const file = newFile()
    const first = await open(file)
    for (let n = 0; n < 5; n++) first.spool.add(message)
    await first.spool.close()
    expect(numbers(first.spool)).toEqual([1, 2, 3, 4, 5])
    const second = await open(file)
    expect(second.spool.id).toBe(first.spool.id)
    expect(second.spool.pending).toEqual(first.spool.pending)
    expect(second.spool.pending[0].text).toBe(`{"uid":"${first.spool.id}-1"}`)
    second.spool.arrived(3)
    second.spool.add(message)
    await second.spool.close()
    const third = await open(file)
    expect(numbers(third.spool)).toEqual([4, 5, 6])
    third.spool.arrived(6)
    await third.spool.close()
    const fourth = await open(file)
    fourth.spool.add(message)
    await fourth.spool.close()
    // A number that has been used does not come again, though nothing of it is left in the file.
    expect(numbers(fourth.spool)).toEqual([7])
    expect([first, second, third, fourth].flatMap(({ warnings }) => warnings)).toEqual([])
  })

  it('has a message pending only when it is in the file', async () => {
    const file = newFile()
    const { spool } = await open(file)
    const ready = new Promise<void>((resolve) => {
      spool.onReady = resolve
    })
    spool.add(message)
    expect(spool.pending).toEqual([])
    expect(spool.isWritten).toBe(false)
    await ready
    expect(readFileSync(file, 'utf8')).toContain(`+1 ${spool.pending[0].text}\n`)
    await spool.close()
    expect(spool.isWritten).toBe(true)
  })

  it('forgets a last line that was cut off, and no other', async () => {
    const file = newFile()
    const { spool } = await open(file)
    spool.add(message)
    spool.add(message)
    await spool.close()
    appendFileSync(file, '+3 {"uid":"cut')
    const again = await open(file)
    expect(numbers(again.spool)).toEqual([1, 2])
    again.spool.add(message)
    await again.spool.close()
    const third = await open(file)
    expect(numbers(third.spool)).toEqual([1, 2, 3])
    await third.spool.close()
    expect(again.warnings).toEqual([])
  })

  it('leaves out damaged lines and says so', async () => {
    const file = newFile()
    const { spool } = await open(file)
    spool.add(message)
    await spool.close()
    appendFileSync(file, 'nonsense\n+1 {"again":1}\n+x {}\n-\n+9 {"uid":"ok"}\n+10 [1]\n')
    const again = await open(file)
    expect(numbers(again.spool)).toEqual([1, 9])
    expect(again.warnings).toEqual([expect.stringContaining('5 damaged lines')])
    await again.spool.close()
  })

  it.each(['hello\n', '\0\0\0\0', '=UPPER 1\n', '=abc -1\n'])('puts %j aside', async (text) => {
    const file = newFile()
    mkdirSync(dirname(file))
    writeFileSync(file, text)
    const { spool, warnings } = await open(file)
    expect(spool.pending).toEqual([])
    expect(warnings).toEqual([expect.stringContaining('is no spool of ours')])
    expect(readFileSync(`${file}.bad`, 'utf8')).toBe(text)
    await spool.close()
  })

  it('drops the oldest beyond its cap, and says so once', async () => {
    const file = newFile()
    const { spool, warnings } = await open(file, 100)
    for (let n = 0; n < 30; n++) spool.add(() => '{"twenty":"letters"}')
    await spool.close()
    expect(numbers(spool)).toEqual([26, 27, 28, 29, 30])
    expect(warnings).toEqual([expect.stringMatching(/^E_MQTT: .*the oldest are dropped$/)])
    const again = await open(file, 40)
    expect(numbers(again.spool)).toEqual([29, 30])
    await again.spool.close()
  })

  it('does not grow while messages come and arrive', async () => {
    const file = newFile()
    const { spool } = await open(file)
    for (let n = 1; n <= 2000; n++) {
      spool.add((uid) => JSON.stringify({ uid, text: 'x'.repeat(200) }))
      if (n % 20) continue
      while (!spool.isWritten) await new Promise((resolve) => setTimeout(resolve, 1))
      spool.arrived(n)
    }
    await spool.close()
    expect(statSync(file).size).toBeLessThan(200_000)
    const again = await open(file)
    expect(again.spool.pending).toEqual([])
    await again.spool.close()
  })

  it('goes on in memory when the disk takes nothing, and writes all when it does again', async () => {
    const file = newFile()
    const { spool, warnings } = await open(file)
    // Longer than the length at which the file is written anew, which needs the folder.
    const long = (uid: string): string => JSON.stringify({ uid, text: 'x'.repeat(70_000) })
    const written = async (): Promise<void> => {
      while (!spool.isWritten) await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const folder = dirname(file)
    spool.add(long)
    await written()
    renameSync(folder, `${folder}-away`)
    writeFileSync(folder, 'a file where the folder was')
    spool.arrived(1)
    spool.add(message)
    await written()
    expect(numbers(spool)).toEqual([2])
    rmSync(folder)
    renameSync(`${folder}-away`, folder)
    spool.add(message)
    await spool.close()
    expect(warnings).toEqual([
      expect.stringMatching(/^E_MQTT: .*kept in memory only/),
      expect.stringMatching(/^mqtt: events are kept in .* again$/),
    ])
    const again = await open(file)
    expect(numbers(again.spool)).toEqual([2, 3])
    await again.spool.close()
  })

  it('is one process alone', async () => {
    const file = newFile()
    const { spool } = await open(file)
    await spool.close()
    expect(existsSync(`${file}.lock`)).toBe(false)
    // The process that runs this one is certainly there.
    const stat = readFileSync(`/proc/${process.ppid}/stat`, 'latin1').split(') ')[1].split(' ')[19]
    writeFileSync(`${file}.lock`, `${process.ppid} ${stat}`)
    expect(await codeOfAsync(() => open(file), /--name of its own/)).toBe('E_MQTT')
    // The same number after the machine has started anew is another process.
    writeFileSync(`${file}.lock`, `${process.ppid} 1${stat}`)
    await (await open(file)).spool.close()
    writeFileSync(`${file}.lock`, 'nonsense')
    await (await open(file)).spool.close()
  })
})
