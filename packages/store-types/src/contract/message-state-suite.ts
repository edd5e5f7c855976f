/** What messages leave behind beside themselves: schedules, positions of sources, the state that servers exchange. */
import { afterEach, describe, expect, it } from 'vitest'
import type { StreamConfigInput } from '../config/stream-config-json.js'
import { decodeStreamState, deleteBlockState } from '../stream-state/encoded-stream-state.js'
import { SequenceSet } from '../sequence-set/sequence-set.js'
import { StoreBench, configOf, type HostFactory, type StoreAbilities } from './store-bench.js'

const DAY = 86_400_000_000_000n
const SCHEDULE = { headers: 'NATS/1.0\r\nNats-Schedule: @daily\r\nNats-Schedule-Target: t\r\n\r\n' }
const sourcedFrom = (value: string) => ({ headers: `NATS/1.0\r\nNats-Stream-Source: ${value}\r\n\r\n` })

export function describeMessageState(factory: HostFactory, abilities: StoreAbilities): void {
  describe('what messages leave behind', () => {
    let bench: StoreBench
    afterEach(() => bench.dispose())

    async function open(input: StreamConfigInput): Promise<void> {
      bench = await StoreBench.open(factory, abilities, input)
    }
    const change = (input: StreamConfigInput): Promise<void> => bench.settle(bench.store.updateConfig(configOf(abilities, input)))
    const positions = (): Record<string, [number, string]> =>
      Object.fromEntries([...bench.store.sourcePositions].map(([name, { sequence, identity }]) => [name, [sequence, identity]]))

    describeSchedules()
    describeSources()
    describeEncodedState()

    function describeSchedules(): void {
      it('finds messages with schedules when the configuration begins to allow them', async () => {
        await open({ allowMessageSchedules: false })
        bench.append('a', SCHEDULE)
        bench.append('b', { headers: 'NATS/1.0\r\nNats-Schedule: \r\n\r\n' })
        bench.append('c')
        bench.append('d', SCHEDULE)
        bench.append('a', SCHEDULE)
        bench.store.remove(1)
        await change({ allowMessageSchedules: true })

        expect(bench.store.recoverSchedules()).toEqual({ savedBelow: 1, sequences: [4, 5] })
        expect(bench.store.schedules.size).toBe(0)
      })

      it('forgets schedules above a truncation', async () => {
        await open({ allowMessageSchedules: true })
        for (const subject of ['a', 'b', 'c']) {
          bench.store.schedules.add(subject, bench.append(subject, SCHEDULE), bench.clock.wallNanos() + DAY)
        }
        bench.store.truncate(2)
        expect([...bench.store.schedules.schedules.keys()]).toEqual(['a', 'b'])
        bench.store.truncate(0)
        expect(bench.store.schedules.size).toBe(0)
      })

      if (!abilities.durable) return

      it('keeps schedules with the time they are due at, and finds those that were not put down', async () => {
        await open({ allowMessageSchedules: true })
        const due = bench.clock.wallNanos() + DAY
        bench.append('a', SCHEDULE)
        bench.append('b', SCHEDULE)
        bench.store.schedules.add('a', 1, due)
        bench.store.schedules.add('b', 2, due + 1n)
        bench.store.remove(2)
        await bench.reopen()
        expect(bench.store.recoverSchedules()).toEqual({ savedBelow: 3, sequences: [] })
        expect([...bench.store.schedules.schedules]).toEqual([['a', { sequence: 1, at: due, isInFlight: false }]])

        bench.append('c', SCHEDULE)
        bench.store.purgeBelow(3)
        await bench.reopen()
        expect(bench.store.recoverSchedules()).toEqual({ savedBelow: 4, sequences: [] })
        expect(bench.store.schedules.size).toBe(0)
      })

      it('forgets saved schedules whose sequences are given out again', async () => {
        await open({ allowMessageSchedules: true })
        bench.appendAll('a', 'b')
        bench.append('c', SCHEDULE)
        bench.store.schedules.add('c', 3, bench.clock.wallNanos() + DAY)
        await bench.reopen()
        bench.store.truncate(2)
        bench.append('d')

        expect(bench.store.recoverSchedules()).toEqual({ savedBelow: 1, sequences: [] })
        expect(bench.store.schedules.size).toBe(0)
      })
    }

    function describeSources(): void {
      it('follows the configured sources and no others', async () => {
        await open({ sources: [{ name: 'ORIGIN1' }, { name: 'NEVER' }] })
        expect(positions()).toEqual({ 'ORIGIN1 > >': [0, ''], 'NEVER > >': [0, ''] })
        bench.append('a', sourcedFrom('ORIGIN1 5 > > foo.a IDENT1'))
        bench.append('b', sourcedFrom('ORIGIN2 7 > > foo.b IDENT2'))
        bench.append('c', sourcedFrom('ORIGIN1 9'))
        bench.append('d', sourcedFrom('ORIGIN1 x > > foo.a IDENT9'))
        expect(positions()).toEqual({ 'ORIGIN1 > >': [5, 'IDENT1'], 'NEVER > >': [0, ''] })
        bench.append('a', sourcedFrom('ORIGIN1 2 > > foo.a IDENT3'))
        bench.store.purge()

        expect(positions()).toEqual({ 'ORIGIN1 > >': [2, 'IDENT3'], 'NEVER > >': [0, ''] })
      })

      it('drops removed sources and finds added ones in the messages, under headers of every age', async () => {
        await open({ sources: [{ name: 'A' }] })
        bench.append('x', sourcedFrom('A 3 > > x ID'))
        bench.append('x', sourcedFrom('B 8 x.> > x IDB'))
        bench.append('x', sourcedFrom('C 4'))
        bench.append('x', sourcedFrom('$JS.ACK.D.consumer.1.6.1.1700000000000000000.0'))
        bench.append('x', sourcedFrom('$JS.ACK.hub.hash.E.consumer.1.7.1.1700000000000000000.0'))
        bench.append('x', sourcedFrom('B 9 x.> > x IDB'))
        const names = ['C', 'D', 'E', 'F'].map((name) => ({ name }))
        await change({ sources: [{ name: 'B', filterSubject: 'x.>' }, ...names] })
        expect(positions()).toEqual({ 'B x.> >': [9, 'IDB'], 'C > >': [4, ''], 'D > >': [6, ''], 'E > >': [7, ''], 'F > >': [0, ''] })

        await change({})
        bench.append('x', sourcedFrom('B 10 x.> > x IDB'))
        expect(positions()).toEqual({})
      })

      it('takes positions from outside for the sources it has', async () => {
        await open({ sources: [{ name: 'A' }, { name: 'B' }] })
        bench.append('x', sourcedFrom('B 3 > > x ID'))
        bench.store.restoreSourcePositions(new Map([['A > >', { sequence: 7, identity: 'IA' }], ['Z > >', { sequence: 1, identity: '' }]]))

        expect(positions()).toEqual({ 'A > >': [7, 'IA'], 'B > >': [0, ''] })
      })

      it('goes back to the newest message that is left when it is truncated', async () => {
        await open({ sources: [{ name: 'A' }, { name: 'B' }] })
        bench.append('x', sourcedFrom('A 3 > > x ID'))
        bench.append('x', sourcedFrom('A 4 > > x ID'))
        bench.store.truncate(1)

        expect(positions()).toEqual({ 'A > >': [3, 'ID'], 'B > >': [0, ''] })
      })

      if (!abilities.durable) return

      it('keeps positions whose messages are gone', async () => {
        await open({ sources: [{ name: 'A' }, { name: 'B' }] })
        bench.append('x', sourcedFrom('A 3 > > x ID'))
        bench.append('x', sourcedFrom('B 4 > > x ID'))
        bench.store.purge()
        await bench.reopen()

        expect(positions()).toEqual({ 'A > >': [3, 'ID'], 'B > >': [4, 'ID'] })
      })
    }

    function describeEncodedState(): void {
      const decoded = (failed = 0, withSources = false) => decodeStreamState(bench.store.encodedState(failed, withSources))

      it('encodes its totals, and every sequence between first and last that holds no message', async () => {
        await open({})
        bench.appendAll(...Array.from({ length: 60 }, (_, i) => `s.${i % 7}`))
        bench.store.skip(61, 30)
        bench.append('last')
        for (const sequence of [1, 2, 5, 6, 7, 20, 31, 33, 60]) bench.store.remove(sequence)
        for (let sequence = 36; sequence < 50; sequence++) bench.store.remove(sequence)
        bench.store.skip(92, 2)

        const { messageCount, byteCount, firstSequence, lastSequence, deleted } = bench.store.state(true)
        const state = decoded(3)
        expect(state).toMatchObject({ messageCount, byteCount, firstSequence, lastSequence, failedCount: 3 })
        expect(state.sources).toBeUndefined()
        const sequences = state.deleted.flatMap((block) => {
          if (block instanceof SequenceSet) return [...listOf(block)]
          const { first, count } = deleteBlockState(block)
          return Array.from({ length: count }, (_, i) => first + i)
        })
        expect(sequences).toEqual(deleted)
      })

      it('encodes holes of any size', async () => {
        await open({})
        bench.append('a')
        bench.append('gone')
        bench.store.skip(3, 5_000_000_000)
        bench.append('b')
        bench.append('gone')
        bench.append('c')
        bench.store.skip(bench.store.lastSequence + 1, 100_000)
        bench.purge('gone')

        expect(bench.store.encodedState(0, false).length).toBeLessThan(1000)
        const spans = decoded().deleted.map(deleteBlockState).map(({ first, last }) => [first, last])
        const joined = spans.slice(1).reduce((all, [first, last]) => {
          const before = all.at(-1) as number[]
          return first === (before[1] as number) + 1 ? [...all.slice(0, -1), [before[0], last]] : [...all, [first, last]]
        }, spans.slice(0, 1))
        expect(joined).toEqual([[2, 5_000_000_002], [5_000_000_004, 5_000_000_004], [5_000_000_006, 5_000_100_005]])
      })

      it('encodes an empty stream, and sources that something came from', async () => {
        await open({ sources: [{ name: 'A' }, { name: 'B' }] })
        expect(decoded(0, true)).toEqual({ ...EMPTY_STATE, deleted: [] })
        bench.append('x', sourcedFrom('B 4 > > x ID'))
        bench.store.purge()

        expect(decoded(0, true)).toMatchObject({
          ...{ messageCount: 0, firstSequence: 2, lastSequence: 1, deleted: [] },
          sources: [{ name: 'B > >', sequence: 4, identity: 'ID' }],
        })
        expect(decoded(0, false).sources).toBeUndefined()
      })
    }
  })
}

const EMPTY_STATE = { messageCount: 0, byteCount: 0, firstSequence: 0, lastSequence: 0, failedCount: 0 }

function listOf(set: SequenceSet): number[] {
  const sequences: number[] = []
  set.forEach((sequence) => void sequences.push(sequence))
  return sequences
}
