/** What survives close and reopen. */
import { afterEach, describe, expect, it } from 'vitest'
import { AFTER_CLOSE, StoreBench, type HostFactory, type StoreAbilities } from './store-bench.js'

export function describeDurability(factory: HostFactory, abilities: StoreAbilities): void {
  describe.each(abilities.openings ?? [AFTER_CLOSE])('opening again $name', (opening) => {
    let bench: StoreBench
    afterEach(() => bench.dispose())

    it('keeps messages, removals, sequences and times', async () => {
      bench = await StoreBench.open(factory, abilities)
      bench.append('a', { payload: 'one', headers: 'NATS/1.0\r\nA: b\r\n\r\n' })
      bench.tick(1000)
      bench.appendAll('b', 'c', 'a', 'd')
      await bench.checkpoint()
      bench.store.remove(3)
      bench.store.erase(5)
      const before = bench.store.state(true)
      await bench.reopen(opening)

      expect(bench.store.state(true)).toEqual(before)
      expect([bench.live, bench.read(1), bench.lastSequenceOf('a')]).toEqual([[1, 2, 4], 'a one', 4])
      expect(bench.append('e')).toBe(6)
    })

    it('keeps a purge, a truncation and a skip', async () => {
      bench = await StoreBench.open(factory, abilities)
      bench.appendAll('a', 'b', 'c')
      await bench.checkpoint()
      bench.store.purge()
      await bench.reopen(opening)
      expect([bench.live, bench.store.firstSequence, bench.append('d')]).toEqual([[], 4, 4])
      bench.appendAll('e', 'f')
      await bench.checkpoint()
      bench.store.truncate(5)
      await bench.reopen(opening)
      expect([bench.live, bench.store.lastSequence]).toEqual([[4, 5], 5])
      bench.store.skip(6, 10)
      bench.store.purgeBelow(5)
      await bench.reopen(opening)

      expect([bench.live, bench.store.lastSequence, bench.store.firstSequence]).toEqual([[5], 15, 5])
    })

    it('drops what came of age meanwhile', async () => {
      bench = await StoreBench.open(factory, abilities, { maxAge: 10_000_000_000n, allowMessageTtl: true })
      bench.append('a')
      bench.append('b', { ttlSeconds: -1, headers: 'NATS/1.0\r\nNats-TTL: never\r\n\r\n' })
      await bench.flush()
      await bench.checkpoint()
      bench.append('c')
      // Timers of the store do not fire meanwhile.
      bench.clock.setWall(bench.clock.wallNanos() + 11_000_000_000n)
      await bench.reopen(opening)
      await bench.advance(300)

      expect(bench.live).toEqual([2])
    })

    if (!abilities.messageTtl) return

    it('expires by time to live after reopening', async () => {
      bench = await StoreBench.open(factory, abilities, { allowMessageTtl: true })
      bench.append('a', { ttlSeconds: 10, headers: 'NATS/1.0\r\nNats-TTL: 10\r\n\r\n' })
      bench.append('b')
      await bench.reopen(opening)
      await bench.advance(9_000)
      expect(bench.live).toEqual([1, 2])
      await bench.advance(1_500)

      expect(bench.live).toEqual([2])
    })
  })
}
