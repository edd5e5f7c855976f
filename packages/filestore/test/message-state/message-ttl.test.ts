/** thw.db: when messages with a time to live expire. */
import { describe, expect, it } from 'vitest'
import { TimeWheel, decodeTimeWheel, encodeTimeWheel, messageOf } from '@rivulet/store-types'
import { DIRECTORY, openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'

const FILE = `${DIRECTORY}/msgs/thw.db`
const options = { config: { allowMessageTtl: true }, blockBytes: 200 } satisfies TestStoreOptions

function appendFor(s: TestStore, seconds: number): void {
  const headers = `NATS/1.0\r\nNats-TTL: ${seconds}\r\n\r\n`
  s.store.append(messageOf({ subject: 'a', headers }), seconds)
}

function pass(s: TestStore, seconds: number): void {
  s.turns.run()
  s.clock.advance(seconds * 1000, () => s.turns.run())
}

const sequences = (s: TestStore) => s.contents().map((line) => Number(line.split(':')[0]))

describe('thw.db', () => {
  it('is believed about what its stamp covers', async () => {
    const s = await openStore(options)
    appendFor(s, 100)
    await s.close()
    s.disk.plant(FILE, encodeTimeWheel(new TimeWheel(), 2))
    const again = await openStore({ ...options, disk: s.disk, clock: s.clock })
    again.store.ready()
    pass(again, 200)

    expect(sequences(again)).toEqual([1])
    await again.close()
  })

  it('is caught up with from its stamp', async () => {
    const s = await openStore(options)
    for (let i = 0; i < 10; i++) appendFor(s, 100)
    s.store.append(messageOf({ subject: 'b' }), 0)
    await s.close()
    const old = s.disk.readFile(FILE)
    const more = await openStore({ ...options, disk: s.disk, clock: s.clock })
    appendFor(more, 100)
    await more.close()
    s.disk.plant(FILE, old)

    const again = await openStore({ ...options, disk: s.disk, clock: s.clock })
    expect(again.group.cache.size).toBe(1)
    again.store.ready()
    pass(again, 101)
    expect(sequences(again)).toEqual([11])
    await again.close()
  })

  it.each<[string, (bytes: Buffer) => Buffer | undefined]>([
    ['is missing', () => undefined],
    ['is short', (bytes) => bytes.subarray(0, 16)],
    ['is cut in an entry', (bytes) => bytes.subarray(0, bytes.length - 1)],
    ['is of another version', (bytes) => (bytes.writeUInt8(2, 0), bytes)],
    ['is from beyond the end', () => encodeTimeWheel(new TimeWheel(), 99)],
  ])('that %s is made again from the messages', async (_, change) => {
    const s = await openStore(options)
    appendFor(s, 100)
    appendFor(s, 1000)
    await s.close()
    const bytes = change(Buffer.from(s.disk.readFile(FILE)))
    if (bytes === undefined) s.disk.remove(FILE)
    else s.disk.plant(FILE, bytes)
    const again = await openStore({ ...options, disk: s.disk, clock: s.clock })
    again.store.ready()
    pass(again, 101)

    expect(sequences(again)).toEqual([2])
    await again.close()
  })

  it('from beyond the end is taken away, or the stream would grow into what it covers', async () => {
    const s = await openStore(options)
    s.append('a')
    await s.close()
    s.disk.plant(FILE, encodeTimeWheel(new TimeWheel(), 3))
    const again = await openStore({ ...options, disk: s.disk, clock: s.clock })

    expect(s.disk.stat(FILE)).toBeUndefined()
    await again.close()
  })

  it('spares messages that never expire from age without reading them at opening', async () => {
    const config = { allowMessageTtl: true, maxAge: 60_000_000_000n }
    const s = await openStore({ ...options, config })
    s.store.append(messageOf({ subject: 'a', headers: 'NATS/1.0\r\nNats-TTL: never\r\n\r\n' }), -1)
    s.append('b')
    const again = await s.reopen()
    again.store.ready()
    pass(again, 61)

    expect(sequences(again)).toEqual([1])
    await again.close()
  })

  it('is no concern of a stream that was truncated', async () => {
    const s = await openStore(options)
    s.append('a')
    appendFor(s, 100)
    await s.flush()
    s.store.truncate(1)
    s.append('b')
    s.store.ready()
    pass(s, 200)
    expect(sequences(s)).toEqual([1, 2])

    s.store.truncate(0)
    appendFor(s, 100)
    await s.flush()
    s.store.truncate(0)
    s.append('c')
    pass(s, 200)
    expect(sequences(s)).toEqual([1])
    const { wheel } = wheelOf(await s.reopen())
    expect(wheel.size).toBe(0)
  })

  it('is made again over blocks that another one was copied to', async () => {
    const s = await openStore(options)
    for (let i = 0; i < 6; i++) appendFor(s, 100)
    await s.close()
    const msgs = `${DIRECTORY}/msgs`
    s.disk.plant(`${msgs}/2.blk`, s.disk.readFile(`${msgs}/1.blk`))
    for (const file of [FILE, `${msgs}/index.db`]) s.disk.remove(file)
    const again = await openStore({ ...options, disk: s.disk, clock: s.clock })
    const { length } = sequences(again)
    expect(length).toBeGreaterThan(0)
    expect(length).toBeLessThan(6)
    again.store.ready()
    pass(again, 101)

    expect(sequences(again)).toEqual([])
    await again.close()
  })
})

function wheelOf(s: TestStore): { wheel: TimeWheel; stamp: number } {
  const wheel = new TimeWheel()
  return { stamp: decodeTimeWheel(s.disk.readFile(FILE), wheel), wheel }
}
