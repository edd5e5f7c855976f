/** Facts that the crash test broke once, each by the shortest way there. */
import { describe, expect, it } from 'vitest'
import type { SimulatedDisk } from '../../src/simulation.js'
import { DIRECTORY, openStore, type TestStore } from '../support/open-store.js'
import { runUntil } from '../support/settle.js'

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
