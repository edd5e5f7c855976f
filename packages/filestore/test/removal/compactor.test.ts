import { describe, expect, it } from 'vitest'
import { SubjectFilter } from '@rivulet/store-types'
import { BlockFiles } from '../../src/block/block-files.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { readIndexFile } from '../../src/index-file/index-file.js'
import { OPTION_SETS } from '../support/option-sets.js'
import { runUntil, settle } from '../support/settle.js'
import { DIRECTORY, openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'
import { seededRandom } from '../support/seeded-random.js'

const sizes = (disk: { files(): Map<string, Buffer> }) =>
  [...disk.files()].filter(([path]) => path.endsWith('.blk')).map(([path, bytes]) => `${path.slice(DIRECTORY.length + 6)} ${bytes.length}`)

describe('compaction', () => {
  it('leaves the live messages and nothing else of a sparse block', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 20; i++) s.append(`s.${i % 4}`, 'x'.repeat(47))
    for (const sequence of [2, 3, 4, 6, 7, 8, 10]) s.store.remove(sequence)
    await s.flush()
    const before = s.contents()

    expect(await runUntil(s.turns, s.store.compact())).toBeGreaterThan(0)
    expect(s.contents()).toEqual(before)
    expect(sizes(s.disk).slice(0, 2)).toEqual(['1.blk 160', '2.blk 80'])
    const second = await s.kill()
    expect(second.contents()).toEqual(before)
    expect(second.store.state(true).deleted).toEqual([2, 3, 4, 6, 7, 8, 10])
    await second.close()
  })

  it('happens by itself some time after a block became sparse', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 12; i++) s.append('s', 'x'.repeat(49))
    for (const sequence of [2, 3, 4]) s.store.remove(sequence)
    await s.flush()
    s.clock.advance(11_000, () => s.turns.run())
    await settle(s.turns)
    await s.flush()

    expect(sizes(s.disk)[0]).toBe('1.blk 160')
    await s.close()
  })

  it('keeps a tombstone while the block of its message may still hold it', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 9; i++) s.append('s', 'x'.repeat(49))
    s.store.remove(2)
    for (let i = 10; i <= 18; i++) s.append('s', 'x'.repeat(49))
    for (const sequence of [9, 11, 12, 10]) s.store.remove(sequence)
    await s.flush()

    await runUntil(s.turns, s.store.compact())
    s.disk.remove(`${DIRECTORY}/msgs/index.db`)
    const second = await s.kill()
    expect(second.contents().map((line) => Number(line.split(':')[0]))).toEqual([1, 3, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17, 18])
    await second.close()
  })
})

const compact = (s: TestStore) => runUntil(s.turns, s.store.compact())
const sizeOf = (s: TestStore, index: number) => s.disk.stat(`${DIRECTORY}/msgs/${index}.blk`)?.size
const sequences = (s: TestStore) => s.contents().map((line) => Number(line.split(':')[0]))
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** Messages of 100 bytes, `blockBytes / 100` in a block. */
async function filled(count: number, options: TestStoreOptions = {}): Promise<TestStore> {
  const s = await openStore({ blockBytes: 400, ...options })
  for (let i = 1; i <= count; i++) s.append('s', `${i}`.padEnd(69, 'p'))
  await s.flush()
  return s
}

function remove(s: TestStore, ...removed: number[]): Promise<void> {
  for (const sequence of removed) s.store.remove(sequence)
  return s.flush()
}

