/** The rows of docs/recovery.md, one test each, in its order. */
import { describe, expect, it } from 'vitest'
import { SubjectFilter } from '@rivulet/store-types'
import { runUntil } from '../support/settle.js'
import { DIRECTORY, openStore, type TestStore, type TestStoreOptions } from '../support/open-store.js'

const MSGS = `${DIRECTORY}/msgs`
const block = (index: number) => `${MSGS}/${index}.blk`
const sequences = (store: TestStore) => store.contents().map((line) => Number(line.split(':')[0]))
const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

/** Twelve messages of 100 bytes in blocks of four; closed, so that index.db is there. */
async function twelve(options: TestStoreOptions = {}): Promise<TestStore> {
  const s = await openStore({ blockBytes: 400, ...options })
  for (let i = 1; i <= 12; i++) s.append(`s.${i % 3}`, `${i}`.padEnd(67, 'p'))
  await s.flush()
  return s
}

function edit(s: TestStore, path: string, change: (bytes: Buffer) => Buffer): void {
  s.disk.plant(path, change(Buffer.from(s.disk.readFile(path))))
}

async function closeAnd(s: TestStore, change: () => void, options: TestStoreOptions = {}): Promise<TestStore> {
  await s.close()
  change()
  return s.reopen(options)
}

describe('index.db', () => {
  it('that is valid opens the stream without reading a block', async () => {
    const s = await twelve()
    const again = await s.reopen()

    expect(again.store.state(false)).toMatchObject({ messageCount: 12, firstSequence: 1, lastSequence: 12, subjectCount: 3 })
    expect(again.group.cache.size).toBe(0)
    expect(sequences(again)).toEqual(range(1, 12))
    await again.close()
  })

  it.each<[string, (bytes: Buffer) => Buffer]>([
    ['is cut short', (bytes) => bytes.subarray(0, 20)],
    ['is cut in half', (bytes) => bytes.subarray(0, bytes.length / 2)],
    ['has a flipped bit', (bytes) => (bytes.writeUInt8(bytes[9]! ^ 4, 9), bytes)],
    ['is empty', () => Buffer.alloc(0)],
    ['is of another version, with a right hash missing', (bytes) => (bytes.writeUInt8(99, 1), bytes)],
  ])('that %s is not used, and costs nothing', async (_, change) => {
    const s = await twelve()
    const again = await closeAnd(s, () => edit(s, `${MSGS}/index.db`, change))

    expect(sequences(again)).toEqual(range(1, 12))
    expect(again.events.warnings.join()).toContain('index.db')
    await again.close()
  })

  it('that is missing costs nothing', async () => {
    const s = await twelve()
    s.store.remove(5)
    const again = await closeAnd(s, () => s.disk.remove(`${MSGS}/index.db`))

    expect(sequences(again)).toEqual([1, 2, 3, 4, ...range(6, 12)])
    expect(again.events.warnings).toEqual([])
    await again.close()
  })

  it('that is old still says what was removed', async () => {
    const s = await twelve({ config: { maxMessages: 8 } })
    const old = await s.reopen({ config: { maxMessages: -1 } })
    old.append('s.0', 'more')
    await old.flush()
    const again = await old.kill()

    expect(sequences(again)).toEqual(range(5, 13))
    await again.close()
  })
})

describe('index.db of an empty last block', () => {
  it('is not used when that block has bytes, zeros included', async () => {
    const s = await openStore()
    s.append('a')
    s.store.purge()
    s.store.truncate(0)
    await s.close()
    const again = await openStore({ disk: s.disk })
    again.append('s', 'one')
    await again.flush()
    const path = [...s.disk.files().keys()].find((name) => name.endsWith('.blk'))!
    edit(s, path, (bytes) => Buffer.concat([bytes, Buffer.alloc(30)]))
    const third = await again.kill()

    expect(third.contents()).toEqual(['1:s=one'])
    await third.close()
  })
})

