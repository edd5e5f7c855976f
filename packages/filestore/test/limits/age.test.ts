import { describe, expect, it } from 'vitest'
import { messageOf } from '@rivulet/store-types'
import { openStore, type TestStore } from '../support/open-store.js'

const SECOND = 1_000_000_000n
const sequences = (s: TestStore) => s.contents().map((line) => Number(line.split(':')[0]))

function appendLasting(s: TestStore, payload: string): void {
  s.store.append(messageOf({ subject: 's', payload, headers: 'NATS/1.0\r\nNats-TTL: never\r\n\r\n' }), -1)
}

describe('max_age beside messages that never expire', () => {
  it('does not let a limit take them after a kill, for messages whose age was over', async () => {
    const s = await openStore({ config: { maxAge: 10n * SECOND, maxMessages: 3, allowMessageTtl: true } })
    s.store.ready()
    appendLasting(s, '1')
    s.append('s', '2')
    s.append('s', '3')
    await s.flush()
    s.clock.advance(11_000, () => s.turns.run())
    s.append('s', '4')
    s.append('s', '5')
    await s.flush()
    expect(sequences(s)).toEqual([1, 4, 5])
    const again = await s.kill()

    expect(sequences(again)).toEqual([1, 4, 5])
    await again.close()
  })

  it('goes on behind more of them than one slice looks at', async () => {
    const s = await openStore({ config: { maxAge: 10n * SECOND, allowMessageTtl: true } })
    s.store.ready()
    for (let i = 0; i < 12_000; i++) appendLasting(s, '')
    s.append('s', 'old')
    await s.flush()
    s.clock.advance(11_000, () => s.turns.run())

    expect([s.store.messageCount, s.store.has(12_001)]).toEqual([12_000, false])
    await s.close()
  })
})
