/** The disk is full: publishers are told, everything else goes on, and so does publishing when there is room again. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { SimulatedDisk } from '@rivulet/filestore/simulation'
import { VirtualClock } from '@rivulet/store-types'
import { expect, test } from 'vitest'
import { createServer } from '../src/index.js'

const PAYLOAD = Buffer.alloc(8000, 'x')
/** When the store looks for room again, at the latest. */
const RETRY_MS = 250

type Answer = { seq?: number; error?: { code: number; err_code: number; description: string } }

async function publish(nc: NatsConnection): Promise<Answer> {
  return JSON.parse((await nc.request('s', PAYLOAD, { timeout: 60_000 })).string())
}

/** Time enough for an answer that does not wait for anything. */
async function roundTrips(nc: NatsConnection, count: number): Promise<undefined> {
  for (let i = 0; i < count; i++) await nc.flush()
  return undefined
}

test('publishers are told that the disk is full, reads and acks go on, and publishing comes back by itself', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 150_000 })
  const clock = new VirtualClock()
  const settings = { jetstream: { storeDir: '/data', maxStore: 2 ** 30 }, seams: { fileSystem: disk, clock } }
  const server = await createServer(settings)
  const nc = await server.connect()
  const manager = await jetstreamManager(nc)
  await manager.streams.add({ name: 'S', subjects: ['s'] })
  await manager.consumers.add('S', { durable_name: 'c', ack_policy: 'explicit' })
  const consumer = await jetstream(nc).consumers.get('S', 'c')

  const acked: number[] = []
  const waiting: Promise<Answer>[] = []
  let refusal: Answer = {}
  for (let i = 0; i < 40 && refusal.error === undefined; i++) {
    const answer = publish(nc)
    const early = await Promise.race([answer, roundTrips(nc, 20)])
    if (early === undefined) waiting.push(answer)
    else if (early.error === undefined) acked.push(early.seq as number)
    else refusal = early
  }

  expect(refusal.error).toEqual({ code: 503, err_code: 10023, description: 'insufficient resources' })
  expect(acked.length).toBeGreaterThan(5)
  const { state } = await manager.streams.info('S')
  expect(state.last_seq).toBeGreaterThanOrEqual(acked.length)
  for (const seq of acked) expect((await manager.streams.getMessage('S', { seq }))?.data).toHaveLength(PAYLOAD.length)
  const messages = await consumer.fetch({ max_messages: 3 })
  for await (const message of messages) message.ack()
  await nc.flush()
  expect(await manager.consumers.info('S', 'c')).toMatchObject({ ack_floor: { stream_seq: 3 }, num_ack_pending: 0 })

  disk.capacityBytes = 2 ** 30 // somebody made room
  clock.advance(RETRY_MS)
  const late = await Promise.all(waiting)

  expect(late.map((answer) => answer.error)).toEqual(late.map(() => undefined))
  expect((await publish(nc)).seq).toBe(acked.length + late.length + 1)
  await nc.close()
  await server.close()
  const again = await createServer(settings)
  const second = await again.connect()
  const info = await (await jetstreamManager(second)).streams.info('S')
  expect(info.state).toMatchObject({ messages: acked.length + late.length + 1, first_seq: 1 })
  await second.close()
  await again.close()
})
