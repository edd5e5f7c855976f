import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { expect, test } from 'vitest'
import { createTestServer } from '../src/index.js'

test('a message is delivered again when its ack wait has passed on the virtual clock', async () => {
  await using server = await createTestServer()
  const nc = await server.connect()
  const manager = await jetstreamManager(nc)
  await manager.streams.add({ name: 'S', subjects: ['s'] })
  await manager.consumers.add('S', { durable_name: 'c', ack_policy: 'explicit' as never, ack_wait: 30_000_000_000 })
  await jetstream(nc).publish('s', 'x')
  const consumer = await jetstream(nc).consumers.get('S', 'c')
  expect((await consumer.next())?.info.deliveryCount).toBe(1)

  server.clock.advance(31_000)

  expect((await consumer.next())?.info.deliveryCount).toBe(2)
})

test('what was acknowledged survives a power cut', async () => {
  await using server = await createTestServer({ seed: 7 })
  const nc = await server.connect()
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s'] })
  const js = jetstream(nc)
  for (let i = 1; i <= 50; i++) await js.publish('s', `${i}`)

  await server.cutPower()

  const after = await jetstreamManager(await server.connect())
  const { state } = await after.streams.info('S')
  expect(state.messages).toBe(50)
  expect((await after.streams.getMessage('S', { seq: 50 }))?.string()).toBe('50')
})

test('streams are there after a restart and after a kill', async () => {
  await using server = await createTestServer()
  await (await jetstreamManager(await server.connect())).streams.add({ name: 'S', subjects: ['s'] })
  await jetstream(await server.connect()).publish('s', '1')

  await server.restart()
  await jetstream(await server.connect()).publish('s', '2')
  await server.kill()

  expect((await (await jetstreamManager(await server.connect())).streams.info('S')).state.last_seq).toBe(2)
})
