import { parseRecorded } from './recording.js'
import { Scene, type SceneOptions } from './scene.js'
import type { VideoEvent } from './types.js'

/**
 * The events of a recorded run, from the lines that `ocellus camera --frames` wrote: with the
 * recording's own options the same events, byte for byte, and with others what would have happened,
 * as to tune zones without the video. `options` take the place of the recording's, one by one;
 * `name` is the file's, for messages. Throws E_RECORDING, E_ZONE, E_OPTION.
 *
 *     const lines = createInterface({ input: createReadStream('events.jsonl') })
 *     for await (const event of replay(lines, { zones: ['door:0.1,0.2 0.5,0.2 0.5,0.9'] })) console.log(event)
 */
export async function* replay(
  lines: Iterable<string> | AsyncIterable<string>,
  options: SceneOptions = {},
  name = 'recording',
): AsyncGenerator<VideoEvent, void, undefined> {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  let scene = new Scene(options)
  let number = 0
  for await (const line of lines) {
    number++
    if (line.trim() === '') continue
    const recorded = parseRecorded(line, `${name}:${number}`)
    if (recorded.type === 'scene') {
      // A program that was started again: its ids begin anew.
      yield* scene.close()
      scene = new Scene({ ...recorded.options, ...given })
    } else if (recorded.type === 'gone') yield* scene.close()
    else if (recorded.type === 'frame') {
      if (recorded.detections === undefined) scene.skip(recorded.frame)
      else yield* scene.update(recorded.detections, recorded.frame).events
    }
  }
  yield* scene.close()
}