describe('the end of the last block', () => {
  it('that was torn is cut off', async () => {
    const s = await twelve()
    const again = await closeAnd(s, () => edit(s, block(3), (bytes) => bytes.subarray(0, 360)))

    expect(sequences(again)).toEqual(range(1, 11))
    expect(s.disk.readFile(block(3)).length % 100).not.toBe(60)
    expect(again.events.damaged[0]).toMatchObject({ file: block(3), offset: 300, size: 60 })
    await again.close()
  })

  it('that is lost leaves the last sequence used up, as index.db knows it', async () => {
    const s = await twelve()
    const again = await closeAnd(s, () => edit(s, block(3), (bytes) => bytes.subarray(0, 360)))

    expect(again.store.lastSequence).toBe(12)
    expect(again.events.damaged[1]).toMatchObject({ file: block(3), firstSequence: 12, lastSequence: 12 })
    expect(again.append('s.0')).toBe(13)
    await again.flush()
    s.disk.remove(`${MSGS}/index.db`)
    const third = await again.kill()
    expect(sequences(third)).toEqual([...range(1, 11), 13])
    await third.close()
  })

  it('that is zeros is cut off', async () => {
    const s = await twelve()
    const again = await closeAnd(s, () => edit(s, block(3), (bytes) => Buffer.concat([bytes, Buffer.alloc(4096)])))

    expect(sequences(again)).toEqual(range(1, 12))
    expect(s.disk.readFile(block(3)).length).toBe(400)
    expect([...s.disk.files().keys()].filter((path) => path.includes('damaged'))).toEqual([])
    await again.close()
  })

  it('that is garbage is kept aside and cut off', async () => {
    const garbage = Buffer.from('30000000 but nothing that anybody wrote, for longer than a record', 'latin1')
    garbage.writeUInt32LE(40, 0)
    const s = await twelve()
    const again = await closeAnd(s, () => edit(s, block(3), (bytes) => Buffer.concat([bytes, garbage])))

    expect(sequences(again)).toEqual(range(1, 12))
    expect(s.disk.readFile(`${DIRECTORY}/damaged/3-400.bin`)).toEqual(garbage)
    await again.close()
  })
})

describe('a record', () => {
  it('whose checksum does not match costs itself alone, in a scan', async () => {
    const s = await twelve()
    s.store.remove(2)
    const again = await closeAnd(s, () => {
      s.disk.flipBit(block(2), 150, 3)
      s.disk.remove(`${MSGS}/index.db`)
    })

    expect(sequences(again)).toEqual([1, 3, 4, 5, ...range(7, 12)])
    expect(again.events.damaged).toMatchObject([{ file: block(2), offset: 100, size: 100, firstSequence: 6, lastSequence: 6 }])
    expect(again.store.messageCount).toBe(10)
    expect(s.disk.readFile(block(2)).length).toBe(400)
    await again.close()
  })

  it('whose checksum does not match costs itself alone, found when it is read', async () => {
    const s = await twelve()
    const again = await closeAnd(s, () => s.disk.flipBit(block(2), 150, 3))
    expect(again.store.messageCount).toBe(12)

    expect(sequences(again)).toEqual([...range(1, 5), ...range(7, 12)])
    expect(again.store.state(true)).toMatchObject({ messageCount: 11, byteCount: 1100, lost: { sequences: [6], byteCount: 100 } })
    expect([...again.store.subjectTotals(SubjectFilter.all).values()].sort()).toEqual([3, 4, 4])
    expect(again.append('s.0')).toBe(13)
    await again.close()
  })

  it('with a wrong size word is whole again', async () => {
    const s = await twelve()
    const again = await closeAnd(s, () => {
      s.disk.flipBit(block(2), 100, 6)
      s.disk.remove(`${MSGS}/index.db`)
    })

    expect(sequences(again)).toEqual(range(1, 12))
    expect(again.events.damaged).toEqual([])
    await again.close()
  })

  it('with a wrong header size is whole again', async () => {
    const s = await openStore()
    s.append('s', 'payload', 'NATS/1.0\r\nA: b\r\n\r\n')
    s.append('s', 'next')
    const again = await closeAnd(s, () => {
      s.disk.flipBit(block(1), 26, 5)
      s.disk.remove(`${MSGS}/index.db`)
    })

    expect(again.contents()).toEqual(['1:s=payload', '2:s=next'])
    await again.close()
  })

  it('that hides a tombstone brings only that message back', async () => {
    const s = await twelve()
    s.store.remove(1)
    s.store.remove(2)
    await s.flush()
    const again = await closeAnd(s, () => {
      s.disk.flipBit(block(4), 12, 0)
      s.disk.remove(`${MSGS}/index.db`)
    })

    expect(sequences(again)).toEqual([1, ...range(3, 12)])
    await again.close()
  })

  it('damaged in the middle of the last block lets nothing be appended behind it', async () => {
    const s = await openStore()
    for (let i = 1; i <= 3; i++) s.append('s', `${i}`)
    const again = await closeAnd(s, () => {
      s.disk.flipBit(block(1), 50, 0)
      s.disk.remove(`${MSGS}/index.db`)
    })
    again.append('s', 'new')
    await again.flush()

    expect(again.contents()).toEqual(['1:s=1', '3:s=3', '4:s=new'])
    expect(s.disk.readFile(block(1)).length).toBe(96)
    expect(s.disk.stat(block(2))).toBeDefined()
    await again.close()
  })
})

