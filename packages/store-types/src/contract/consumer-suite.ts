/** Stores of consumers: deliveries, acknowledgements, floors (store-format.md section 9.3). */
import { afterEach, describe, expect, it } from 'vitest'
import { completeConsumerConfig, type ConsumerConfigInput } from '../config/consumer-config-json.js'
import type { ConsumerStore } from '../store/consumer-store.js'
import { StoreBench, codeOf, type HostFactory, type StoreAbilities } from './store-bench.js'

const CREATED = 1_700_000_000_000_000_000n

export function describeConsumers(factory: HostFactory, abilities: StoreAbilities): void {
  describe('consumers', () => {
    let bench: StoreBench
    afterEach(() => bench.dispose())

    async function open(input: ConsumerConfigInput = {}): Promise<ConsumerStore> {
      bench = await StoreBench.open(factory, abilities)
      return openConsumer('c', input)
    }

    function openConsumer(name: string, input: ConsumerConfigInput): Promise<ConsumerStore> {
      const config = completeConsumerConfig({ durableName: name, name, ackPolicy: 'explicit', ...input })
      return bench.settle(bench.store.openConsumer(name, CREATED, config))
    }

    it('start without state and count in the stream', async () => {
      const consumer = await open()

      expect([consumer.name, consumer.hasState()]).toEqual(['c', false])
      expect(positions(consumer)).toBe('delivered 0/0 floor 0/0')
      expect(bench.store.state(false).consumerCount).toBe(1)
      consumer.setStarting(7)
      expect([consumer.hasState(), positions(consumer)]).toEqual([true, 'delivered 0/7 floor 0/7'])
    })

    it('remember deliveries until they are acknowledged, and move the floor to the first pending', async () => {
      const consumer = await open()
      for (const [delivery, sequence] of [[1, 2], [2, 4], [3, 5]] as const) consumer.updateDelivered(delivery, sequence, 1, 1000 + delivery)
      expect(positions(consumer)).toBe('delivered 3/5 floor 0/0 pending 2:1@1001 4:2@1002 5:3@1003')

      expect(consumer.updateAcks(2, 4)).toBe(true)
      expect(positions(consumer)).toBe('delivered 3/5 floor 0/0 pending 2:1@1001 5:3@1003')
      expect(consumer.updateAcks(1, 2)).toBe(true)
      expect(positions(consumer)).toBe('delivered 3/5 floor 2/4 pending 5:3@1003')
      expect(consumer.updateAcks(3, 5)).toBe(true)
      expect(positions(consumer)).toBe('delivered 3/5 floor 3/5')
      expect(consumer.updateAcks(9, 5)).toBe(false)
    })

    it('remember how often a message was delivered again, with its first delivery sequence', async () => {
      const consumer = await open({ maxDeliver: 3 })
      consumer.updateDelivered(1, 1, 1, 10)
      consumer.updateDelivered(2, 2, 1, 20)
      consumer.updateDelivered(3, 1, 2, 30)
      consumer.updateDelivered(4, 1, 3, 40)
      expect(positions(consumer)).toBe('delivered 4/2 floor 0/0 pending 1:1@40 2:2@20 redelivered 1x2')

      consumer.updateDelivered(5, 1, 4, 50)
      expect(positions(consumer)).toBe('delivered 5/2 floor 0/0 pending 2:2@20 redelivered 1x3')
      consumer.updateAcks(2, 2)
      expect(positions(consumer)).toBe('delivered 5/2 floor 5/2 redelivered 1x3')
    })

    it('settle everything up to an acknowledgement when they ack all', async () => {
      const consumer = await open({ ackPolicy: 'all' })
      for (let i = 1; i <= 4; i++) consumer.updateDelivered(i, i * 10, 1, i)
      consumer.updateAcks(3, 30)

      expect(positions(consumer)).toBe('delivered 4/40 floor 3/30 pending 40:4@4')
    })

    it('have delivered and floor together without acks, and refuse acks', async () => {
      const consumer = await open({ ackPolicy: 'none' })
      consumer.updateDelivered(1, 3, 1, 1)

      expect(positions(consumer)).toBe('delivered 1/3 floor 1/3')
      expect(codeOf(() => consumer.updateDelivered(2, 4, 2, 1))).toBe('STORE_NO_ACK_POLICY')
      expect(codeOf(() => consumer.updateAcks(1, 3))).toBe('STORE_NO_ACK_POLICY')
    })

    it('replace their state, unless it contradicts itself or goes back', async () => {
      const consumer = await open()
      const state = {
        delivered: { consumerSequence: 5, streamSequence: 10 },
        ackFloor: { consumerSequence: 2, streamSequence: 4 },
        pending: new Map([[7, { deliverySequence: 3, timestampMs: 1000 }]]),
        redelivered: new Map([[7, 1]]),
      }
      consumer.update(state)
      state.pending.clear()
      const held = consumer.state()
      held.pending.clear()

      expect(positions(consumer)).toBe('delivered 5/10 floor 2/4 pending 7:3@1000 redelivered 7x1')
      const older = { ...state, delivered: { consumerSequence: 4, streamSequence: 10 } }
      expect(codeOf(() => consumer.update(older))).toBe('STORE_OLD_UPDATE')
      consumer.update(older, true)
      expect(positions(consumer)).toBe('delivered 4/10 floor 2/4 redelivered 7x1')
      for (const sequence of [4, 11]) {
        const pending = new Map([[sequence, { deliverySequence: 3, timestampMs: 0 }]])
        expect(codeOf(() => consumer.update({ ...state, pending }))).toBe('STORE_CORRUPT_STATE')
      }
      const above = { ...state, ackFloor: { consumerSequence: 6, streamSequence: 4 } }
      expect(codeOf(() => consumer.update(above))).toBe('STORE_CORRUPT_STATE')
      consumer.reset(3)
      expect(positions(consumer)).toBe('delivered 0/3 floor 0/3')
    })

    it('go with delete, and are counted', async () => {
      const consumer = await open()
      await openConsumer('d', {})
      expect(bench.store.state(false).consumerCount).toBe(2)
      await bench.settle(consumer.flush())
      await bench.settle(consumer.delete())

      expect(bench.store.state(false).consumerCount).toBe(1)
    })

    if (!abilities.durable) return

    it('are there after reopening, with configuration and state, and not after delete', async () => {
      const consumer = await open({ description: 'x' })
      bench.appendAll('a', 'b', 'c')
      consumer.updateDelivered(1, 1, 1, 1_700_000_000_000)
      consumer.updateDelivered(2, 2, 1, 1_700_000_001_000)
      consumer.updateDelivered(3, 2, 2, 1_700_000_002_000)
      await bench.settle(consumer.updateConfig(completeConsumerConfig({ durableName: 'c', name: 'c', ackPolicy: 'explicit', description: 'y' })))
      const gone = await openConsumer('gone', {})
      await bench.settle(gone.delete())
      await bench.reopen()

      const found = bench.store.recoveredConsumers()
      expect(found.map((each) => [each.name, each.created, each.config.description])).toEqual([['c', CREATED, 'y']])
      const again = await bench.settle(bench.store.openConsumer('c', CREATED, (found[0] as (typeof found)[0]).config))
      expect(positions(again)).toBe('delivered 3/2 floor 0/0 pending 1:1@1700000000000 2:2@1700000002000 redelivered 2x1')
    })
  })
}

/** The state in one line: `delivered 3/5 floor 2/4 pending 5:3@1003 redelivered 5x1`. */
function positions(consumer: ConsumerStore): string {
  const { delivered, ackFloor, pending, redelivered } = consumer.state()
  const parts = [
    `delivered ${delivered.consumerSequence}/${delivered.streamSequence}`,
    `floor ${ackFloor.consumerSequence}/${ackFloor.streamSequence}`,
  ]
  const order = <T>(map: Map<number, T>): [number, T][] => [...map].sort((a, b) => a[0] - b[0])
  if (pending.size > 0) {
    parts.push(`pending ${order(pending).map(([sequence, p]) => `${sequence}:${p.deliverySequence}@${p.timestampMs}`).join(' ')}`)
  }
  if (redelivered.size > 0) parts.push(`redelivered ${order(redelivered).map(([sequence, count]) => `${sequence}x${count}`).join(' ')}`)
  return parts.join(' ')
}