describe('a compacted block', () => {
  it.each(['always', 'an interval'])('is there whole, or as it was, when the power goes at any time (sync: %s)', async (policy) => {
    const sync = policy === 'always' ? 'always' : { intervalMs: 1000 }
    const s = await filled(12, { sync })
    await remove(s, 2, 3, 4, 6)
    s.clock.advance(1500, () => s.turns.run())
    await s.flush()
    for (const path of ['/', '/data', '/data/streams', DIRECTORY]) s.disk.syncDirectoryNow(path)
    const disks = [s.disk.fork()]
    s.disk.onChange = () => disks.push(s.disk.fork())
    await compact(s)
    disks.push(s.disk.fork())
    expect(disks.length).toBeGreaterThan(4)

    for (const [index, disk] of disks.entries()) {
      disk.restorePower(seededRandom(index))
      const again = await openStore({ disk, clock: s.clock })
      expect(again.contents()).toEqual(s.contents())
      await again.close()
    }
    s.disk.onChange = undefined
    await s.close()
  })

  it('has what lives in it and no more; the block of its tombstones is left alone', async () => {
    const s = await filled(20, { blockBytes: 1000 })
    await remove(s, ...range(5, 10))
    expect([sizeOf(s, 1), sizeOf(s, 2)]).toEqual([1000, 1000])
    const before = [...s.disk.files()].filter(([path]) => path.endsWith('3.blk')).map(([, bytes]) => bytes.length)
    expect(before).toEqual([6 * 30])

    expect(await compact(s)).toBe(1)
    expect([sizeOf(s, 1), sizeOf(s, 2), sizeOf(s, 3)]).toEqual([400, 1000, 180])
    expect(s.store.byteCount).toBe(1400)
    await s.close()
  })

  it('loses tombstones below the first sequence', async () => {
    const s = await filled(5)
    await remove(s, 3, 2)
    s.append('s', 'p'.repeat(69))
    await remove(s, 1, 4)
    s.append('s', 'p'.repeat(69))
    s.append('s', 'p'.repeat(69))
    await remove(s, 5)
    const before = sizeOf(s, 2)
    expect(await compact(s)).toBeGreaterThan(0)

    expect(sizeOf(s, 2)).toBeLessThan(before as number)
    const expected = [s.store.state(true), s.contents()]
    await s.close()
    s.disk.remove(`${DIRECTORY}/msgs/index.db`)
    const again = await s.reopen()
    expect([again.store.state(true), again.contents()]).toEqual(expected)
    await again.close()
  })

  it('begins and ends with messages that live, also in index.db', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 9; i++) {
      s.append('s', `${i}`.padEnd(69, 'p'))
      s.turns.run()
      s.clock.advance(1000)
    }
    await remove(s, 5, 7, 8)
    expect(await compact(s)).toBe(1)
    await s.close()
    const files = new BlockFiles({ fileSystem: s.disk, directory: DIRECTORY, streamName: 'S', kernel: createTypeScriptHashKernel() })
    const block = readIndexFile(files).index?.blocks.find(({ index }) => index === 2)

    const sixth = 1_704_067_205_000_000_000n
    expect(block).toMatchObject({ firstSequence: 6, lastSequence: 6, firstTime: sixth, lastTime: sixth })
    const again = await s.reopen()
    expect([sequences(again), again.store.sequenceAtTime(1_704_067_206, 0)]).toEqual([[1, 2, 3, 4, 6, 9], 9])
    await again.close()
  })

  it('counts right when its first message goes afterwards', async () => {
    const s = await filled(100, { blockBytes: 5000 })
    await remove(s, ...range(2, 40))
    await compact(s)
    await remove(s, 1)
    expect(s.store.state(true)).toMatchObject({ messageCount: 60, firstSequence: 41, deletedCount: 0, byteCount: 6000 })
    await s.close()
    s.disk.remove(`${DIRECTORY}/msgs/index.db`)
    const again = await s.reopen()

    expect(again.store.state(true)).toMatchObject({ messageCount: 60, firstSequence: 41, deletedCount: 0, byteCount: 6000 })
    await again.close()
  })

  it.each(OPTION_SETS)('can be read when a purge took its head, before and after an opening (%s)', async (_, { cipher, compression }) => {
    const s = await openStore({ blockBytes: 4000, ...(cipher && { cipher }), config: { ...(compression && { compression }) } })
    for (let i = 1; i <= 50; i++) s.append('s', `${i}:`.padEnd(169, '0123456789'))
    await s.flush()
    await s.rest()
    s.store.purgeBelow(18)
    await s.flush()
    const before = s.contents()
    expect(sequences(s)).toEqual(range(18, 50))
    expect(await compact(s)).toBe(1)
    expect(s.contents()).toEqual(before)
    await s.rest()
    const again = await s.reopen()

    expect(again.contents()).toEqual(before)
    expect(again.events.damaged).toEqual([])
    await again.close()
  })
})

describe('a block that was compacted and compressed', () => {
  it('is not written again until it changes', async () => {
    const s = await openStore({ blockBytes: 4000, config: { compression: 's2' } })
    for (let i = 1; i <= 60; i++) s.append('s', `${i}:`.padEnd(169, '0123456789'))
    await s.flush()
    await s.rest()
    await remove(s, ...range(2, 15))
    await compact(s)
    await s.rest()
    const size = sizeOf(s, 1)
    expect(size).toBeLessThan(600)
    const written: string[] = []
    s.disk.onChange = (_, path) => written.push(path)
    for (let i = 0; i < 10; i++) {
      s.clock.advance(11_000, () => s.turns.run())
      await s.rest()
    }
    expect(written.filter((path) => path.includes('.blk'))).toEqual([])

    await remove(s, ...range(16, 20))
    await compact(s)
    await s.rest()
    expect(sizeOf(s, 1)).toBeLessThan(size as number)
    s.disk.onChange = undefined
    await s.close()
  })
})

