/** Archives of file streams: version 2, as they are made here, and version 1, an S2 stream over tar: of nats-server 2.11.9 (fixtures/archive-v1), and broken ones. */
import { readFileSync } from 'node:fs'
import { jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from '@nats-io/nats-core'
import { SimulatedDisk } from '@rivulet/filestore/simulation'
import { encodeS2Stream, S2Decoder } from '@rivulet/store-types'
import { expect, test } from 'vitest'
import { createServer, type CreateServerOptions } from '../src/index.js'
import { request, snapshot } from './support/api-request.js'
import { tarOf, type TarMember } from './support/tar-writer.js'

const folder = new URL('fixtures/archive-v1/', import.meta.url)
const archive = readFileSync(new URL('OLD.s2', folder))
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what the server said, member by member
const expected: any = JSON.parse(readFileSync(new URL('OLD.json', folder), 'utf8'))

const tar = Buffer.concat(unpacked(archive))

function unpacked(bytes: Buffer): Buffer[] {
  const decoder = new S2Decoder()
  const parts = [...decoder.push(bytes)].map((part) => Buffer.from(part))
  decoder.end()
  return parts
}

/** Uploads in chunks; the answer to the last. */
async function restore(nc: NatsConnection, bytes: Buffer, config: object = expected.config) {
  const { name } = config as { name: string }
  const begun = await request(nc, `STREAM.RESTORE.${name}`, { config, state: expected.state })
  if (begun.error) return begun
  for (let at = 0; at < bytes.length; at += 4000) await nc.request(begun.deliver_subject, bytes.subarray(at, at + 4000))
  return JSON.parse((await nc.request(begun.deliver_subject, '')).string())
}

async function started(disk = new SimulatedDisk(), jetstream: Partial<CreateServerOptions['jetstream']> = {}) {
  const server = await createServer({ jetstream: { storeDir: '/data', maxStore: 2 ** 30, ...jetstream }, seams: { fileSystem: disk } })
  const nc = await server.connect()
  const stop = async () => {
    await nc.close()
    await server.close()
  }
  return { disk, nc, stop }
}

/** Everything that clients can see of the stream, with the state as in the reference's answer. */
async function pictureOf(nc: NatsConnection) {
  const { state, created } = await request(nc, 'STREAM.INFO.OLD', { deleted_details: true, subjects_filter: '>' })
  const messages: unknown[] = []
  for (let seq = 1; seq <= state.last_seq; seq++) {
    const { message } = await request(nc, 'STREAM.MSG.GET.OLD', { seq })
    if (message !== undefined) messages.push(message)
  }
  const consumers: unknown[] = []
  for await (const info of (await jetstreamManager(nc)).consumers.list('OLD')) {
    const { name, delivered, ack_floor, num_ack_pending, num_redelivered, num_pending } = info
    consumers.push({ name, delivered: positionOf(delivered), ack_floor: positionOf(ack_floor), num_ack_pending, num_redelivered, num_pending })
  }
  return { created, state, messages, consumers }
}

function positionOf({ consumer_seq, stream_seq }: { consumer_seq: number; stream_seq: number }) {
  return { consumer_seq, stream_seq }
}

const original = {
  created: expected.created,
  // The last sequence is a removed one: of its time an archive of messages says nothing.
  state: { ...expected.info, last_ts: expected.messages.at(-1).time },
  messages: expected.messages,
  consumers: expected.consumers.map((consumer: { delivered: never; ack_floor: never; config: never }) => {
    const { config: _, ...rest } = consumer
    return { ...rest, delivered: positionOf(consumer.delivered), ack_floor: positionOf(consumer.ack_floor) }
  }),
}

test.each([
  ['a file stream', {}, {}],
  ['a file stream that is encrypted', {}, { encryption: { key: 'k' } }],
  ['a memory stream', { storage: 'memory', compression: 'none' }, {}],
])('%s is restored from an archive of nats-server 2.11, with its consumers', async (_, changes, jetstream) => {
  const { disk, nc, stop } = await started(new SimulatedDisk(), jetstream)

  const answer = await restore(nc, archive, { ...expected.config, ...changes })

  expect(answer.error).toBeUndefined()
  const picture = await pictureOf(nc)
  // A message weighs less in memory.
  const bytes = 'storage' in changes ? picture.state.bytes : original.state.bytes
  expect(picture).toEqual({ ...original, state: { ...original.state, bytes } })
  expect([...disk.files().keys()].filter((path) => path.includes('__snapshots__'))).toEqual([])
  await stop()
})

test('a restored stream is there after a restart, and takes more', async () => {
  const first = await started()
  await restore(first.nc, archive)
  await first.stop()
  const second = await started(first.disk)

  expect(await pictureOf(second.nc)).toEqual(original)
  const ack = JSON.parse((await second.nc.request('old.1', 'more')).string())
  expect(ack).toEqual({ stream: 'OLD', seq: 61 })
  await second.stop()
})

test('a file stream with removed, erased and compressed messages is the same after a snapshot and a restore', async () => {
  const { nc, stop } = await started()
  await restore(nc, archive)
  await request(nc, 'STREAM.MSG.DELETE.OLD', { seq: 33 })
  await request(nc, 'STREAM.MSG.DELETE.OLD', { seq: 34, no_erase: true })
  await request(nc, 'STREAM.PURGE.OLD', { filter: 'old.2', keep: 3 })
  const before = await pictureOf(nc)
  const taken = await snapshot(nc, 'OLD')
  await request(nc, 'STREAM.DELETE.OLD', {})

  const answer = await restore(nc, taken.archive)

  expect(answer.error).toBeUndefined()
  const after = await pictureOf(nc)
  expect({ ...after, created: before.created }).toEqual(before)
  await stop()
})

const meta: TarMember = { name: 'meta.inf', bytes: Buffer.from(JSON.stringify({ ...expected.config, name: 'OTHER' })) }

test.each<[string, Buffer, string]>([
  ['cut inside a file', encodeS2Stream(tar.subarray(0, 5000)), 'backup was truncated'],
  ['cut between two files', encodeS2Stream(tar.subarray(0, tar.length - 1024)), 'backup was truncated'],
  ['cut inside the S2 stream', archive.subarray(0, 9000), 's2: corrupt input'],
  ['empty', encodeS2Stream(Buffer.alloc(0)), 'backup was truncated'],
  ['without a configuration', encodeS2Stream(tarOf([{ name: 'msgs/1.blk' }])), 'backup has no meta.inf'],
  ['of another stream', encodeS2Stream(tarOf([meta])), 'stream names do not match'],
  ['with a configuration that is none', encodeS2Stream(tarOf([{ name: 'meta.inf', bytes: Buffer.from('{') }])), 'no configuration of a stream'],
  ['that tells of errors', encodeS2Stream(tarOf([meta, { name: 'errors.txt', bytes: Buffer.from('x') }])), 'backup is incomplete'],
  ['with a path upwards', encodeS2Stream(tarOf([{ name: '../../escaped' }])), 'unexpected content'],
  ['with a path upwards in an extended header', encodeS2Stream(tarOf([{ name: 'x', extended: { path: 'msgs/../../up' } }])), 'unexpected content'],
  ['with an absolute path', encodeS2Stream(tarOf([{ name: '/etc/escaped' }])), 'unexpected content'],
  ['with a link', encodeS2Stream(tarOf([{ name: 'msgs/1.blk', type: '2' }])), 'unexpected content'],
  ['with a folder', encodeS2Stream(tarOf([{ name: 'msgs', type: '5' }])), 'unexpected content'],
  ['with a file twice', encodeS2Stream(tarOf([meta, meta])), 'unexpected content'],
  ['with a file of 300 MB', encodeS2Stream(tarOf([{ name: 'msgs/1.blk', size: 300e6 }])), 'backup holds a file of 300000000 bytes'],
  ['that is no tar', encodeS2Stream(Buffer.alloc(2000, 'x')), 'archive/tar: invalid tar header'],
])('an archive %s is refused, and leaves nothing', async (_, bytes, reason) => {
  const { disk, nc, stop } = await started()

  const answer = await restore(nc, bytes)

  expect(answer.error).toMatchObject({ code: 500, err_code: 10062 })
  expect(answer.error.description).toContain(reason)
  expect([...disk.files().keys()].filter((path) => /snapshots|OLD|escaped|up$/.test(path))).toEqual([])
  expect((await restore(nc, archive)).error).toBeUndefined()
  await stop()
})

test('an archive that does not fit is refused, and leaves nothing', async () => {
  const { disk, nc, stop } = await started(new SimulatedDisk(), { maxStore: 20_000 })

  const answer = await restore(nc, archive, { ...expected.config, max_bytes: -1 })

  expect(answer.error).toMatchObject({ err_code: 10047 })
  expect([...disk.files().keys()].filter((path) => /snapshots|OLD/.test(path))).toEqual([])
  await stop()
})

test('what a crash leaves of an archive goes at the next start', async () => {
  const first = await started()
  const begun = await request(first.nc, 'STREAM.RESTORE.OLD', { config: expected.config, state: expected.state })
  await first.nc.request(begun.deliver_subject, archive)
  expect([...first.disk.files().keys()].some((path) => path.includes('__snapshots__'))).toBe(true)
  first.disk.kill()
  await first.stop().catch(() => {})
  const second = await started(first.disk)

  expect([...first.disk.files().keys()].filter((path) => /snapshots|OLD/.test(path))).toEqual([])
  await second.stop()
})
