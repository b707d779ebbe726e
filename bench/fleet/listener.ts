import { connect } from 'mqtt'

/**
 * A process of its own that counts events at a broker, with a session that outlives the broker's
 * restarts: `fork(listener.js, [address, topic])`. It sends `{ events, uids }` after each 100 ms
 * in which something came, and the whole list of uids in their order when it is asked.
 */
const [address, topic] = process.argv.slice(2)
const client = connect(address, {
  clientId: `listener-${process.pid}`,
  clean: false,
  reconnectPeriod: 200,
})
const uids = new Set<string>()
let events = 0
let told = -1

client.on('error', () => {})
client.on('message', (_, payload) => {
  events++
  uids.add((JSON.parse(payload.toString()) as { uid: string }).uid)
})
client.subscribe(topic, { qos: 1 }, () => process.send?.({ ready: true }))
setInterval(() => {
  if (told !== events) process.send?.({ events, unique: uids.size })
  told = events
}, 100)
process.on('message', () => process.send?.({ list: [...uids] }, () => process.exit()))
process.on('disconnect', () => process.exit())