describe('a stream that keeps one message of each subject', () => {
  it('knows the last of each while blocks are compacted', async () => {
    const s = await openStore({ blockBytes: 4000, config: { maxMessagesPerSubject: 1 } })
    const last = new Map<string, number>()
    const random = seededRandom(1)
    for (let i = 0; i < 1500; i++) {
      const subject = `kv.${Math.floor(random() * 200)}`
      const bytes = Buffer.from(subject)
      expect(s.store.lastSequenceOf(bytes, 0, bytes.length)).toBe(last.get(subject) ?? 0)
      last.set(subject, s.append(subject, 'p'.repeat(200)))
      if (i % 50 !== 0) continue
      s.clock.advance(11_000, () => s.turns.run())
      await s.flush()
    }
    const again = await s.reopen()

    expect([...again.store.subjectStates(SubjectFilter.all)].map(([subject, { lastSequence }]) => [subject, lastSequence]).sort()).toEqual(
      [...last].sort(),
    )
    await again.close()
  })

  it('uses its files for what lives when all were written over', async () => {
    const s = await openStore({ blockBytes: 40_000, config: { maxMessagesPerSubject: 1 } })
    s.append('first', 'p'.repeat(200))
    for (let i = 0; i < 4000; i++) s.append(`kv.${i % 2000}`, 'p'.repeat(200))
    await s.flush()
    s.clock.advance(60_000, () => s.turns.run())
    await compact(s)
    await s.flush()

    const files = [...s.disk.files()].filter(([path]) => path.endsWith('.blk'))
    const total = files.reduce((sum, [, bytes]) => sum + bytes.length, 0)
    expect(s.store.messageCount).toBe(2001)
    expect(s.store.byteCount / total).toBeGreaterThan(0.8)
    await s.close()
  })
})

/** What may happen to a block while its new file is written, and what of 1, 5, 9, 10 ... is left. */
const meanwhile: Record<string, (s: TestStore) => unknown> = {
  'its first live message goes': (s) => s.store.remove(1),
  'its last live message goes': (s) => s.store.remove(9),
  'all its live messages go': (s) => [1, 5, 9].map((sequence) => s.store.remove(sequence)),
  'a message is erased': (s) => s.store.erase(5),
  'the front is purged': (s) => s.store.purgeBelow(6),
  'everything is purged': (s) => s.store.purge(),
  'messages are appended': (s) => s.append('s', 'x'.repeat(400)),
  'the store closes': (s) => s.close(),
}

describe.each(Object.entries(meanwhile))('a compaction during which %s', (_, change) => {
  it('costs no message and brings none back, whenever it happens', async () => {
    for (let rounds = 0; rounds < 24; rounds++) {
      const s = await openStore({ blockBytes: 400 })
      for (let i = 1; i <= 20; i++) s.append('s', 'x'.repeat(49))
      for (const sequence of [2, 3, 4, 6, 7, 8]) s.store.remove(sequence)
      await s.flush()
      const compaction = s.store.compact()
      await settle(s.turns, rounds)
      const changed = change(s)
      const left = s.store.state(true)
      const contents = changed instanceof Promise ? undefined : s.contents()
      await runUntil(s.turns, Promise.all([changed, compaction]))
      if (contents !== undefined) {
        expect(s.contents()).toEqual(contents)
        await s.flush()
      }
      const second = await s.kill()
      if (contents !== undefined) expect(second.contents()).toEqual(contents)
      expect({ ...second.store.state(true), lastTime: left.lastTime }).toEqual(left)
      expect([...s.disk.files().keys()].filter((path) => path.endsWith('.tmp'))).toEqual([])
      await second.close()
    }
  })
})

/** What is done to the stream, and what it holds then. */
type Deed = readonly [string, (s: TestStore) => unknown, (kept: number[]) => number[]]

describe('a large block', () => {
  const PAYLOAD = 'p'.repeat(2_000)
  const COUNT = 1_700
  const deeds: readonly Deed[] = [
    ['nothing happens', () => {}, (kept) => kept],
    ['a message of it goes', (s) => s.store.remove(4), (kept) => kept.filter((each) => each !== 4)],
    ['its last message goes', (s) => s.store.remove(1_400), (kept) => kept.filter((each) => each !== 1_400)],
    ['one is erased', (s) => s.store.erase(4), (kept) => kept.filter((each) => each !== 4)],
    ['its front goes', (s) => s.store.purgeBelow(500), (kept) => kept.filter((each) => each >= 500)],
    ['all of it goes', (s) => s.store.purgeBelow(1_600), (kept) => kept.filter((each) => each >= 1_600)],
    ['everything goes', (s) => s.store.purge(), () => []],
    ['the stream is truncated', (s) => s.store.truncate(800), (kept) => kept.filter((each) => each <= 800)],
  ]

  it.each(deeds)('is copied in parts: %s in between', async (_, act, left) => {
    const s = await openStore({ blockBytes: 3 << 20 })
    for (let i = 1; i <= COUNT; i++) s.append('s', PAYLOAD)
    for (let i = 1; i <= 1_400; i++) if (i % 4 !== 0) s.store.remove(i)
    await s.flush()
    const before = sequences(s)
    const compacted = s.store.compact()
    // The first of three parts is copied.
    for (let turn = 0; turn < 2; turn++) {
      for (let i = 0; i < 100; i++) await Promise.resolve()
      s.turns.step()
    }
    act(s)
    await runUntil(s.turns, compacted)
    await s.flush()
    const expected = left(before)
    expect(sequences(s)).toEqual(expected)
    s.disk.remove(`${DIRECTORY}/msgs/index.db`)
    const again = await s.kill()

    expect(sequences(again)).toEqual(expected)
    await again.close()
  })
})
