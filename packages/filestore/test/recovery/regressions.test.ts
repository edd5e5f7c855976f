/** Facts that the crash test broke once, each by the shortest way there. */
import { describe, expect, it } from 'vitest'
import { messageOf } from '@rivulet/store-types'
import { SimulatedDisk } from '../../src/simulation.js'
import { DIRECTORY, openStore, type TestStore } from '../support/open-store.js'
import { hashOf } from '../../src/hash/hash-kernel.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { holdSyncs } from '../support/hold-syncs.js'
import { runUntil, settle } from '../support/settle.js'

const MSGS = `${DIRECTORY}/msgs`
const sequences = (store: TestStore) => store.contents().map((line) => Number(line.split(':')[0]))

describe('a tombstone', () => {
  it('stays while the file of its retired block is there, though no list has that block', async () => {
    const s = await openStore({ blockBytes: 400, config: { maxMessagesPerSubject: 50 } })
    // Two messages of 186 bytes a block; a tombstone does not fit behind them.
    for (let i = 1; i <= 6; i++) s.append('s', 'x'.repeat(155))
    s.store.remove(3)
    s.store.remove(4)
    for (let i = 7; i <= 9; i++) s.append('s', 'x'.repeat(155))
    await s.flush()
    const { begun, letGo } = holdIndexWrite(s)
    const compacted = s.store.compact()
    await begun
    // While the index is written another block is emptied: no index knows of it yet.
    for (const sequence of [8, 9, 2]) s.store.remove(sequence)
    s.append('s', 'x'.repeat(349))
    const atRewrite = forkAfterRename(s, '6.blk.tmp')
    letGo()
    await runUntil(s.turns, compacted)
    const again = await openStore({ disk: atRewrite() ?? s.disk, blockBytes: 400, config: { maxMessagesPerSubject: 50 } })

    expect(sequences(again)).toEqual([1, 5, 6, 7, 10])
    await again.close()
  })
})

/** The disk as it was at the first change after that rename; undefined when it did not happen. */
function forkAfterRename(s: TestStore, name: string): () => SimulatedDisk | undefined {
  let hasHappened = false
  let fork: SimulatedDisk | undefined
  s.disk.onChange = (operation, path) => {
    if (hasHappened) fork ??= s.disk.fork()
    if (operation === 'rename' && path.endsWith(name)) hasHappened = true
  }
  return () => {
    s.disk.onChange = undefined
    fork?.kill()
    return fork
  }
}

/** The next sync of a new index.db waits for `letGo`; `begun` when it is waited for. */
function holdIndexWrite(s: TestStore): { begun: Promise<void>; letGo: () => void } {
  let letGo = (): void => {}
  let begin = (): void => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const gate = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const open = s.disk.open.bind(s.disk)
  s.disk.open = (path, mode) => {
    const file = open(path, mode)
    if (!path.endsWith('index.db.tmp')) return file
    const sync = file.sync.bind(file)
    file.sync = () => {
      begin()
      return gate.then(sync)
    }
    return file
  }
  return { begun, letGo }
}

describe('index.db of an empty last block', () => {
  it('is not used when that block has bytes, be they zeros', async () => {
    const s = await openStore()
    s.append('a')
    s.store.truncate(0)
    await s.close()
    const again = await openStore({ disk: s.disk })
    again.append('s', 'one')
    await again.flush()
    const path = [...s.disk.files().keys()].find((name) => name.endsWith('.blk'))!
    s.disk.plant(path, Buffer.concat([s.disk.readFile(path), Buffer.alloc(30)]))
    const third = await again.kill()

    expect(third.contents()).toEqual(['1:s=one'])
    await third.close()
  })
})

