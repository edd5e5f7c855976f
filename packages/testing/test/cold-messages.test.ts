/** Messages in blocks that are not in memory: whoever asks for one waits, and the server goes on. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { describe, expect, test } from 'vitest'
import { createTestServer, type TestServer } from '../src/index.js'

const COUNT = 300
const PAYLOAD = 'p'.repeat(300)

/** A stream of several blocks, none of them in memory, and how often a block was read while everything waited. */
async function coldStream(): Promise<{ server: TestServer; waits: () => number }> {
  const server = await createTestServer()
  const nc = await server.connect()
  const limits = { max_bytes: 120_000, allow_direct: true }
  await (await jetstreamManager(nc)).streams.add({ name: 'S', subjects: ['s.*'], ...limits })
  const acks = Array.from({ length: COUNT }, (_, i) => jetstream(nc).publish(`s.${i + 1}`, PAYLOAD))
  await Promise.all(acks)
  await server.restart()
  // What the search for message ids brought into memory goes when nobody asks for it.
  server.clock.advance(60_000)
  let waits = 0
  const open = server.disk.open.bind(server.disk)
  server.disk.open = (path, mode) => {
    const file = open(path, mode)
    if (!path.endsWith('.blk')) return file
    const [read, readAsync] = [file.read.bind(file), file.readAsync.bind(file)]
    file.read = (target, offset, size, position) => {
      // The header of a file, and the record that tells a time, are small.
      if (size > 1000) waits++
      return read(target, offset, size, position)
    }
    file.readAsync = (target, offset, size, position) => {
      // It reads by way of `read`.
      waits--
      return readAsync(target, offset, size, position)
    }
    return file
  }
  return { server, waits: () => waits }
}

describe('a message that is not in memory', () => {
  test.each<[string, (server: TestServer) => Promise<unknown>, unknown]>([
    [
      'a direct get by sequence',
      async (server) => (await (await jetstreamManager(await server.connect())).direct.getMessage('S', { seq: 7 }))?.seq,
      7,
    ],
    [
      'a direct get of the last one of a subject',
      async (server) => (await (await server.connect()).request('$JS.API.DIRECT.GET.S.s.7', '')).headers?.get('Nats-Sequence'),
      '7',
    ],
    [
      'a direct get of the next one of a subject',
      async (server) => {
        const query = { seq: 1, next_by_subj: 's.7' }
        return (await (await jetstreamManager(await server.connect())).direct.getMessage('S', query))?.seq
      },
      7,
    ],
    [
      'a get by sequence',
      async (server) => (await (await jetstreamManager(await server.connect())).streams.getMessage('S', { seq: 7 }))?.seq,
      7,
    ],
    [
      'a removal',
      async (server) => (await jetstreamManager(await server.connect())).streams.deleteMessage('S', 7, false),
      true,
    ],
    ['a consumer', (server) => consume(server), COUNT],
  ])('is waited for by %s', async (_, ask, expected) => {
    const { server, waits } = await coldStream()

    expect([await ask(server), waits()]).toEqual([expected, 0])
    await server[Symbol.asyncDispose]()
  })

  test('that can not be read is answered for all the same', async () => {
    const { server } = await coldStream()
    const manager = await jetstreamManager(await server.connect())
    server.disk.addFault({ operation: 'read', path: '/1.blk', code: 'EIO', times: 1000 })

    expect(await manager.direct.getMessage('S', { seq: 7 })).toBeNull()
    expect(await consume(server)).toBeLessThan(COUNT)
    await server[Symbol.asyncDispose]()
  })
})

/** How many messages an ordered consumer gets. */
async function consume(server: TestServer): Promise<number> {
  const nc = await server.connect()
  const consumer = await jetstream(nc).consumers.get('S')
  let count = 0
  const messages = await consumer.consume({ max_messages: 20 })
  for await (const message of messages) {
    count++
    if (message.info.pending === 0) break
  }
  return count
}
