/** What `state().lost` names. */
import { describe, expect, it } from 'vitest'
import { StoredMessage } from '@rivulet/store-types'
import { DIRECTORY, openStore } from '../support/open-store.js'

const MSGS = `${DIRECTORY}/msgs`

describe('what is lost', () => {
  it('is named once, in order, whatever is read first and however often', async () => {
    const s = await openStore({ blockBytes: 400 })
    for (let i = 1; i <= 12; i++) s.append('s', `${i}`.padEnd(69, 'p'))
    await s.close()
    for (const [block, offset] of [[1, 150], [1, 350], [2, 50]] as const) s.disk.flipBit(`${MSGS}/${block}.blk`, offset, 1)
    const again = await s.reopen()
    const message = new StoredMessage()
    for (const sequence of [5, 2, 4, 5, 2]) expect(again.store.load(sequence, message)).toBe(false)
    again.clock.advance(60_000)
    for (let sequence = 12; sequence >= 1; sequence--) again.store.load(sequence, message)

    expect(again.store.state(true)).toMatchObject({
      messageCount: 9,
      byteCount: 900,
      deleted: [2, 4, 5],
      lost: { sequences: [2, 4, 5], byteCount: 300 },
    })
    expect(again.events.damaged).toHaveLength(3)
    await again.close()
  })
})