describe('the last sequence that only index.db knew', () => {
  it('is still used up when index.db is gone later', async () => {
    const s = await openStore()
    for (let i = 1; i <= 3; i++) s.append('s', `${i}`)
    await s.close()
    const path = `${MSGS}/1.blk`
    s.disk.plant(path, s.disk.readFile(path).subarray(0, 64))
    const again = await openStore({ disk: s.disk })
    expect([sequences(again), again.store.lastSequence]).toEqual([[1, 2], 3])
    await again.flush()
    s.disk.remove(`${MSGS}/index.db`)
    const third = await again.kill()

    expect([sequences(third), third.store.lastSequence]).toEqual([[1, 2], 3])
    await third.close()
  })
})

describe('a truncation', () => {
  it('stays when of the last messages only tombstones were left', async () => {
    const s = await openStore()
    for (let i = 1; i <= 4; i++) s.append('s', `${i}`)
    s.store.purge()
    s.store.truncate(3)
    const again = await s.kill()

    expect([sequences(again), again.store.lastSequence]).toEqual([[], 3])
    await again.close()
  })

  it('brings back nothing of blocks whose files wait for their removal', async () => {
    const s = await openStore({ blockBytes: 200, config: { maxMessagesPerSubject: 4 } })
    for (let i = 1; i <= 4; i++) s.append('s', 'x'.repeat(160))
    await s.flush()
    s.store.remove(3)
    s.store.truncate(2)
    const again = await s.kill()

    expect([sequences(again), again.store.lastSequence]).toEqual([[1, 2], 2])
    await again.close()
  })

  it('brings back nothing that a limit had removed in front of a block', async () => {
    const s = await openStore({ blockBytes: 400, config: { maxMessagesPerSubject: 2 } })
    for (let i = 1; i <= 9; i++) s.append(i < 6 ? 'a' : 'b', 'x'.repeat(60))
    s.append('b', 'x'.repeat(60))
    s.store.truncate(9)
    expect(sequences(s)).toEqual([4, 5, 9])
    const again = await s.kill()

    expect(sequences(again)).toEqual([4, 5, 9])
    await again.close()
  })

  it('to nothing forgets when messages expire', async () => {
    const s = await openStore({ config: { allowMessageTtl: true } })
    s.store.ready()
    s.store.append(messageOf({ subject: 's', payload: 'short', headers: 'NATS/1.0\r\nNats-TTL: 1\r\n\r\n' }), 1)
    s.store.truncate(0)
    s.store.append(messageOf({ subject: 's', payload: 'long', headers: 'NATS/1.0\r\nNats-TTL: 60\r\n\r\n' }), 60)
    s.clock.advance(5_000, () => s.turns.run())

    expect(s.contents()).toEqual(['1:s=long'])
    await s.close()
  })
})

describe('a read that fails once, at opening,', () => {
  const reads = Array.from({ length: 9 }, (_, after) => after)

  it.each([...reads.map((after) => [after, true] as const), ...reads.map((after) => [after, false] as const)])(
    'costs nothing at the next opening (read %d, index.db as new as the blocks: %s)',
    async (after, isClosed) => {
      const s = await openStore({ blockBytes: 200 })
      for (let i = 1; i <= 3; i++) s.append('s', 'x'.repeat(100))
      await s.close()
      const old = await openStore({ disk: s.disk, blockBytes: 200 })
      old.append('s', 'x'.repeat(100))
      await old.flush()
      if (isClosed) await old.close()
      s.disk.kill()
      s.disk.addFault({ operation: 'read', path: '.blk', after, code: 'EIO' })
      const again = await openStore({ disk: s.disk, blockBytes: 200 })
      again.contents()
      await again.close()
      const third = await openStore({ disk: s.disk, blockBytes: 200 })

      expect(sequences(third)).toEqual([1, 2, 3, 4])
      await third.close()
    },
  )
})

