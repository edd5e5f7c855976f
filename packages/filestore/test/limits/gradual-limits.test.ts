/** Limits that take many messages: what others see meanwhile, and what a crash in the middle leaves. */
import { SubjectFilter, completeStreamConfig, type StreamConfig } from '@rivulet/store-types'
import { describe, expect, it } from 'vitest'
import { openStore, type TestStore } from '../support/open-store.js'
import { runUntil, settle } from '../support/settle.js'

const MANY = 9000

const limited = (changes: Partial<StreamConfig>) => completeStreamConfig({ name: 'S', subjects: ['>'], ...changes })

/** `a`, `b` and `c` in turn. */
async function filled(blockBytes = 32_000): Promise<TestStore> {
  const s = await openStore({ blockBytes })
  for (let i = 1; i <= MANY; i++) s.append('abc'[i % 3] as string, `${i}`)
  await s.flush()
  return s
}

/** Turns until the limits have taken something. */
async function partway(s: TestStore): Promise<void> {
  while (s.store.messageCount === MANY) {
    s.turns.step()
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: unknown) => (error as { code?: string }).code,
  )

describe('limits that take many messages', () => {
  it('are worked off in turns of the event loop', async () => {
    const s = await filled()
    const update = s.store.updateConfig(limited({ maxMessages: 10 }))
    await partway(s)
    expect(s.store.messageCount).toBeGreaterThan(MANY - 3000)
    await runUntil(s.turns, update)

    expect([s.store.messageCount, s.store.firstSequence]).toEqual([10, MANY - 9])
    expect(s.events.expired).toEqual(Array.from({ length: MANY - 10 }, (_, i) => i + 1))
    await s.close()
  })

  it('take the oldest of each subject, also of those between subjects that stay', async () => {
    const s = await filled()
    const rare = s.append('rare', 'stays')
    for (let i = 0; i < 3000; i++) s.append('later', 'x')
    await s.flush()
    s.store.remove(1)
    await runUntil(s.turns, s.store.updateConfig(limited({ maxMessagesPerSubject: 3 })))

    const kept = [MANY - 8, MANY - 7, MANY - 6, MANY - 5, MANY - 4, MANY - 3, MANY - 2, MANY - 1, MANY]
    expect(s.contents().map((line) => Number(line.split(':')[0]))).toEqual([...kept, rare, rare + 2998, rare + 2999, rare + 3000])
    const before = s.contents()
    const again = await s.kill({ config: { maxMessagesPerSubject: 3 } })
    expect(again.contents()).toEqual(before)
    await again.close()
  })

  it.each([{ maxMessages: 10 }, { maxBytes: 1000 }, { maxMessagesPerSubject: 2 }])('are applied at the next opening after a kill: %j', async (config) => {
    const s = await filled()
    void s.store.updateConfig(limited(config)).catch(() => {})
    await partway(s)
    s.append('a', 'last')
    await s.flush()
    const again = await s.kill({ config })

    const other = await openStore({ blockBytes: 32_000, config })
    for (let i = 1; i <= MANY; i++) other.append('abc'[i % 3] as string, `${i}`)
    other.append('a', 'last')
    expect(again.contents()).toEqual(other.contents())
    await again.close()
    await other.close()
  })

  it.each([{ maxMessages: 6000 }, { maxMessagesPerSubject: 1000 }])('do not bring back what a purge took meanwhile: %j', async (config) => {
    // In one block, so that none goes, which would write down the floor.
    const s = await filled(8_000_000)
    void s.store.updateConfig(limited(config)).catch(() => {})
    await partway(s)
    s.store.purgeMatching({ filter: SubjectFilter.of('a'), below: 0, keep: 0 })
    await s.flush()
    const again = await s.kill({ config })

    expect(again.contents().filter((line) => line.includes(':a='))).toEqual([])
    await again.close()
  })

  it('end with an error when the store is closed meanwhile, and the next opening applies them', async () => {
    const s = await filled()
    const update = codeOf(s.store.updateConfig(limited({ maxMessages: 10 })))
    await partway(s)
    const again = await s.reopen({ config: { maxMessages: 10 } })

    expect(await update).toBe('STORE_CLOSED')
    expect(again.store.messageCount).toBe(10)
    await again.close()
  })

  it('give way to a configuration that comes meanwhile', async () => {
    const s = await filled()
    const first = s.store.updateConfig(limited({ maxMessagesPerSubject: 100 }))
    await partway(s)
    const second = s.store.updateConfig(limited({ maxMessagesPerSubject: 10 }))
    await runUntil(s.turns, Promise.all([first, second]))

    expect([s.store.messageCount, s.store.firstSequence]).toEqual([30, MANY - 29])
    for (let i = 0; i < 100; i++) s.append('a', 'more')
    expect(s.store.messageCount).toBe(30)
    await settle(s.turns)
    await s.close()
  })
})

describe('what appends would have to read a block for', () => {
  it.each<[Partial<StreamConfig>, (sequences: number[]) => void]>([
    [{ maxMessages: 900 }, (kept) => expect(kept.length).toBe(900)],
    [{ maxMessagesPerSubject: 300 }, (kept) => expect(kept.length).toBe(900)],
  ])('is left to the sweep, which leaves nothing over: %j', async (config, check) => {
    // A thousand messages in a block: a turn ends where a block does.
    const first = await openStore({ blockBytes: 40_000 })
    for (let i = 1; i <= MANY; i++) first.append('abc'[i % 3] as string, `${i}`.padEnd(9))
    await first.flush()
    const s = await first.reopen()
    const reads = countReads(s)
    const update = s.store.updateConfig(limited(config))
    let appended = 0
    let isDone = false
    void update.then(() => (isDone = true))
    while (!isDone) {
      const before = reads()
      // Nobody else runs in between.
      for (let i = 0; i < 3 && appended < 600; i++) s.append('abc'[appended++ % 3] as string, 'meanwhile')
      expect(reads()).toBe(before)
      s.turns.step()
      await new Promise((resolve) => setImmediate(resolve))
    }
    await s.flush()

    check(s.contents().map((line) => Number(line.split(':')[0])))
    await s.close()
  })
})

/** Reads of blocks; those that do not wait for them take a turn. */
function countReads(s: TestStore): () => number {
  let count = 0
  const open = s.disk.open.bind(s.disk)
  s.disk.open = (path, mode) => {
    const file = open(path, mode)
    if (!path.endsWith('.blk')) return file
    const [read, readAsync] = [file.read.bind(file), file.readAsync.bind(file)]
    file.read = (...where) => {
      count++
      return read(...where)
    }
    file.readAsync = async (...where) => {
      await new Promise((resolve) => setImmediate(resolve))
      return readAsync(...where)
    }
    return file
  }
  return () => count
}
