import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { freePort, hasMosquitto, Mosquitto } from '../../bench/fleet/mosquitto.js'
import { Listener } from '../camera/mqtt/listener.js'
import { hasProgram } from '../helpers/programs.js'
import { ocellus, root, sample, temporaryFolder } from './run.js'

const isReady = hasMosquitto && hasProgram('ffmpeg')

const broker = new Mosquitto(temporaryFolder())
let listener: Listener | undefined
afterEach(async () => {
  await listener?.close()
  listener = undefined
  await broker.stop()
  broker.port = 0
})

/** A film of a few frames in which something is found. */
function film(folder: string): string {
  const file = join(folder, 'film.mp4')
  const words = ['-nostdin', '-v', 'error', '-loop', '1', '-i', sample('astronaut.jpg')]
  spawnSync('ffmpeg', [...words, '-t', '2', '-r', '5', '-pix_fmt', 'yuv420p', file])
  return file
}

describe.runIf(isReady || process.env.OCELLUS_REQUIRE_ALL === '1')('ocellus camera --mqtt', () => {
  it('says that it is there, and the broker that it is not when it was killed', async () => {
    const user = { name: 'ocellus', password: 'geheim77' }
    await broker.start(user)
    listener = await Listener.open(broker.address, user)
    const folder = temporaryFolder()
    const address = broker.address.replace('//', '//ocellus@')
    const words = ['camera', 'test:', '--name', 'yard', '--mqtt', address, '--mqtt-spool', folder]
    const options = ['--discovery', '--labels', 'person', '--zone', 'door:0,0 1,0 1,1', '--events', '-']
    const child = spawn(process.execPath, [join(root, 'dist/cli/main.js'), ...words, ...options], {
      env: { ...process.env, OCELLUS_MQTT_PASSWORD: user.password },
    })
    let said = ''
    child.stderr.on('data', (text: Buffer) => {
      said += text
    })
    child.stdout.resume()
    const exited = new Promise((resolve) => child.on('close', resolve))
    await listener.until('life', () => listener?.last('ocellus/yard/camera') === 'online')
    await listener.until('an event', () => (listener?.events('ocellus/yard/events').uids.length ?? 0) > 1)
    expect(listener.last('ocellus/yard/status')).toBe('online')
    expect(JSON.parse(listener.last('ocellus/yard/state') ?? '')).toMatchObject({ state: 'live' })
    child.kill('SIGKILL')
    await listener.until('the will', () => listener?.last('ocellus/yard/status') === 'offline')
    await exited
    // Who comes later learns of both: they are retained.
    const late = await Listener.open(broker.address, user)
    await late.until('the will', () => late.last('ocellus/yard/status') === 'offline')
    const entity = 'homeassistant/binary_sensor/ocellus_yard/label_person/config'
    await late.until('the entity', () => late.last(entity) !== undefined)
    expect(JSON.parse(late.last(entity) ?? '')).toMatchObject({
      state_topic: 'ocellus/yard/labels/person',
      availability_mode: 'all',
    })
    await late.close()
    expect(said).not.toContain('geheim')
  })

  it('keeps what a broker that is away did not get for the next run', async () => {
    broker.port = await freePort()
    const folder = temporaryFolder()
    const words = ['--threshold', '0.15', '--mqtt', broker.address, '--mqtt-spool', folder, '--events', '-']
    const stop = spawn(process.execPath, [join(root, 'dist/cli/main.js'), 'camera', film(folder), ...words], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let [out, said] = ['', '']
    stop.stdout.on('data', (text: Buffer) => {
      out += text
      // It would wait for the broker for some seconds more.
      if (out.includes('"ended"')) stop.kill('SIGTERM')
    })
    stop.stderr.on('data', (text: Buffer) => {
      said += text
    })
    await new Promise((resolve) => stop.on('close', resolve))
    expect(said).toMatch(/^E_MQTT: mqtt:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED.*; events are kept/)
    const made = out.trim().split('\n').length
    expect(made).toBeGreaterThan(4)
    await broker.start()
    listener = await Listener.open(broker.address)
    const again = await ocellus('camera', film(folder), ...words)
    expect(again).toMatchObject({ code: 0, stderr: '' })
    const events = (): string[] => listener?.events('ocellus/film/events').uids ?? []
    await listener.until('both runs', () => events().length === 2 * made)
    const numbers = events().map((uid) => Number(uid.split('-')[1]))
    expect(numbers).toEqual(numbers.map((_, n) => n + 1))
  })

  it.each([
    [['--mqtt', 'host'], 'E_MQTT: host is no address of a broker'],
    [['--mqtt', 'mqtt://u:geheim@h:x'], 'E_MQTT: mqtt://***@h:x is no address of a broker'],
    [['--mqtt', 'mqtt://h', '--mqtt-topic', '#'], 'E_MQTT: "#" is no start of a topic'],
    [['--discovery'], 'E_OPTION: --discovery is for --mqtt'],
  ])('%o is refused', async (words, text) => {
    const { stdout, stderr } = await ocellus('camera', 'test:', ...words, '--duration', '1s')
    expect({ stdout, stderr }).toEqual({ stdout: '', stderr: expect.stringContaining(text) })
    expect(stderr).not.toContain('geheim')
  })

  it('tells how to get the library that it needs', () => {
    const folder = temporaryFolder()
    const hooks = join(folder, 'hooks.mjs')
    const missing = "Object.assign(new Error('not found'), { code: 'ERR_MODULE_NOT_FOUND' })"
    writeFileSync(
      hooks,
      `import { register } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(\`
export async function resolve(name, context, next) {
  if (name === 'mqtt') throw ${missing}
  return next(name, context)
}\`))`,
    )
    const words = ['camera', 'test:', '--mqtt', 'mqtt://127.0.0.1:1', '--mqtt-spool', folder]
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', hooks, join(root, 'dist/cli/main.js'), ...words],
      { encoding: 'utf8' },
    )
    expect({ status, stderr }).toEqual({
      status: 1,
      stderr: 'E_MQTT: MQTT needs a library that is not installed: npm install mqtt\n',
    })
  })
})