describe('a purge below a sequence', () => {
  it('is told from a missing block', async () => {
    const s = await openStore({ blockBytes: 200 })
    for (let i = 1; i <= 4; i++) s.append('s', 'x'.repeat(150))
    const again = await s.reopen()
    again.store.purgeBelow(3)
    await again.flush()
    const third = await again.kill()

    expect([sequences(third), third.events.damaged]).toEqual([[3, 4], []])
    await third.close()
  })
})

describe('with a sync every so often', () => {
  const sync = { intervalMs: 1000 }

  it('a purge below a sequence stays when the process is killed', async () => {
    const s = await openStore({ sync, blockBytes: 200 })
    for (let i = 1; i <= 4; i++) s.append('s', 'x'.repeat(150))
    await s.flush()
    s.store.purgeBelow(3)
    await s.flush()
    const again = await s.kill()

    expect(sequences(again)).toEqual([3, 4])
    await again.close()
  })

  it('removals that emptied a block stay when the process is killed', async () => {
    const s = await openStore({ sync, blockBytes: 200 })
    for (let i = 1; i <= 4; i++) s.append('s', 'x'.repeat(40))
    await s.flush()
    for (const sequence of [1, 4, 2, 3]) s.store.remove(sequence)
    await s.flush()
    const again = await s.kill()

    expect([sequences(again), again.store.lastSequence]).toEqual([[], 4])
    await again.close()
  })

  it('what a killed process had written is synced by the one that finds it', async () => {
    const s = await openStore({ sync })
    s.append('s', 'one')
    await s.flush()
    for (const path of ['/', '/data', '/data/streams', DIRECTORY]) s.disk.syncDirectoryNow(path)
    const again = await s.kill()
    again.disk.cutPower()
    again.disk.restorePower(() => 0)
    const third = await openStore({ disk: s.disk, sync })

    expect(sequences(third)).toEqual([1])
    await third.close()
  })

  it('limits that change take no more after a power loss than before', async () => {
    const s = await openStore({ sync, blockBytes: 200 })
    for (let i = 1; i <= 3; i++) s.append('s', 'x'.repeat(60))
    s.store.remove(3)
    await s.flush()
    const written: string[] = []
    s.disk.onChange = (operation, path) => {
      if (operation === 'sync') written.push(path.slice(path.lastIndexOf('/') + 1))
    }
    await runUntil(s.turns, s.store.updateConfig({ ...s.config, maxMessagesPerSubject: 1 }))

    expect(written.indexOf('index.db.tmp')).toBeLessThan(written.indexOf('meta.inf.tmp'))
    expect(written).toContain('index.db.tmp')
    await s.close()
  })

  it('a sync that takes longer than that is followed by one for what came meanwhile', async () => {
    const disk = new SimulatedDisk()
    const { letGo, syncs } = holdSyncs(disk)
    const s = await openStore({ disk, sync })
    s.append('s', 'one')
    s.turns.run()
    s.clock.advance(1_000, () => s.turns.run())
    s.append('s', 'two')
    s.turns.run()
    s.clock.advance(1_000, () => s.turns.run())
    expect(syncs()).toBe(1)
    letGo()
    await settle(s.turns)
    s.clock.advance(1_000, () => s.turns.run())
    await settle(s.turns)

    expect(syncs()).toBe(2)
    await s.close()
  })
})

describe('a compaction that leaves out a tombstone of a message in front of the first', () => {
  it('has the floor say so: the record may still lie in a block that lives', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 6; i++) s.append('s', 'x'.repeat(69))
    s.store.remove(1)
    for (let i = 7; i <= 8; i++) s.append('s', 'x'.repeat(69))
    for (const sequence of [5, 6]) s.store.remove(sequence)
    await s.flush()
    await runUntil(s.turns, s.store.compact())
    const again = await s.kill()

    expect(sequences(again)).toEqual([2, 3, 4, 7, 8])
    await again.close()
  })
})