describe('a block', () => {
  it('that is missing and listed is reported with what it held', async () => {
    const s = await twelve()
    s.store.remove(6)
    const again = await closeAnd(s, () => s.disk.remove(block(2)))

    expect(sequences(again)).toEqual([...range(1, 4), ...range(9, 12)])
    expect(again.events.damaged).toMatchObject([{ file: block(2), firstSequence: 5, lastSequence: 8, cause: 'the block is missing' }])
    expect(again.store.state(true).lost?.sequences).toEqual([5, 7, 8])
    await again.close()
  })

  it('that is the last one and missing does not give its sequences out again', async () => {
    const s = await twelve()
    const again = await closeAnd(s, () => s.disk.remove(block(3)))

    expect(sequences(again)).toEqual(range(1, 8))
    expect(again.append('s.0')).toBe(13)
    expect(s.disk.stat(block(3))).toBeUndefined()
    await again.close()
  })

  it('that is newer than index.db is read', async () => {
    const s = await twelve()
    const old = await s.reopen()
    for (let i = 0; i < 9; i++) old.append('new', 'n'.repeat(67))
    await old.flush()
    const again = await old.kill()

    expect(sequences(again)).toEqual(range(1, 21))
    await again.close()
  })

  it('of no bytes is no block, unless it is the last', async () => {
    const s = await twelve()
    const again = await closeAnd(s, () => {
      s.disk.plant(block(4), Buffer.alloc(0))
    })

    expect(sequences(again)).toEqual(range(1, 12))
    again.append('s.0', 'x'.repeat(300))
    await again.flush()
    expect(s.disk.readFile(block(4)).length).toBe(333)
    await again.close()
  })

  it('that was emptied before a kill goes', async () => {
    const s = await twelve()
    const bytes = s.disk.readFile(block(1))
    s.store.purgeBelow(5)
    const again = await closeAnd(s, () => {
      s.disk.plant(block(1), bytes)
      s.disk.remove(`${MSGS}/index.db`)
    })

    expect(sequences(again)).toEqual(range(5, 12))
    await again.flush()
    await again.close()
    expect(s.disk.stat(block(1))).toBeUndefined()
  })

  it('that can not be read is kept, and the others are served', async () => {
    const s = await twelve()
    await s.close()
    s.disk.remove(`${MSGS}/index.db`)
    s.disk.addFault({ operation: 'read', path: '2.blk', code: 'EIO', times: 100 })
    const again = await openStore({ disk: s.disk, blockBytes: 400 })

    expect(sequences(again)).toEqual([...range(1, 4), ...range(9, 12)])
    expect(again.store.purgeBelow(10)).toBe(5)
    await again.flush()
    s.disk.clearFaults()
    expect(s.disk.readFile(block(2)).length).toBe(400)
    await again.close()
  })

  it('of nothing but foreign bytes is left where it is', async () => {
    const s = await twelve()
    await s.close()
    s.disk.remove(`${MSGS}/index.db`)
    s.disk.plant(block(2), Buffer.alloc(400, 0x61))
    const again = await openStore({ disk: s.disk, blockBytes: 400 })

    expect(sequences(again)).toEqual([...range(1, 4), ...range(9, 12)])
    expect(s.disk.readFile(block(2))).toEqual(Buffer.alloc(400, 0x61))
    await again.close()
  })

  it('whose sequence leaps is not believed', async () => {
    const s = await openStore()
    s.append('s', 'one')
    s.store.skip(2, 40_000_000)
    s.append('s', 'two')
    const again = await s.reopen()
    s.disk.remove(`${MSGS}/index.db`)
    const third = await again.kill()

    expect(third.contents()).toEqual(['1:s=one', '40000002:s=two'])
    expect(third.store.state(false).deletedCount).toBe(40_000_000)
    await third.close()
  })
})

