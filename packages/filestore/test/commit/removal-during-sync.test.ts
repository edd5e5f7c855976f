/** Blocks that go while a sync is under way, and listeners that come back while they are told. */
import { describe, expect, it } from 'vitest'
import { StoredMessage, SubjectFilter, type StreamStoreListener } from '@rivulet/store-types'
import { SimulatedDisk } from '../../src/simulation.js'
import { openStore, type TestStore } from '../support/open-store.js'
import { settle } from '../support/settle.js'

/** Ends what the disk has under way, one after the other, until everything is committed. */
async function finish(s: TestStore): Promise<void> {
  for (let i = 0; i < 50 && (s.disk.inFlightCount > 0 || s.store.committedSequence < s.store.lastSequence); i++) {
    s.disk.step()
    await settle(s.turns, 5)
  }
}

/** The process dies; the disk ends what the next one has under way. */
async function killed(s: TestStore): Promise<TestStore> {
  const opening = s.kill()
  let isOpen = false
  opening.then(() => (isOpen = true), () => (isOpen = true))
  while (!isOpen) {
    s.disk.step()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return opening
}

function fill(s: TestStore, count: number): void {
  for (let i = 0; i < count; i++) s.append('s', `${s.store.lastSequence + 1}`.padEnd(69, 'p'))
}

describe('a sync that is under way', () => {
  it.each<[string, (s: TestStore) => void]>([
    ['a purge below', (s) => s.store.purgeBelow(6)],
    ['a purge of everything', (s) => s.store.purge()],
    ['a purge of a subject', (s) => s.store.purgeMatching({ filter: SubjectFilter.of('s'), below: 7, keep: 0 })],
    ['a truncation', (s) => s.store.truncate(3)],
    ['an erasure', (s) => s.store.erase(2)],
    ['the removal of a whole block', (s) => [5, 6, 7, 8].forEach((sequence) => s.store.remove(sequence))],
  ])('does not mind %s', async (_, change) => {
    const disk = new SimulatedDisk({ autoStep: false })
    const s = await openStore({ disk, blockBytes: 400 })
    fill(s, 12)
    s.turns.run()
    expect([disk.inFlightCount > 0, s.store.committedSequence]).toEqual([true, 0])

    change(s)
    fill(s, 2)
    s.turns.run()
    const expected = [s.contents(), s.store.lastSequence]
    await finish(s)

    expect([s.store.failure, s.events.failed, s.store.committedSequence]).toEqual([undefined, [], s.store.lastSequence])
    const again = await killed(s)
    expect([again.contents(), again.store.lastSequence]).toEqual(expected)
  })

  it('does not mind messages that come of age', async () => {
    const disk = new SimulatedDisk({ autoStep: false })
    const s = await openStore({ disk, blockBytes: 400, config: { maxAge: 1_000_000_000n } })
    s.store.ready()
    fill(s, 10)
    s.turns.run()
    s.clock.advance(1500, () => s.turns.run())
    expect([disk.inFlightCount > 0, s.store.messageCount]).toEqual([true, 0])
    fill(s, 1)
    s.turns.run()
    await finish(s)

    expect([s.store.failure, s.store.committedSequence, s.contents().length]).toEqual([undefined, 11, 1])
  })
})

describe('a listener that is told of an expiry', () => {
  it('may read, remove and append', async () => {
    const s = await openStore({ blockBytes: 400, config: { maxAge: 10_000_000_000n } })
    const told: number[] = []
    const listener: StreamStoreListener = {
      committed: () => {},
      failed: () => {},
      damaged: () => {},
      expired: (sequence) => {
        told.push(sequence)
        expect(s.store.load(sequence, new StoredMessage())).toBe(false)
        if (sequence === 2) s.store.remove(3)
        if (sequence <= 4) s.append('told', `${sequence}`)
      },
    }
    s.store.listener = listener
    s.store.ready()
    fill(s, 6)
    await s.flush()
    s.clock.advance(11_000, () => s.turns.run())
    await s.flush()

    expect(told).toEqual([1, 2, 4, 5, 6])
    expect(s.contents()).toEqual(['7:told=1', '8:told=2', '9:told=4'])
    const again = await s.kill()
    expect(again.contents()).toEqual(['7:told=1', '8:told=2', '9:told=4'])
    await again.close()
  })
})
