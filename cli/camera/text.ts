import type { CameraResult } from '../../src/host/platform/node/camera.js'

type AnyEvent = CameraResult['events'][number]

/** An event as a line for people: `12:03:04 start person 0.81 k3f9-12 in door`. */
export function eventText(event: AnyEvent): string {
  const at = event.type !== 'camera' && event.position !== undefined ? clock(event.position) : timeOf(event)
  if (event.type === 'camera') {
    const why = event.code === undefined ? '' : ` ${event.code}: ${event.message}`
    return `${at}camera ${event.state}${why}`
  }
  const { type, label, score, id, zone, line, direction, zones, duration } = event
  const words = [`${at}${type.padEnd(6)} ${label} ${score.toFixed(2)} ${id}`]
  if (zone !== undefined) words.push(`zone ${zone}`)
  if (line !== undefined) words.push(`line ${line} ${direction}`)
  if (type === 'start' && zones.length > 0) words.push(`in ${zones.join(', ')}`)
  if (type === 'end') words.push(`after ${duration.toFixed(1)} s`)
  return words.join(', ')
}

const timeOf = ({ time }: AnyEvent): string =>
  time === undefined ? '' : `${new Date(time).toTimeString().slice(0, 8)} `

function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  const two = (value: number): string => String(value).padStart(2, '0')
  const tenth = Math.floor((seconds - whole) * 10)
  return `${Math.floor(whole / 3600)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}.${tenth} `
}