describe('the end of the last block', () => {
  it('that is missing as index.db knows it is named as lost', async () => {
    const s = await openStore()
    for (let i = 1; i <= 4; i++) s.append('s', `${i}`)
    await s.close()
    const path = `${MSGS}/1.blk`
    s.disk.plant(path, s.disk.readFile(path).subarray(0, 64))
    const again = await openStore({ disk: s.disk })

    expect(sequences(again)).toEqual([1, 2])
    expect(again.store.state(false).lost?.sequences).toEqual([3, 4])
    expect(again.events.damaged).toMatchObject([{ file: path, firstSequence: 3, lastSequence: 4 }])
    await again.close()
  })
})

describe('a tombstone of a message that a power loss took', () => {
  it('removes no message that comes afterwards: its sequence is not given out again', async () => {
    const s = await openStore()
    s.append('s', 'kept')
    await s.flush()
    for (let i = 2; i <= 4; i++) s.append('s', 'lost')
    await s.flush()
    s.store.remove(4)
    await s.flush()
    const path = `${MSGS}/1.blk`
    const bytes = s.disk.readFile(path)
    s.disk.kill()
    // The write of three messages never came to the platter, the one behind it did.
    s.disk.plant(path, Buffer.from(bytes).fill(0, 35, bytes.length - 30))
    const again = await openStore({ disk: s.disk })
    expect(sequences(again)).toEqual([1])
    for (let i = 0; i < 3; i++) again.append('s', 'new')
    await again.flush()
    const third = await again.kill()

    expect(sequences(third)).toEqual([1, 5, 6, 7])
    await third.close()
  })
})

describe('a message that never expires', () => {
  it.each([{ maxMessages: 3 }, { maxMessagesPerSubject: 3 }, { maxBytes: 250 }])(
    'stays when younger ones aged out and the process is killed (%o)',
    async (limit) => {
      const s = await openStore({ config: { ...limit, maxAge: 1_000_000_000n, allowMessageTtl: true } })
      s.store.ready()
      const never = { subject: 's', payload: 'never', headers: 'NATS/1.0\r\nNats-TTL: never\r\n\r\n' }
      s.store.append(messageOf(never), -1)
      s.append('s', 'two')
      await s.flush()
      s.clock.advance(5_000, () => s.turns.run())
      s.append('s', 'three')
      s.append('s', 'four')
      await s.flush()
      const again = await s.kill()

      expect(again.contents()).toEqual(['1:s=never', '3:s=three', '4:s=four'])
      await again.close()
    },
  )
})

describe('an erased rollup message', () => {
  it('brings back nothing that an opening had derived from it', async () => {
    const s = await openStore({ config: { allowRollup: true } })
    s.append('other', 'stays')
    s.append('s', 'old')
    await s.flush()
    // The power goes before the stream's purge for the rollup is synced.
    s.append('s', 'rollup', 'NATS/1.0\r\nNats-Rollup: sub\r\n\r\n')
    await s.flush()
    const again = await s.kill()
    expect(sequences(again)).toEqual([1, 3])
    again.store.erase(3)
    await again.flush()
    const third = await again.kill()

    expect(sequences(third)).toEqual([1])
    await third.close()
  })
})

describe('the file of an emptied block', () => {
  it('stays until the tombstones that emptied it are synced, over as many blocks as they take', async () => {
    const s = await openStore({ blockBytes: 200 })
    for (let i = 1; i <= 9; i++) s.append('s', 'x'.repeat(150))
    await s.flush()
    for (const path of ['/', '/data', '/data/streams', DIRECTORY]) s.disk.syncDirectoryNow(path)
    const forks: SimulatedDisk[] = []
    s.disk.onChange = () => void forks.push(s.disk.fork())
    for (let sequence = 2; sequence <= 9; sequence++) s.store.remove(sequence)
    await s.flush()
    s.disk.onChange = undefined

    for (const fork of forks) {
      fork.cutPower()
      // Names are kept as they were, bytes that were not synced are not.
      const numbers = [0, 0.999]
      fork.restorePower(() => numbers.shift() ?? 0)
      const again = await openStore({ disk: fork, blockBytes: 200 })
      expect(again.store.lastSequence).toBe(9)
      await again.close()
    }
    await s.close()
  })
})

