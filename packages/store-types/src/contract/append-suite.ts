/** Appending, reading back, sequences, commits. */
import { afterEach, describe, expect, it } from 'vitest'
import { messageOf } from '../message-view.js'
import { StoredMessage } from '../store/stored-message.js'
import { StoreBench, codeOf, type HostFactory, type StoreAbilities } from './store-bench.js'

export function describeAppending(factory: HostFactory, abilities: StoreAbilities): void {
  describe('appending', () => {
    let bench: StoreBench
    afterEach(() => bench.dispose())

    it('gives out sequences from 1 and keeps every part of a message', async () => {
      bench = await StoreBench.open(factory, abilities)
      const headers = 'NATS/1.0\r\nA: b\r\n\r\n'
      const first = bench.append('orders.new', { payload: 'hello', headers })
      bench.tick(1500)
      const second = bench.append('\xe9t\xe9', {})

      const message = new StoredMessage()
      expect([first, second]).toEqual([1, 2])
      expect(bench.store.load(1, message)).toBe(true)
      expect([message.subject(), message.headers().toString(), message.payload().toString()]).toEqual(['orders.new', headers, 'hello'])
      expect([message.sequence, message.seconds, message.nanoseconds, message.replySize]).toEqual([1, 1_704_067_200, 0, 0])
      expect(bench.store.load(2, message)).toBe(true)
      expect([message.subject(), message.bodySize, message.seconds, message.nanoseconds]).toEqual([
        '\xe9t\xe9',
        0,
        1_704_067_201,
        500_000_000,
      ])
    })

    it('counts messages, bytes, subjects and sequences', async () => {
      bench = await StoreBench.open(factory, abilities)
      const { store } = bench
      expect([store.messageCount, store.byteCount, store.firstSequence, store.lastSequence, store.subjectCount]).toEqual([0, 0, 0, 0, 0])
      bench.append('a', { payload: '12345' })
      bench.append('b', { payload: '1', headers: 'NATS/1.0\r\n\r\n' })
      bench.append('a')

      const bytes = abilities.sizeOf(1, 0, 5) + abilities.sizeOf(1, 12, 1) + abilities.sizeOf(1, 0, 0)
      expect([store.messageCount, store.byteCount, store.firstSequence, store.lastSequence, store.subjectCount]).toEqual([3, bytes, 1, 3, 2])
      expect(store.state(true)).toMatchObject({
        messageCount: 3,
        byteCount: bytes,
        firstSequence: 1,
        firstTime: bench.clock.wallNanos(),
        lastSequence: 3,
        lastTime: bench.clock.wallNanos(),
        subjectCount: 2,
        deletedCount: 0,
        consumerCount: 0,
      })
      expect(store.kind).toBe(abilities.kind)
    })

    it('gives messages of later turns later times', async () => {
      bench = await StoreBench.open(factory, abilities)
      const times: number[] = []
      const message = new StoredMessage()
      for (let sequence = 1; sequence <= 10; sequence++) {
        bench.tick(1)
        bench.append('a')
        bench.store.load(sequence, message)
        times.push(message.seconds * 1000 + message.nanoseconds / 1e6)
      }

      expect(times.slice(1).map((time, i) => time - (times[i] as number))).toEqual(Array.from({ length: 9 }, () => 1))
    })

    it('has read the message before append returns', async () => {
      bench = await StoreBench.open(factory, abilities)
      const view = messageOf({ subject: 'a', payload: 'original' })
      bench.store.append(view, 0)
      view.bodyBytes.fill('x')
      view.subjectBytes.fill('x')

      expect(bench.read(1)).toBe('a original')
    })

    it('starts at the configured first sequence', async () => {
      bench = await StoreBench.open(factory, abilities, { firstSequence: 100 })

      expect([bench.store.firstSequence, bench.store.lastSequence]).toEqual([100, 99])
      expect(bench.append('a')).toBe(100)
      expect([bench.store.firstSequence, bench.live]).toEqual([100, [100]])
    })

    it('stores at a given place, and only at the next one', async () => {
      bench = await StoreBench.open(factory, abilities)
      const message = messageOf({ subject: 'a', payload: 'p' })
      const place = { sequence: 1, seconds: 5, nanoseconds: 7, ttlSeconds: 0 }
      bench.store.appendAt(message, place)

      const stored = new StoredMessage()
      bench.store.load(1, stored)
      expect([stored.seconds, stored.nanoseconds]).toEqual([5, 7])
      expect(codeOf(() => bench.store.appendAt(message, place))).toBe('STORE_SEQUENCE_MISMATCH')
      expect(codeOf(() => bench.store.appendAt(message, { ...place, sequence: 3 }))).toBe('STORE_SEQUENCE_MISMATCH')
      expect(bench.live).toEqual([1])
    })

    it('gives out skipped sequences without messages', async () => {
      bench = await StoreBench.open(factory, abilities)
      bench.store.skip(1, 4)
      expect([bench.store.firstSequence, bench.store.lastSequence, bench.store.messageCount]).toEqual([5, 4, 0])
      bench.append('a')
      bench.store.skip(6, 2)
      bench.append('b')

      expect(bench.live).toEqual([5, 8])
      expect(bench.store.state(true)).toMatchObject({ deletedCount: 2, deleted: [6, 7], firstSequence: 5, lastSequence: 8 })
      expect([bench.store.has(6), bench.read(6), bench.store.remove(6)]).toEqual([false, undefined, false])
      expect(codeOf(() => bench.store.skip(20, 1))).toBe('STORE_SEQUENCE_MISMATCH')
    })

    it('keeps the last time when it skips, unless it had none or is to move it', async () => {
      bench = await StoreBench.open(factory, abilities)
      const start = bench.clock.wallNanos()
      bench.store.skip(1, 4)
      expect(bench.store.state(false).lastTime).toBe(start)
      bench.tick(1000)
      bench.store.skip(5, 1)
      expect(bench.store.state(false).lastTime).toBe(start)
      bench.tick(1000)
      bench.store.skip(6, 1, true)
      expect(bench.store.state(false).lastTime).toBe(start + 2_000_000_000n)
    })

    it('finds times across what was skipped', async () => {
      bench = await StoreBench.open(factory, abilities)
      bench.store.appendAt(messageOf({ subject: 'a' }), { sequence: 1, seconds: 1000, nanoseconds: 5, ttlSeconds: 0 })
      bench.store.skip(2, 10)
      bench.store.skip(12, 1)
      bench.store.skip(13, 5)
      expect(bench.store.state(false)).toMatchObject({ lastSequence: 17, lastTime: 1_000_000_000_005n })
      bench.store.appendAt(messageOf({ subject: 'a' }), { sequence: 18, seconds: 2000, nanoseconds: 0, ttlSeconds: 0 })

      const found = [bench.store.sequenceAtTime(1000, 5), bench.store.sequenceAtTime(1000, 6), bench.store.sequenceAtTime(2000, 0)]
      expect(found).toEqual([1, 18, 18])
    })

    it('skips as the first thing it does at the time of that turn, and once', async () => {
      bench = await StoreBench.open(factory, abilities)
      const start = bench.clock.wallNanos()
      expect(bench.store.state(false).lastTime).toBe(0n)
      bench.store.skip(1, 1)
      bench.tick(1000)
      bench.store.skip(2, 3)

      expect(bench.store.state(false)).toMatchObject({ lastSequence: 4, lastTime: start })
    })

    it('commits after the call, tells the listener, and has nothing uncommitted then', async () => {
      bench = await StoreBench.open(factory, abilities)
      bench.appendAll('a', 'b')
      expect(bench.listener.commits).toEqual([])
      await bench.flush()

      expect(bench.listener.commits.at(-1)).toBe(2)
      expect([bench.store.committedSequence, bench.store.uncommittedBytes, bench.store.failure]).toEqual([2, 0, undefined])
    })

    it('keeps large messages beside small ones', async () => {
      bench = await StoreBench.open(factory, abilities)
      const large = 'x'.repeat(3_000_000)
      bench.append('a', { payload: 'small' })
      bench.append('b', { payload: large })
      bench.append('c', { payload: 'small' })

      expect(bench.read(2)).toBe(`b ${large}`)
      expect([bench.read(1), bench.read(3)]).toEqual(['a small', 'c small'])
    })

    it('refuses writes once it is closed, and closes twice', async () => {
      bench = await StoreBench.open(factory, abilities)
      bench.append('a')
      await bench.settle(bench.store.close())
      await bench.settle(bench.store.close())

      expect(codeOf(() => bench.append('a'))).toBe('STORE_CLOSED')
    })
  })
}
