/** SIGKILL in the middle of publishing: every acknowledged message is there after the restart. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ChildServer } from './support/child-server.js'

let server: ChildServer

beforeEach(() => {
  server = new ChildServer()
})
afterEach(() => server.remove())

test('a server that is killed while clients publish keeps every acknowledged message and consumer position', async () => {
  await server.start('-js', '-sd', server.file('data'))
  const nc = await connect({ servers: server.url, reconnect: false })
  const manager = await jetstreamManager(nc)
  await manager.streams.add({ name: 'KILL', subjects: ['kill.>'] })
  await manager.consumers.add('KILL', { durable_name: 'w', ack_policy: 'explicit' as never })
  const js = jetstream(nc)
  const acknowledged = new Map<number, string>()
  const consumer = await js.consumers.get('KILL', 'w')
  await Promise.all(Array.from({ length: 20 }, async (_, i) => acknowledged.set((await js.publish('kill.x', `first ${i}`)).seq, `first ${i}`)))
  const fetched = await consumer.fetch({ max_messages: 10, expires: 2000 })
  for await (const message of fetched) expect(await message.ackAck()).toBe(true)

  const lanes = Array.from({ length: 20 }, async (_, lane) => {
    for (let i = 0; ; i++) {
      const text = `lane ${lane} message ${i}`
      const ack = await js.publish('kill.x', text).catch(() => undefined)
      if (!ack) return
      acknowledged.set(ack.seq, text)
      if (acknowledged.size === 2000) server.signal('SIGKILL')
    }
  })
  await Promise.all(lanes)
  await nc.close()
  await server.exited

  await server.start('-js', '-sd', server.file('data'))
  const after = await connect({ servers: server.url })
  const streams = await jetstreamManager(after)
  const { state } = await streams.streams.info('KILL')
  expect(acknowledged.size).toBeGreaterThanOrEqual(2000)
  expect(state.last_seq).toBeGreaterThanOrEqual(Math.max(...acknowledged.keys()))
  expect(state.first_seq).toBe(1)
  const info = await streams.consumers.info('KILL', 'w')
  expect(info.ack_floor.stream_seq).toBe(10)
  const seen = new Map<number, string>()
  const reader = await jetstream(after).consumers.get('KILL')
  for await (const message of await reader.consume({ max_messages: 500 })) {
    seen.set(message.seq, message.string())
    if (message.info.pending === 0) break
  }
  for (const [sequence, text] of acknowledged) expect(seen.get(sequence)).toBe(text)
  await after.close()
})