describe('a message that a limit took before its block was synced', () => {
  it('is acknowledged only when it, or what pushed it out, is certain', async () => {
    const s = await openStore({ blockBytes: 200, config: { maxMessages: 1 } })
    s.append('s', 'x'.repeat(150))
    await s.flush()
    for (const path of ['/', '/data', '/data/streams', DIRECTORY]) s.disk.syncDirectoryNow(path)
    const forks: { disk: SimulatedDisk; committed: number }[] = []
    s.disk.onChange = () => void forks.push({ disk: s.disk.fork(), committed: s.store.committedSequence })
    for (let i = 0; i < 6; i++) {
      s.append('s', 'x'.repeat(150))
      s.turns.run()
      s.append('s', 'x'.repeat(150))
      await Promise.resolve()
    }
    await s.flush()
    s.disk.onChange = undefined

    for (const { disk, committed } of forks) {
      disk.cutPower()
      const numbers = [0, 0.999]
      disk.restorePower(() => numbers.shift() ?? 0)
      const again = await openStore({ disk, blockBytes: 200, config: { maxMessages: 1 } })
      expect(again.store.lastSequence).toBeGreaterThanOrEqual(committed)
      expect(sequences(again).at(-1) ?? 0).toBeGreaterThanOrEqual(committed)
      await again.close()
    }
    await s.close()
  })
})

describe('a floor that is newer than index.db and the blocks', () => {
  it('keeps no message from being stored: what is below it is not given out again', async () => {
    const s = await openStore({ sync: { intervalMs: 1000 } })
    s.append('s', '1')
    s.store.purge()
    await s.close()
    // With syncs every so often the floor may survive a power loss that took everything it speaks of.
    const floor = Buffer.alloc(24)
    floor.latin1Write('rivfloor', 0)
    floor.writeBigUInt64LE(6n, 8)
    hashOf(createTypeScriptHashKernel(), 'S', floor.subarray(0, 16)).copy(floor, 16)
    s.disk.plant(`${DIRECTORY}/rivulet.floor`, floor)
    const again = await openStore({ disk: s.disk, sync: { intervalMs: 1000 } })
    expect(again.append('s', 'new')).toBe(6)
    await again.flush()
    const third = await again.kill()

    expect(third.contents()).toEqual(['6:s=new'])
    await third.close()
  })
})

describe('a last block that could not be read', () => {
  it('has its last message back, too, when it can be read again', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 8; i++) s.append('s', 'x'.repeat(69))
    const opened = await s.reopen()
    opened.disk.addFault({ operation: 'read', path: '/2.blk', code: 'EIO' })
    expect(sequences(opened)).toEqual([1, 2, 3, 4])
    // It is full: the next one gets a block of its own, and the file of this one is in no list.
    opened.append('s', 'next')
    await opened.flush()
    const again = await opened.kill()

    expect(sequences(again)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
    await again.close()
  })
})

describe('index.db of a block that ends with the tombstone of the last message', () => {
  it('is old once records were added: that tombstone is not written again', async () => {
    const options = { blockBytes: 400, config: { maxMessagesPerSubject: 50 } }
    const s = await openStore(options)
    // Two messages of 186 bytes a block; a tombstone does not fit behind them.
    for (let i = 1; i <= 4; i++) s.append('s', 'x'.repeat(155))
    s.store.remove(4)
    const opened = await s.reopen()
    // Its block is empty now, and was the one that had used up the last sequence.
    opened.store.remove(3)
    await opened.flush()
    const again = await opened.kill()

    expect([sequences(again), again.store.lastSequence]).toEqual([[1, 2], 4])
    await again.close()
  })
})

