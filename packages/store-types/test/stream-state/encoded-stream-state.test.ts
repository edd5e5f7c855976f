import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { SequenceSet, decodeStreamState, deleteBlockState, encodeStreamState, type ReplicatedState } from '@rivulet/store-types'

const SET_EXAMPLE: ReplicatedState = {
  messageCount: 2,
  byteCount: 86,
  firstSequence: 1,
  lastSequence: 3,
  failedCount: 0,
  deleted: [SequenceSet.of(2)],
}

describe('an encoded stream state', () => {
  it('is the worked examples', () => {
    const range = { ...SET_EXAMPLE, lastSequence: 12, deleted: [{ first: 2, count: 10 }] }
    const withSet = encodeStreamState(SET_EXAMPLE)

    expect(withSet.subarray(0, 9).toString('hex')).toBe('2a0102560103000116')
    expect(withSet.length).toBe(284)
    expect(encodeStreamState(range).toString('hex')).toBe('2a010256010c000a21020a')
    expect(decodeStreamState(encodeStreamState(range))).toEqual(range)
  })

  it('has no delete blocks when nothing is deleted', () => {
    const state = { ...SET_EXAMPLE, messageCount: 3, deleted: [] }

    expect(encodeStreamState(state).toString('hex')).toBe('2a01035601030000')
    expect(decodeStreamState(encodeStreamState(state))).toEqual(state)
  })

  it('is read back, sources included', () => {
    const block = fc.oneof(
      fc.record({ first: fc.nat(10_000), count: fc.integer({ min: 1, max: 1000 }) }),
      fc.array(fc.nat(10_000), { minLength: 1 }).map((sequences) => SequenceSet.of(...sequences)),
    )
    const source = fc.record({ name: fc.string(), sequence: fc.maxSafeNat(), identity: fc.string() })
    fc.assert(
      fc.property(fc.array(block, { minLength: 1 }), fc.option(fc.array(source), { nil: undefined }), (deleted, sources) => {
        const count = deleted.reduce((sum, each) => sum + deleteBlockState(each).count, 0)
        const state: ReplicatedState = {
          messageCount: 1,
          byteCount: 2 ** 40,
          firstSequence: 1,
          lastSequence: count + 1,
          failedCount: 3,
          deleted,
          ...(sources === undefined ? {} : { sources }),
        }
        const read = decodeStreamState(encodeStreamState(state))

        expect({ ...read, deleted: [] }).toEqual({ ...state, deleted: [] })
        expect(read.deleted.map(deleteBlockState)).toEqual(deleted.map(deleteBlockState))
      }),
      { seed: 51 },
    )
  })

  it('is refused when cut inside, and when something else stands there', () => {
    const bytes = encodeStreamState({ ...SET_EXAMPLE, sources: [{ name: 'SRC > >', sequence: 42, identity: 'abcd' }] })
    for (let size = 0; size < bytes.length; size++) {
      // Where a block ends the state may end too: how many blocks there are is not written.
      if (size !== bytes.length - 276) expectRefused(bytes.subarray(0, size))
    }
    expect(() => decodeStreamState(Buffer.from('2a0302560103000116', 'hex'))).toThrow('version 3')
    expect(() => decodeStreamState(Buffer.from('2b0102560103000116', 'hex'))).toThrow('bad stream state encoding')
    expect(() => decodeStreamState(Buffer.from('2a01025601030001ff', 'hex'))).toThrow('has magic 255')
  })
})

function expectRefused(bytes: Uint8Array): void {
  expect(() => decodeStreamState(bytes)).toThrow(/stream state|sequence set|magic/)
}
