/** Encrypted streams through the server: what the disk shows, restarts, other ciphers and keys, archives. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { SimulatedDisk } from '@rivulet/filestore/simulation'
import { describe, expect, test } from 'vitest'
import { createServer, type CreateServerOptions } from '../src/index.js'
import { request, snapshot } from './support/api-request.js'

const PAYLOAD = 'ENCRYPTED PAYLOAD'
const DESCRIPTION = 'nobody reads this from the disk'

type Encryption = NonNullable<CreateServerOptions['jetstream']>['encryption']

async function start(disk: SimulatedDisk, encryption?: Encryption) {
  const jetstream = { storeDir: '/data', ...(encryption && { encryption }) }
  const server = await createServer({ jetstream, seams: { fileSystem: disk } })
  const nc = await server.connect()
  const stop = async () => {
    await nc.close()
    await server.close()
  }
  return { nc, stop }
}

/** 60 messages in several blocks, and a consumer that has two of three acknowledged. */
async function fill(nc: NatsConnection): Promise<void> {
  const manager = await jetstreamManager(nc)
  await manager.streams.add({ name: 'S', subjects: ['secret.>'], description: DESCRIPTION, max_bytes: 100_000 })
  for (let i = 1; i <= 60; i++) await jetstream(nc).publish(`secret.${i}`, `${PAYLOAD} ${i} `.repeat(40))
  await manager.streams.deleteMessage('S', 7)
  await manager.consumers.add('S', { durable_name: 'c', ack_policy: 'explicit', description: DESCRIPTION })
  const messages = await (await jetstream(nc).consumers.get('S', 'c')).fetch({ max_messages: 3 })
  for await (const message of messages) if (message.seq !== 2) await message.ackAck()
}

async function pictureOf(nc: NatsConnection) {
  const manager = await jetstreamManager(nc)
  const { config, created, state } = await manager.streams.info('S', { deleted_details: true })
  const { config: consumer, delivered, ack_floor, num_ack_pending } = await manager.consumers.info('S', 'c')
  const messages: unknown[] = []
  for (let seq = 1; seq <= state.last_seq; seq++) messages.push(await request(nc, 'STREAM.MSG.GET.S', { seq }))
  const positions = [delivered, ack_floor].map(({ consumer_seq, stream_seq }) => [consumer_seq, stream_seq])
  return { config, created, state, messages, consumer, positions, num_ack_pending }
}

async function filled(encryption: Encryption) {
  const disk = new SimulatedDisk()
  const { nc, stop } = await start(disk, encryption)
  await fill(nc)
  const picture = await pictureOf(nc)
  await stop()
  return { disk, picture }
}

async function pictureAfterStart(disk: SimulatedDisk, encryption?: Encryption) {
  const { nc, stop } = await start(disk, encryption)
  try {
    return await pictureOf(nc)
  } finally {
    await stop()
  }
}

describe.each<[string, NonNullable<Encryption>]>([
  ['without a cipher', { key: 's3cr3t!!' }],
  ['with chacha', { key: 's3cr3t!!', cipher: 'chacha' }],
  ['with aes', { key: 's3cr3t!!', cipher: 'aes' }],
])('a key %s', (_, encryption) => {
  test('leaves nothing readable on the disk', async () => {
    const { disk } = await filled(encryption)

    const readable = [...disk.files()].filter(([, bytes]) => {
      return [PAYLOAD, DESCRIPTION, 'secret.', encryption.key].some((text) => bytes.includes(text))
    })
    expect(readable.map(([path]) => path)).toEqual([])
  })

  test('opens the same stream at every start, also without its index, and stays the key of it', async () => {
    const { disk, picture } = await filled(encryption)
    const keys = () => [...disk.files()].filter(([path]) => path.endsWith('.key')).map(([path, bytes]) => [path, bytes.toString('hex')])
    const before = keys()

    expect(await pictureAfterStart(disk, encryption)).toEqual(picture)
    for (let i = 0; i < 2; i++) {
      disk.loseEntry('/data/jetstream/$G/streams/S/msgs/index.db')
      expect(await pictureAfterStart(disk, encryption)).toEqual(picture)
    }
    expect(keys()).toEqual(before)
  })

  test('is not needed where an archive of the stream is restored', async () => {
    const { disk, picture } = await filled(encryption)
    const source = await start(disk, encryption)
    const { archive, config, state } = await snapshot(source.nc, 'S')
    await source.stop()
    const target = await start(new SimulatedDisk())
    const { deliver_subject: to } = await request(target.nc, 'STREAM.RESTORE.S', { config, state })
    await target.nc.request(to, archive)
    await target.nc.request(to, '')

    const { created: _made, ...rest } = picture
    expect(await pictureOf(target.nc)).toMatchObject(rest)
    await target.stop()
  })
})

test.each([
  ['aes', 'chacha'],
  ['chacha', 'aes'],
] as const)('a stream of %s is the same after a start with %s, and after one more', async (before, after) => {
  const { disk, picture } = await filled({ key: 'k', cipher: before })

  expect(await pictureAfterStart(disk, { key: 'k', cipher: after })).toEqual(picture)
  expect(await pictureAfterStart(disk, { key: 'k', cipher: after })).toEqual(picture)
})

test.each(['chacha', 'aes'] as const)('with %s a new key needs the previous one once', async (cipher) => {
  const { disk, picture } = await filled({ key: 'old', cipher })

  await expect(pictureAfterStart(disk, { key: 'new', cipher })).rejects.toThrow('does not open its meta.key')
  expect(await pictureAfterStart(disk, { key: 'new', cipher, previousKey: 'old' })).toEqual(picture)
  expect(await pictureAfterStart(disk, { key: 'new', cipher })).toEqual(picture)
  await expect(pictureAfterStart(disk, { key: 'old', cipher })).rejects.toThrow('does not open its meta.key')
})

test('a plain stream is encrypted at the first start with a key', async () => {
  const { disk, picture } = await filled(undefined)

  expect(await pictureAfterStart(disk, { key: 'k' })).toEqual(picture)
  expect([...disk.files()].filter(([, bytes]) => bytes.includes(PAYLOAD) || bytes.includes(DESCRIPTION)).map(([path]) => path)).toEqual([])
})