describe('blocks that go while the disk has no room for the floor', () => {
  it('are gone for certain before their removal is acknowledged', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 6; i++) s.append('s', 'x'.repeat(155))
    await s.flush()
    for (const path of ['/', '/data', '/data/streams', DIRECTORY]) s.disk.syncDirectoryNow(path)
    s.disk.addFault({ operation: 'rename', path: 'rivulet.floor', code: 'ENOSPC', times: 2 })
    s.store.purgeBelow(5)
    await s.flush()
    s.disk.cutPower()
    // Nothing stays that was not synced.
    s.disk.restorePower(() => 0)
    const again = await openStore({ disk: s.disk, blockBytes: 400 })

    expect(sequences(again)).toEqual([5, 6])
    await again.close()
  })
})

describe('a message that expires on a full disk', () => {
  it('is told of, also when there is no room for a tombstone that its block needs', async () => {
    const s = await openStore({ blockBytes: 400, config: { maxAge: 1_000_000_000n } })
    s.store.ready()
    for (let i = 1; i <= 4; i++) s.append('s', 'x'.repeat(155))
    await s.flush()
    s.disk.capacityBytes = s.disk.usedBytes()
    s.store.remove(1)
    await expect(s.flush()).rejects.toMatchObject({ code: 'STORE_FULL' })
    s.clock.advance(2_000, () => s.turns.run())

    expect([sequences(s), s.events.expired, s.store.lastSequence]).toEqual([[], [2, 3, 4], 4])
    s.disk.capacityBytes = Infinity
    s.clock.advance(2_000, () => s.turns.run())
    expect(s.append('s', 'next')).toBe(5)
    await s.flush()
    const again = await s.kill()
    expect(sequences(again)).toEqual([5])
    await again.close()
  })
})

describe('a size that was repaired at the end of the last block', () => {
  it('is on disk before anything is appended behind it', async () => {
    const s = await openStore()
    for (let i = 1; i <= 3; i++) s.append('s', `${i}`)
    await s.flush()
    const path = `${MSGS}/1.blk`
    const whole = Buffer.from(s.disk.readFile(path))
    s.disk.kill()
    s.disk.plant(path, Buffer.from(whole).fill(0, 64, 68))
    const again = await openStore({ disk: s.disk })

    expect(again.contents()).toEqual(['1:s=1', '2:s=2', '3:s=3'])
    expect(s.disk.readFile(path)).toEqual(whole)
    // A write that is lost behind it leaves zeros, and nothing to tell the size from.
    s.disk.kill()
    s.disk.plant(path, Buffer.concat([s.disk.readFile(path), Buffer.alloc(40)]))
    const third = await openStore({ disk: s.disk })
    expect(third.contents()).toEqual(['1:s=1', '2:s=2', '3:s=3'])
    await third.close()
  })
})

describe('an index.db that a killed process had just put in place', () => {
  it('is certain before the limits change that removed what only it says is gone', async () => {
    const config = { maxAge: 1_000_000_000n }
    const s = await openStore({ config })
    s.store.ready()
    s.append('s', 'old')
    await s.flush()
    s.clock.advance(2_000, () => s.turns.run())
    s.append('s', 'new')
    await s.flush()
    for (const path of ['/', '/data', '/data/streams', DIRECTORY, MSGS]) s.disk.syncDirectoryNow(path)
    const { syncDirectory } = s.disk
    s.disk.syncDirectory = () => new Promise(() => {})
    void s.close()
    await settle(s.turns)
    s.disk.syncDirectory = syncDirectory
    const again = await s.kill()
    await runUntil(again.turns, again.store.updateConfig({ ...again.config, maxAge: 0n }))
    again.disk.cutPower()
    again.disk.restorePower(() => 0)
    const third = await openStore({ disk: s.disk, clock: s.clock })

    expect(sequences(third)).toEqual([2])
    await third.close()
  })
})
