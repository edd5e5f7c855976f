import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { ConsumerPosition, consumerStateToJson, writeJson } from '@rivulet/store-types'

describe('ConsumerPosition', () => {
  it('never has a floor above what was delivered, nor a pending message at or below it', () => {
    const step = fc.tuple(fc.constantFrom('deliver', 'deliver', 'again', 'ack'), fc.nat(30))
    fc.assert(
      fc.property(fc.constantFrom('explicit' as const, 'all' as const), fc.array(step), (ackPolicy, steps) => {
        const position = new ConsumerPosition({ ackPolicy, maxDeliver: 3 })
        const deliveries = new Map<number, { first: number; count: number }>()
        let delivery = 0
        let last = 0
        for (const [what, n] of steps) {
          if (what === 'deliver') {
            last += 1 + (n % 5)
            deliveries.set(last, { first: ++delivery, count: 1 })
            position.updateDelivered(delivery, last, 1, n)
            continue
          }
          const [sequence, known] = [...deliveries][n % Math.max(1, deliveries.size)] ?? []
          if (sequence === undefined || known === undefined) continue
          if (what === 'again') position.updateDelivered(++delivery, sequence, ++known.count, n)
          else position.updateAcks(known.first, sequence)
          const { delivered, ackFloor, pending } = position.current

          expect(ackFloor.consumerSequence).toBeLessThanOrEqual(delivered.consumerSequence)
          expect(ackFloor.streamSequence).toBeLessThanOrEqual(delivered.streamSequence)
          for (const each of pending.keys()) {
            expect(each).toBeGreaterThan(ackFloor.streamSequence)
            expect(each).toBeLessThanOrEqual(delivered.streamSequence)
          }
        }
      }),
      { seed: 71, numRuns: 500 },
    )
  })

  it('passes a huge gap at once', () => {
    const position = new ConsumerPosition({ ackPolicy: 'explicit', maxDeliver: -1 })
    position.updateDelivered(1, 1, 1, 0)
    position.updateDelivered(2, 2 ** 50, 1, 0)
    position.updateAcks(1, 1)

    expect(position.current.ackFloor).toEqual({ consumerSequence: 1, streamSequence: 2 ** 50 - 1 })
  })

  it('is written with the names of the reference', () => {
    const position = new ConsumerPosition({ ackPolicy: 'explicit', maxDeliver: -1 })
    position.updateDelivered(1, 3, 1, 1_700_000_000_000)
    position.updateDelivered(2, 3, 2, 1_700_000_000_001)

    expect(writeJson(consumerStateToJson(position.current))).toBe(
      '{"delivered":{"consumer_seq":2,"stream_seq":3},"ack_floor":{"consumer_seq":0,"stream_seq":0},' +
        '"pending":{"3":{"Sequence":1,"Timestamp":1700000000001000000}},"redelivered":{"3":1}}',
    )
  })
})
