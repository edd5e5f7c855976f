/** Limits of count, bytes, subject and age; discard old and new; changes of the configuration. */
import { afterEach, describe, expect, it } from 'vitest'
import type { StreamConfigInput } from '../config/stream-config-json.js'
import { messageOf } from '../message-view.js'
import { StoreBench, codeOf, configOf, type HostFactory, type StoreAbilities } from './store-bench.js'

const SUBJECT_CODE = 'STORE_MAX_MESSAGES_PER_SUBJECT'
const SECOND = 1_000_000_000n

export function describeLimits(factory: HostFactory, abilities: StoreAbilities): void {
  describe('limits', () => {
    let bench: StoreBench
    afterEach(() => bench.dispose())

    async function open(input: StreamConfigInput): Promise<void> {
      bench = await StoreBench.open(factory, abilities, input)
    }
    const size = abilities.sizeOf(1, 0, 10)

    it('drops the oldest message above the count, and says so', async () => {
      await open({ maxMessages: 2 })
      bench.appendAll('a', 'b', 'c', 'd')

      expect([bench.live, bench.store.firstSequence]).toEqual([[3, 4], 3])
      expect(bench.listener.expiries).toEqual([
        { sequence: 1, subject: 'a', byteCount: abilities.sizeOf(1, 0, 0), leavesMarker: false },
        { sequence: 2, subject: 'b', byteCount: abilities.sizeOf(1, 0, 0), leavesMarker: false },
      ])
    })

    it('drops the oldest messages above the bytes', async () => {
      await open({ maxBytes: size * 3 })
      for (const subject of ['a', 'b', 'c', 'd']) bench.append(subject, { payload: '0123456789' })
      expect([bench.live, bench.store.byteCount]).toEqual([[2, 3, 4], size * 3])
      bench.append('e', { payload: '0123456789'.repeat(2) })

      expect(bench.live).toEqual([4, 5])
    })

    it('keeps the newest of each subject, with gaps in between', async () => {
      await open({ maxMessagesPerSubject: 2 })
      bench.appendAll('a', 'a', 'b', 'a', 'a', 'b', 'b')

      expect(bench.live).toEqual([4, 5, 6, 7])
      expect(bench.listener.expiries.map((expiry) => expiry.sequence)).toEqual([1, 2, 3])
      bench.store.remove(4)
      bench.appendAll('a', 'a')
      expect(bench.live).toEqual([6, 7, 8, 9])
    })

    it('refuses new messages at the count, and takes them again when there is room', async () => {
      await open({ maxMessages: 2, discard: 'new' })
      bench.appendAll('a', 'b')

      expect(codeOf(() => bench.append('c'))).toBe('STORE_MAX_MESSAGES')
      expect([bench.store.lastSequence, bench.live]).toEqual([2, [1, 2]])
      bench.store.remove(1)
      expect(bench.append('c')).toBe(3)
    })

    it('refuses new messages above the bytes', async () => {
      await open({ maxBytes: size * 2, discard: 'new' })
      bench.append('a', { payload: '0123456789' })

      expect(codeOf(() => bench.append('b', { payload: '0123456789+' }))).toBe('STORE_MAX_BYTES')
      expect(bench.append('b', { payload: '0123456789' })).toBe(2)
    })

    it.each<[string, StreamConfigInput, string]>([
      ['count', { maxMessages: 1 }, 'STORE_MAX_MESSAGES'],
      ['bytes', { maxBytes: size }, 'STORE_MAX_BYTES'],
      ['count of its subject', { maxMessagesPerSubject: 1 }, 'none'],
      ['count of its subject, and of the stream', { maxMessagesPerSubject: 1, maxMessages: 1 }, 'none'],
      ['count of its subject, and bytes', { maxMessagesPerSubject: 1, maxBytes: size }, 'none'],
      ['count of its subject, new ones refused', { maxMessagesPerSubject: 1, discardNewPerSubject: true }, SUBJECT_CODE],
      ['both counts, new ones refused', { maxMessagesPerSubject: 1, discardNewPerSubject: true, maxMessages: 1 }, SUBJECT_CODE],
      ['count and bytes, new ones refused', { maxMessagesPerSubject: 1, discardNewPerSubject: true, maxBytes: size }, SUBJECT_CODE],
    ])('decides at the %s about what is new, and takes what has its place already', async (_, input, code) => {
      await open({ discard: 'new', ...input })
      const payload = '0123456789'
      const appended = codeOf(() => bench.append('a', { payload })) + codeOf(() => bench.append('a', { payload }))
      expect(appended).toBe(`none${code}`)
      const last = code === 'none' ? 2 : 1
      expect(bench.live).toEqual([last])

      const place = { sequence: last + 1, seconds: 1, nanoseconds: 0, ttlSeconds: 0 }
      bench.store.appendAt(messageOf({ subject: 'a', payload }), place)
      expect(bench.live).toEqual(input.maxMessagesPerSubject === 1 ? [last + 1] : [last, last + 1])
    })

    it('replaces within a subject although the stream is full', async () => {
      await open({ maxMessages: 2, maxBytes: size * 2, maxMessagesPerSubject: 1, discard: 'new' })
      bench.append('a', { payload: '0123456789' })
      bench.append('b', { payload: '0123456789' })

      expect(bench.append('a', { payload: '0123456789' })).toBe(3)
      expect(codeOf(() => bench.append('b', { payload: '0123456789+' }))).toBe('STORE_MAX_BYTES')
      expect(codeOf(() => bench.append('c'))).toBe('STORE_MAX_MESSAGES')
      expect(bench.live).toEqual([2, 3])
    })

    it('refuses a further message of a full subject when it discards new per subject, but not a rollup', async () => {
      await open({ maxMessagesPerSubject: 1, discard: 'new', discardNewPerSubject: true })
      bench.append('a')

      expect(codeOf(() => bench.append('a'))).toBe('STORE_MAX_MESSAGES_PER_SUBJECT')
      expect(bench.append('b')).toBe(2)
      expect(bench.append('a', { headers: 'NATS/1.0\r\nNats-Rollup: sub\r\n\r\n' })).toBe(3)
      expect(bench.live).toEqual([2, 3])
    })

    it('drops messages by age, by timer, oldest first', async () => {
      await open({ maxAge: 10n * SECOND })
      bench.append('a')
      await bench.advance(5_000)
      bench.append('b')
      await bench.advance(5_300)
      expect(bench.live).toEqual([2])
      await bench.advance(5_300)

      expect(bench.live).toEqual([])
      expect(bench.listener.expiries.map((expiry) => [expiry.sequence, expiry.subject])).toEqual([
        [1, 'a'],
        [2, 'b'],
      ])
      bench.append('c')
      await bench.advance(10_300)
      expect([bench.live, bench.store.lastSequence]).toEqual([[], 3])
    })

    it('looks at ages every 250 ms at most, so that a short age ends late', async () => {
      await open({ maxAge: (3n * SECOND) / 10n })
      bench.append('a')
      await bench.advance(150)
      bench.append('b')
      await bench.advance(250)
      expect(bench.live).toEqual([1, 2])
      await bench.advance(250)

      expect(bench.live).toEqual([])
    })

    it('applies lowered limits at once', async () => {
      await open({})
      bench.appendAll('a', 'a', 'a', 'b', 'c', 'd')
      await bench.settle(bench.store.updateConfig(configOf(abilities, { maxMessagesPerSubject: 1 })))
      expect(bench.live).toEqual([3, 4, 5, 6])
      await bench.settle(bench.store.updateConfig(configOf(abilities, { maxMessages: 2 })))
      expect(bench.live).toEqual([5, 6])
      await bench.settle(bench.store.updateConfig(configOf(abilities, { maxBytes: abilities.sizeOf(1, 0, 0) })))
      expect(bench.live).toEqual([6])
      await bench.advance(2_000)
      await bench.settle(bench.store.updateConfig(configOf(abilities, { maxAge: SECOND })))
      await bench.advance(300)

      expect(bench.live).toEqual([])
      expect(bench.append('a')).toBe(7)
    })

    it('applies limits that take many messages, and the limits hold for what arrives meanwhile', async () => {
      await open({})
      for (let i = 1; i <= 9000; i++) bench.append(`k.${i % 3}`)
      await bench.flush()
      const fewer = bench.store.updateConfig(configOf(abilities, { maxMessages: 6000 }))
      for (let i = 9001; i <= 9010; i++) bench.append(`k.${i % 3}`)
      await bench.settle(fewer)
      expect([bench.store.messageCount, bench.store.firstSequence]).toEqual([6000, 3011])
      expect(bench.listener.expiries.map((expiry) => expiry.sequence)).toEqual(Array.from({ length: 3010 }, (_, i) => i + 1))

      const perSubject = bench.store.updateConfig(configOf(abilities, { maxMessagesPerSubject: 2 }))
      bench.append('k.0')
      await bench.settle(perSubject)
      expect(bench.live).toEqual([9005, 9007, 9008, 9009, 9010, 9011])
      expect(bench.listener.expiries).toHaveLength(9011 - 6)
    })

    if (!abilities.messageTtl) return

    it('drops a message when its own time is over, and keeps one that never expires', async () => {
      await open({ maxAge: 60n * SECOND, allowMessageTtl: true })
      bench.append('a', { ttlSeconds: 5 })
      bench.append('b', { ttlSeconds: -1, headers: 'NATS/1.0\r\nNats-TTL: never\r\n\r\n' })
      bench.append('c')
      bench.append('d', { ttlSeconds: 1 })
      await bench.advance(1_600)
      expect(bench.live).toEqual([1, 2, 3])
      await bench.advance(4_000)
      expect(bench.live).toEqual([2, 3])
      await bench.advance(60_000)

      expect(bench.live).toEqual([2])
      expect(bench.listener.expiries.map((expiry) => expiry.sequence)).toEqual([4, 1, 3])
    })

    it('counts times to live while the configuration allows them', async () => {
      const short = { headers: 'NATS/1.0\r\nNats-TTL: 1\r\n\r\n', ttlSeconds: 1 }
      const change = (allowMessageTtl: boolean): Promise<void> =>
        bench.settle(bench.store.updateConfig(configOf(abilities, { allowMessageTtl })))
      await open({ allowMessageTtl: false })
      bench.append('a', { ttlSeconds: 1 })
      bench.append('b', short)
      await bench.advance(2_000)
      expect(bench.live).toEqual([1, 2])

      await change(true)
      bench.append('c', short)
      await bench.advance(2_000)
      expect(bench.live).toEqual([1]) // 2 says in its headers how long it lives

      await change(false)
      bench.append('d', short)
      bench.append('e', { headers: 'NATS/1.0\r\nNats-TTL: never\r\n\r\n', ttlSeconds: -1 })
      await bench.advance(2_000)
      expect(bench.live).toEqual([1, 4, 5])
    })

    it('learns from messages that never expire when times to live begin to count', async () => {
      await open({ maxAge: 60n * SECOND, allowMessageTtl: false })
      bench.append('a', { headers: 'NATS/1.0\r\nNats-TTL: never\r\n\r\n', ttlSeconds: -1 })
      bench.append('b')
      await bench.settle(bench.store.updateConfig(configOf(abilities, { maxAge: 60n * SECOND, allowMessageTtl: true })))
      await bench.advance(61_000)

      expect(bench.live).toEqual([1])
    })

    it('says of what went by age or TTL that it leaves a marker, unless it says itself that its subject is gone', async () => {
      await open({ maxAge: 10n * SECOND, allowMessageTtl: true, subjectDeleteMarkerTtl: SECOND, maxMessages: 5 })
      bench.append('limit')
      bench.append('ttl', { headers: 'NATS/1.0\r\nNats-TTL: 2\r\n\r\n', ttlSeconds: 2 })
      bench.append('marker', { headers: 'NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\nNats-TTL: 2\r\n\r\n', ttlSeconds: 2 })
      bench.append('deleted', { headers: 'NATS/1.0\r\nKV-Operation: DEL\r\n\r\n' })
      bench.append('purged', { headers: 'NATS/1.0\r\nKV-Operation: PURGE\r\n\r\n' })
      bench.append('plain')
      await bench.advance(11_000)

      expect(bench.live).toEqual([])
      expect(bench.listener.expiries.map((expiry) => [expiry.subject, expiry.leavesMarker])).toEqual([
        ['limit', false],
        ['ttl', true],
        ['marker', false],
        ['deleted', true],
        ['purged', false],
        ['plain', true],
      ])
    })
  })
}
