/** A flipped bit in a data directory: told in the log, in the stream's state and in an event; the rest is served. */
import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { SimulatedDisk } from '@rivulet/filestore/simulation'
import { VirtualClock } from '@rivulet/store-types'
import { expect, test } from 'vitest'
import { createServer } from '../src/index.js'

const MESSAGE_SIZE = 10_000
const EVENTS = '$JS.EVENT.ADVISORY.STREAM.DAMAGED.>'
const SEQUENCES = Array.from({ length: 10 }, (_, i) => i + 1)

/** At noon of a day in 2030: what a start reads depends on how old it is. */
async function start(disk: SimulatedDisk, day: number) {
  const lines: string[] = []
  const log = (...parts: unknown[]): void => void lines.push(String(parts.at(-1)))
  const logger = { info: log, warn: log, error: log, debug: log, trace: log, fatal: log }
  const clock = new VirtualClock(BigInt(Date.UTC(2030, 0, day, 12)) * 1_000_000n)
  const server = await createServer({ jetstream: { storeDir: '/data' }, seams: { fileSystem: disk, logger, clock } })
  const nc = await server.connect()
  const { streams } = await jetstreamManager(nc)
  const stop = async () => {
    await nc.close()
    await server.close()
  }
  return { nc, lines, streams, stop }
}

/** Ten messages in stream S, three a block, and a stream that keeps advisories about damage. */
async function filledDisk(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk()
  const { nc, streams, stop } = await start(disk, 1)
  await streams.add({ name: 'S', subjects: ['s'], max_bytes: 120_000 })
  await streams.add({ name: 'Z', subjects: [EVENTS] })
  for (const seq of SEQUENCES) await jetstream(nc).publish('s', payloadOf(seq))
  await stop()
  return disk
}

function payloadOf(seq: number): string {
  return `payload ${seq};`.padEnd(MESSAGE_SIZE, '.')
}

/** Flips a bit of a payload; the path and size of its block. */
function damage(disk: SimulatedDisk, seq: number): { path: string; size: number } {
  const [path, bytes] = [...disk.files()].find(([name, content]) => name.endsWith('.blk') && content.includes(`payload ${seq};`)) ?? []
  if (path === undefined || bytes === undefined) throw new Error('there is no such payload')
  disk.flipBit(path, bytes.indexOf(`payload ${seq};`) + 100, 3)
  return { path, size: bytes.length }
}

test.each([
  ['in a block that is read later', 2, 'live'],
  ['in the last block, which is read at the start', 10, 'kept'],
])('a damaged record %s costs its message, and is told in the log, in the state and in an event', async (_, damaged, how) => {
  const disk = await filledDisk()
  const { path, size } = damage(disk, damaged)
  const { nc, lines, streams, stop } = await start(disk, 2)
  const live: string[] = []
  nc.subscribe(EVENTS, { callback: (_, message) => void live.push(message.string()) })
  await nc.flush()

  const found: (string | undefined)[] = []
  for (const seq of SEQUENCES) found.push((await streams.getMessage('S', { seq }))?.string())
  const { state } = await streams.info('S')
  const kept = await streams.getMessage('Z', { last_by_subj: EVENTS })

  expect(found).toEqual(SEQUENCES.map((seq) => (seq === damaged ? undefined : payloadOf(seq))))
  expect(state).toMatchObject({ messages: 9, last_seq: 10, lost: { msgs: [damaged] } })
  expect(kept?.subject).toBe('$JS.EVENT.ADVISORY.STREAM.DAMAGED.S')
  const event = JSON.parse(kept?.string() ?? '')
  expect(event).toMatchObject({
    type: 'io.rivulet.jetstream.advisory.v1.stream_damaged',
    stream: 'S',
    file: path.slice('/data/jetstream/'.length),
  })
  expect(event.size).toBeGreaterThan(MESSAGE_SIZE)
  expect(event.offset + event.size).toBeLessThanOrEqual(size)
  expect(event.cause).toMatch(/checksum|record/)
  expect(live).toEqual(how === 'live' ? [kept?.string()] : [])
  expect(lines.filter((line) => line.includes('damaged bytes at offset'))).toHaveLength(1)
  await stop()
})
