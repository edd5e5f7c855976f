/** The first sequence at or after a time, over blocks of every shape. */
import { describe, expect, it } from 'vitest'
import { openStore } from '../support/open-store.js'

const START = 1_704_067_200

describe('a time', () => {
  it('leads to the message behind it also when later blocks hold tombstones only', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 4; i++) {
      s.append('s', `${i}`.padEnd(69, 'p'))
      s.turns.run()
      s.clock.advance(1000)
    }
    for (const sequence of [3, 4]) s.store.remove(sequence)
    await s.flush()

    const found = Array.from({ length: 4 }, (_, i) => s.store.sequenceAtTime(START + i, 0))
    expect(found).toEqual([1, 2, 5, 5])
    const again = await s.kill()
    expect(Array.from({ length: 4 }, (_, i) => again.store.sequenceAtTime(START + i, 0))).toEqual(found)
    await again.close()
  })
})
