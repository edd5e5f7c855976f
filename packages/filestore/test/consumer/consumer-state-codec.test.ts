import { describe, expect, it } from 'vitest'
import { emptyConsumerState, type ConsumerState } from '@rivulet/store-types'
import { decodeConsumerState, encodeConsumerState } from '../../src/consumer/consumer-state-codec.js'
import { seededRandom } from '../support/seeded-random.js'

const EXAMPLE = '1602030a060e01c8c59fd50c020214010202'

function exampleState(): ConsumerState {
  return {
    ackFloor: { consumerSequence: 3, streamSequence: 10 },
    delivered: { consumerSequence: 6, streamSequence: 14 },
    pending: new Map([[12, { deliverySequence: 5, timestampMs: 1_700_000_090_123 }]]),
    redelivered: new Map([[12, 2]]),
  }
}

describe('the state of a consumer on disk', () => {
  it('is the worked example of the format page', () => {
    expect(encodeConsumerState(exampleState(), 1_700_000_100_000).toString('hex')).toBe(EXAMPLE)
  })

  it('keeps whole seconds of delivery times', () => {
    const state = decodeConsumerState(Buffer.from(EXAMPLE, 'hex'))

    const expected = exampleState()
    expected.pending.get(12)!.timestampMs = 1_700_000_090_000
    expect(state).toEqual(expected)
  })

  it('keeps delivery times that lie in the future', () => {
    for (const nowMs of [1_700_000_000_000, 1_700_000_000_001, 1_700_000_000_499, 1_700_000_000_500, 1_700_000_000_999]) {
      const state = exampleState()
      state.pending.get(12)!.timestampMs = nowMs + 1000
      const decoded = decodeConsumerState(encodeConsumerState(state, nowMs))

      const seconds = Math.floor((nowMs + 1000) / 1000)
      expect(decoded?.pending.get(12)).toEqual({ deliverySequence: 5, timestampMs: seconds * 1000 })
    }
  })

  it('of a consumer that never delivered is six zeros', () => {
    expect(encodeConsumerState(emptyConsumerState(), 0).toString('hex')).toBe('1602000000000000')
    expect(decodeConsumerState(Buffer.from('1602000000000000', 'hex'))).toEqual(emptyConsumerState())
  })

  it('reads version 1: delivered counts from the floor, times are added, no delivery sequence', () => {
    // floor (3, 10), "next" (4, 5), one pending 2 above the floor 7 s after the base, nothing redelivered
    const state = decodeConsumerState(Buffer.from('1601030a0405' + '01' + 'c801' + '02' + '0e' + '00', 'hex'))

    expect(state?.delivered).toEqual({ consumerSequence: 6, streamSequence: 14 })
    expect(state?.pending).toEqual(new Map([[12, { deliverySequence: 0, timestampMs: 107_000 }]]))
  })

  it('of an empty file is no state', () => {
    expect(decodeConsumerState(Buffer.alloc(0))).toBeUndefined()
  })

  it('comes back as it was written, differences below the floor included', () => {
    const random = seededRandom(11)
    for (let run = 0; run < 500; run++) {
      const large = random() < 0.1 ? 2 ** 52 : 1000
      const integer = () => Math.floor(random() * large) + 1
      const state = emptyConsumerState()
      state.ackFloor = { consumerSequence: integer(), streamSequence: integer() }
      state.delivered = { consumerSequence: integer(), streamSequence: integer() }
      for (let i = Math.floor(random() * 20); i > 0; i--) {
        state.pending.set(integer(), { deliverySequence: integer(), timestampMs: Math.floor(random() * 1e10) * 1000 })
        const sequence = integer()
        if (sequence !== state.ackFloor.streamSequence) state.redelivered.set(sequence, integer())
      }
      expect(decodeConsumerState(encodeConsumerState(state, Math.floor(random() * 1e13)))).toEqual(state)
    }
  })

  it('with a redelivered message of no sequence is read', () => {
    const state = decodeConsumerState(Buffer.from('1602010103020198f48a8a0c010386fa0a010001', 'hex'))

    expect(state).toMatchObject({ ackFloor: { consumerSequence: 1, streamSequence: 1 }, delivered: { consumerSequence: 3, streamSequence: 2 } })
    expect([state?.pending.size, state?.redelivered.size]).toEqual([1, 0])
  })

  it('cut at any byte is read or refused with an error, never taken for something else', () => {
    const whole = Buffer.from(EXAMPLE, 'hex')
    for (let size = 1; size < whole.length; size++) {
      const cut = whole.subarray(0, size)
      // Only the list of redeliveries may be short, as the reference has it.
      if (size >= 15) expect(decodeConsumerState(cut)?.pending.size).toBe(1)
      else expect(() => decodeConsumerState(cut)).toThrow(expect.objectContaining({ code: 'STORE_CORRUPT_STATE' }))
    }
  })

  it('survives random bytes with an answer or an error', () => {
    const random = seededRandom(5)
    for (let run = 0; run < 5000; run++) {
      const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 40) }, () => random() * 256))
      bytes.set([22, 1 + Math.floor(random() * 2)].slice(0, bytes.length))
      try {
        decodeConsumerState(bytes)
      } catch (error) {
        expect(error).toMatchObject({ code: 'STORE_CORRUPT_STATE' })
      }
    }
  })

  it.each(['16', '1603', '1702000000000000', '1602ffffffffffffffffff7f'])('refuses %s', (hex) => {
    expect(() => decodeConsumerState(Buffer.from(hex, 'hex'))).toThrow(
      expect.objectContaining({ code: 'STORE_CORRUPT_STATE' }),
    )
  })
})