describe('a write that a power loss took', () => {
  it('is taken out, and what was written after it stays', async () => {
    const s = await openStore()
    for (let i = 1; i <= 4; i++) s.append('s', `${i}`)
    await s.flush()
    edit(s, block(1), (bytes) => bytes.fill(0, 40, 64))
    const again = await s.kill()

    expect(again.contents()).toEqual(['1:s=1', '3:s=3', '4:s=4'])
    expect(s.disk.readFile(block(1)).length).toBe(96)
    await again.close()
  })
})

describe('a removal that was committed stays', () => {
  it('when a limit had removed older messages before', async () => {
    const s = await twelve({ config: { maxMessages: 8 } })
    for (const sequence of [6, 9, 12]) s.store.remove(sequence)
    await s.flush()
    const again = await s.kill()

    expect(sequences(again)).toEqual([5, 7, 8, 10, 11])
    await again.close()
  })

  it('when a limit per subject had removed older ones of the subject', async () => {
    const s = await twelve({ config: { maxMessagesPerSubject: 2 } })
    s.store.remove(12)
    s.store.remove(11)
    await s.flush()
    const again = await s.kill()

    expect(sequences(again)).toEqual([7, 8, 9, 10])
    await again.close()
  })

  it('when it emptied a block that held tombstones of an older one', async () => {
    const s = await twelve()
    s.store.remove(2)
    for (let i = 13; i <= 16; i++) s.append('s.0', 'p'.repeat(67))
    for (const sequence of [13, 14, 15, 16]) s.store.remove(sequence)
    await s.flush()
    const again = await s.kill()

    expect(sequences(again)).toEqual([1, ...range(3, 12)])
    expect(again.store.lastSequence).toBe(16)
    await again.close()
  })

  it('when the limit is raised afterwards and index.db is lost', async () => {
    const s = await twelve({ config: { maxMessages: 6 } })
    const raised = await s.reopen()
    await runUntil(raised.turns, raised.store.updateConfig({ ...raised.config, maxMessages: -1 }))
    s.disk.remove(`${MSGS}/index.db`)
    const again = await raised.kill({ config: { maxMessages: -1 } })

    expect(sequences(again)).toEqual(range(7, 12))
    await again.close()
  })
})

describe('a purge that was interrupted', () => {
  const prepared = async () => {
    const s = await twelve()
    await s.close()
    return s
  }

  it('before its block was ready never happened', async () => {
    const s = await prepared()
    s.disk.plant(`${DIRECTORY}/rivulet.purge/4.blk`, Buffer.alloc(7))
    const again = await openStore({ disk: s.disk })

    expect(sequences(again)).toEqual(range(1, 12))
    expect(s.disk.stat(`${DIRECTORY}/rivulet.purge`)).toBeUndefined()
    await again.close()
  })

  it('after its block was ready is finished', async () => {
    const s = await prepared()
    const done = await openStore()
    for (let i = 0; i < 12; i++) done.append('a')
    done.store.purge()
    await done.close()
    s.disk.plant(`${DIRECTORY}/__new_msgs__/2.blk`, done.disk.readFile(`${MSGS}/2.blk`))
    const again = await openStore({ disk: s.disk })

    expect(again.store.state(false)).toMatchObject({ messageCount: 0, firstSequence: 13, lastSequence: 12 })
    expect(s.disk.stat(block(3))).toBeUndefined()
    await again.close()
  })

  it('behind the point where it counts only has its old blocks removed', async () => {
    const s = await prepared()
    s.disk.plant(`${DIRECTORY}/__msgs__/1.blk`, Buffer.alloc(10))
    const again = await openStore({ disk: s.disk })

    expect(sequences(again)).toEqual(range(1, 12))
    expect(s.disk.stat(`${DIRECTORY}/__msgs__`)).toBeUndefined()
    await again.close()
  })
})
