/** Blocks as files and in memory: how many there are, what they weigh, when they are read. */
import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter, completeConsumerConfig, completeStreamConfig, messageOf } from '@rivulet/store-types'
import { encodeIndex } from '../../src/index-file/index-file-codec.js'
import { readIndexFile } from '../../src/index-file/index-file.js'
import type { CipherKind } from '../../src/cipher/ciphers.js'
import { BlockFiles } from '../../src/block/block-files.js'
import { hashOf } from '../../src/hash/hash-kernel.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { runUntil } from '../support/settle.js'
import { DIRECTORY, openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'

const MSGS = `${DIRECTORY}/msgs`
const sizes = (s: TestStore) => [...s.disk.files()].filter(([path]) => path.endsWith('.blk')).map(([, bytes]) => bytes.length)
const codeOf = (work: () => unknown): string => {
  try {
    work()
    return 'none'
  } catch (error) {
    return (error as { code: string }).code
  }
}

const CIPHERS = [undefined, 'aes', 'chacha'] as const

function withCipher(cipher?: CipherKind) {
  const open = (options: TestStoreOptions = {}) => openStore({ ...(cipher && { cipher }), ...options })
  return {
    open,
    /** Messages of 100 bytes, four in a block. */
    filled: async (count: number, subjectOf: (i: number) => string = () => 's.x'): Promise<TestStore> => {
      const s = await open({ blockBytes: 400 })
      for (let i = 1; i <= count; i++) s.append(subjectOf(i), `${i}`.padEnd(70 - subjectOf(i).length, 'p'))
      await s.flush()
      return s
    },
  }
}

describe.each(CIPHERS)('block files (cipher %s)', (cipher) => {
  const { open, filled } = withCipher(cipher)

  it('stay within their size when a limit keeps one message', async () => {
    const s = await open({ blockBytes: 400, config: { maxMessages: 1 } })
    for (let i = 0; i < 100; i++) {
      s.append('s', 'p'.repeat(60))
      await s.flush()
      expect(Math.max(...sizes(s))).toBeLessThanOrEqual(400)
    }
    expect(sizes(s).length).toBeLessThan(4)
    await s.close()
  })

  it('get one tombstone for one removal', async () => {
    const s = await filled(1)
    s.store.remove(1)
    await s.flush()

    expect(sizes(s)).toEqual([130])
    await s.close()
  })

  it('are few when many sequences are skipped around messages', async () => {
    const s = await open()
    s.append('a')
    for (let i = 0; i < 1000; i++) s.store.skip(s.store.lastSequence + 1, 1)
    s.append('b')
    for (let i = 0; i < 1000; i++) s.store.skip(s.store.lastSequence + 1, 10)
    await s.flush()

    expect(sizes(s)).toHaveLength(1)
    expect(s.store.state(true)).toMatchObject({ messageCount: 2, firstSequence: 1, lastSequence: 11_002, deletedCount: 11_000 })
    await s.close()
  })

  it.each([[1, 1, 4], [2, 5, 8], [3, 9, 12]])('%d missing are reported with the sequences %d to %d', async (index, first, last) => {
    const s = await filled(12)
    await s.close()
    s.disk.remove(`${MSGS}/${index}.blk`)
    const again = await s.reopen()

    expect(again.events.damaged).toMatchObject([{ firstSequence: first, lastSequence: last }])
    expect(again.store.state(true)).toMatchObject({ messageCount: 8, lastSequence: 12, lost: { byteCount: 400 } })
    await again.close()
  })

  it('that are all gone, and the index with them, leave an empty stream', async () => {
    const s = await filled(3)
    await s.close()
    for (const name of ['1.blk', 'index.db']) s.disk.remove(`${MSGS}/${name}`)
    const again = await s.reopen()

    expect(again.store.state(true)).toMatchObject({ messageCount: 0, firstSequence: 0, lastSequence: 0 })
    expect(again.append('s')).toBe(1)
    await again.close()
  })

  it('that can not be made refuse the message', async () => {
    const s = await open()
    s.disk.addFault({ operation: 'open', path: '1.blk', code: 'EACCES', times: 100 })

    expect(codeOf(() => s.append('a'))).toBe('STORE_FAILED')
    expect(s.store.failure?.message).toContain('EACCES')
    expect(s.store.messageCount).toBe(0)
  })

  it('that can not be read cost their messages, and nothing else', async () => {
    const s = await (await filled(8)).reopen()
    s.disk.addFault({ operation: 'read', path: '1.blk', code: 'EIO', times: 100 })

    expect(s.store.load(2, new StoredMessage())).toBe(false)
    expect(s.store.failure).toBeUndefined()
    expect(s.append('s')).toBe(9)
    await s.flush()
    expect(s.store.committedSequence).toBe(9)
    await s.close()
  })

  it('that can not be rewritten fail the store, which is read on; what was to be erased is gone', async () => {
    const s = await filled(8)
    s.disk.addFault({ operation: 'rename', path: '1.blk', code: 'EIO' })

    expect(codeOf(() => s.store.erase(2))).toBe('STORE_FAILED')
    expect([s.store.has(2), s.store.has(3), s.contents().length]).toEqual([false, true, 7])
    expect([s.store.failure?.code, codeOf(() => s.append('s'))]).toEqual(['STORE_FAILED', 'STORE_FAILED'])
    const again = await s.kill()
    expect([again.contents().length, again.store.has(2), again.store.erase(3)]).toEqual([7, false, true])
    await again.close()
  })
})

describe('an index whose hash is right and whose totals are not', () => {
  it('is not used', async () => {
    const s = await withCipher().filled(8)
    await s.close()
    const kernel = createTypeScriptHashKernel()
    const files = new BlockFiles({ fileSystem: s.disk, directory: DIRECTORY, streamName: 'S', kernel })
    const { index } = readIndexFile(files)
    expect(index?.messageCount).toBe(8)
    const bytes = encodeIndex({ ...index!, messageCount: 7 })
    hashOf(kernel, 'S', bytes.subarray(0, bytes.length - 8)).copy(bytes, bytes.length - 8)
    s.disk.plant(`${MSGS}/index.db`, bytes)
    expect(readIndexFile(files).index?.messageCount).toBe(7)
    const again = await s.reopen()

    expect(again.store.messageCount).toBe(8)
    expect(again.contents()).toHaveLength(8)
    await again.close()
  })
})

describe.each(CIPHERS)('blocks in memory (cipher %s)', (cipher) => {
  const { open, filled } = withCipher(cipher)

  it('are read once, and dropped when nobody reads them', async () => {
    const s = await (await filled(12)).reopen()
    const message = new StoredMessage()
    for (const sequence of [1, 2, 3, 4]) s.store.load(sequence, message)
    expect(s.group.cache.size).toBe(1)
    s.clock.advance(9_000)
    s.store.load(1, message)
    s.clock.advance(9_000)
    expect(s.group.cache.size).toBe(1)
    s.clock.advance(25_000)
    expect(s.group.cache.size).toBe(0)
    expect(s.store.load(1, message)).toBe(true)
    await s.close()
  })

  it('take messages after they were dropped, and erase them', async () => {
    const s = await filled(3)
    s.clock.advance(30_000)
    s.append('s.x', 'later')
    await s.flush()
    s.clock.advance(30_000)
    expect(s.store.erase(2)).toBe(true)
    const message = new StoredMessage()
    expect([s.store.load(4, message), message.payload().toString()]).toEqual([true, 'later'])
    const again = await s.kill()
    expect(again.contents().map((line) => line.slice(0, 2))).toEqual(['1:', '3:', '4:'])
    await again.close()
  })

  it('are passed over when they hold nothing that is looked for', async () => {
    const rare = (i: number) => (i === 38 ? 'rare.a' : i === 3 ? 'seldom' : 'often')
    const s = await (await filled(40, rare)).reopen()
    const message = new StoredMessage()

    expect(s.store.loadNext(SubjectFilter.of('rare.a'), 0, message)).toBe(38)
    expect(s.group.cache.size).toBe(1)
    expect(s.store.loadNext(SubjectFilter.of('rare.a', 'nothing'), 0, message)).toBe(38)
    expect(s.group.cache.size).toBe(1)
    expect(s.store.loadLast(SubjectFilter.of('rare.*'), message)).toBe(38)
    expect(s.group.cache.size).toBe(1)
    expect(s.store.countPending(SubjectFilter.all, 0, true)).toBe(3)
    await s.close()
  })

  it('keep subjects apart from payloads of every size', async () => {
    const s = await open({ blockBytes: 4000 })
    const subjectOf = (i: number) => `subject.${i}.${'x'.repeat(i % 50)}`
    for (let i = 1; i <= 200; i++) s.append(subjectOf(i), 'p'.repeat((i * 37) % 900))
    const again = await s.reopen()

    const message = new StoredMessage()
    for (let i = 1; i <= 200; i++) {
      expect([again.store.load(i, message), message.subject(), message.payload().length]).toEqual([true, subjectOf(i), (i * 37) % 900])
    }
    expect(again.store.subjectCount).toBe(200)
    await again.close()
  })
})

describe.each(CIPHERS)('compaction (cipher %s)', (cipher) => {
  const { filled } = withCipher(cipher)

  it('leaves the first message alone in its block when it is the only one', async () => {
    const s = await filled(8)
    for (const sequence of [2, 3, 4]) s.store.remove(sequence)
    await s.flush()

    expect(await runUntil(s.turns, s.store.compact())).toBe(1)
    expect(sizes(s)[0]).toBe(100)
    expect(await runUntil(s.turns, s.store.compact())).toBe(0)
    await s.close()
  })

  it('gives back what a purge took from the head of a block', async () => {
    const s = await filled(8)
    s.store.purgeBelow(4)
    await s.flush()
    await runUntil(s.turns, s.store.compact())

    expect(sizes(s)[0]).toBe(100)
    s.store.skip(9, 3)
    const before = s.contents()
    const again = await s.reopen()
    expect([again.contents(), again.store.lastSequence]).toEqual([before, 11])
    await again.close()
  })

  it('rewrites a block of mostly tombstones once', async () => {
    const s = await filled(40)
    for (let i = 2; i <= 36; i++) s.store.remove(i)
    await s.flush()
    await runUntil(s.turns, s.store.compact())

    expect(await runUntil(s.turns, s.store.compact())).toBe(0)
    await s.close()
  })

  it('lets messages behind removed ones be erased', async () => {
    const s = await filled(12)
    for (const sequence of [2, 3, 5, 6, 8]) s.store.remove(sequence)
    await s.flush()
    await runUntil(s.turns, s.store.compact())

    expect([s.store.erase(4), s.store.erase(7)]).toEqual([true, true])
    await s.flush()
    const again = await s.kill()
    expect(again.contents().map((line) => Number(line.split(':')[0]))).toEqual([1, 9, 10, 11, 12])
    await again.close()
  })
})

describe.each(CIPHERS)('a truncation (cipher %s)', (cipher) => {
  const { open, filled } = withCipher(cipher)

  it('cuts what is not written yet', async () => {
    const s = await open()
    for (let i = 1; i <= 10; i++) s.append('s', `${i}`)
    s.store.truncate(5)
    const again = await s.kill()

    expect([again.contents().length, again.store.lastSequence]).toEqual([5, 5])
    await again.close()
  })

  it('over several blocks keeps what was removed', async () => {
    const s = await filled(40)
    for (const sequence of [2, 7, 8, 20, 33, 34]) s.store.remove(sequence)
    await s.flush()
    s.store.truncate(22)
    expect(s.store.state(true)).toMatchObject({ messageCount: 18, lastSequence: 22, deleted: [2, 7, 8, 20] })
    const again = await s.reopen()

    expect(again.store.state(true)).toMatchObject({ messageCount: 18, lastSequence: 22, deleted: [2, 7, 8, 20] })
    await again.close()
  })
})

describe('a configuration', () => {
  it('that allows messages their own time to live counts it from then on, and no more when it does not', async () => {
    const s = await openStore()
    s.store.ready()
    const change = (allowMessageTtl: boolean) =>
      runUntil(s.turns, s.store.updateConfig(completeStreamConfig({ name: 'S', subjects: ['>'], allowMessageTtl })))
    const append = () => s.store.append(messageOf({ subject: 'a', headers: 'NATS/1.0\r\nNats-TTL: 1\r\n\r\n' }), 1)
    await change(true)
    append()
    s.clock.advance(2500, () => s.turns.run())
    expect(s.store.messageCount).toBe(0)
    append()
    await change(false)
    s.clock.advance(5000, () => s.turns.run())
    expect(s.store.messageCount).toBe(1)
    await s.close()
  })

  it('that discards new ones refuses above either limit', async () => {
    const config = { discard: 'new', discardNewPerSubject: true, maxMessages: 3, maxMessagesPerSubject: 1 } as const
    const s = await openStore({ config })
    for (const subject of ['a', 'b', 'c']) s.append(subject)

    expect(codeOf(() => s.append('a'))).toBe('STORE_MAX_MESSAGES_PER_SUBJECT')
    expect(codeOf(() => s.append('d'))).toBe('STORE_MAX_MESSAGES')
    expect(s.contents()).toEqual(['1:a=', '2:b=', '3:c='])
    await s.close()
  })
})

describe('a consumer', () => {
  it('forgets for good that a message was delivered again, also when it is pending no more', async () => {
    const s = await openStore()
    const config = completeConsumerConfig({ durableName: 'c', name: 'c', ackPolicy: 'explicit', maxDeliver: 1 })
    const consumer = await runUntil(s.turns, s.store.openConsumer('c', 1n, config))
    consumer.updateDelivered(1, 1, 1, 1000)
    consumer.updateDelivered(2, 1, 2, 2000)
    expect([consumer.state().pending.size, consumer.state().redelivered.size]).toEqual([0, 1])
    expect(consumer.updateAcks(2, 1)).toBe(false)
    await runUntil(s.turns, consumer.flush())
    const again = await s.kill()
    const reopened = await runUntil(again.turns, again.store.openConsumer('c', 1n, config))

    expect(reopened.state().redelivered.size).toBe(0)
    await again.close()
  })
})
