import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { TimeWheel, decodeTimeWheel, encodeTimeWheel } from '@rivulet/store-types'

const NOW = 1_700_000_000

describe('TimeWheel', () => {
  it('gives out what is due, once, and nothing that is not', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(20_000), fc.constantFrom(0, 1, 999_999_999)), { maxLength: 80 }),
        fc.nat(20_000),
        (entries, elapsed) => {
          const wheel = new TimeWheel()
          for (const [i, [seconds, nanoseconds]] of entries.entries()) wheel.add(i + 1, NOW + seconds, nanoseconds)
          const expected = entries.flatMap(([seconds, nanoseconds], i) =>
            seconds < elapsed || (seconds === elapsed && nanoseconds <= 1) ? [i + 1] : [],
          )
          const earliest = Math.min(...entries.map(([seconds, nanos]) => (NOW + seconds) * 1000 + Math.floor(nanos / 1e6)))

          expect(wheel.nextDueMs()).toBe(entries.length === 0 ? undefined : earliest)
          expect(due(wheel, NOW + elapsed, 1)).toEqual(expected)
          expect(due(wheel, NOW + elapsed, 1)).toEqual([])
          expect(wheel.size).toBe(entries.length - expected.length)
          expect(wheel.nextDueMs() ?? Number.POSITIVE_INFINITY).toBeGreaterThanOrEqual((NOW + elapsed) * 1000)
        },
      ),
      { seed: 31, numRuns: 300 },
    )
  })

  it('keeps a due entry that the visitor does not take', () => {
    const wheel = new TimeWheel()
    wheel.add(7, NOW, 0)
    wheel.visitDue(NOW, 0, () => false)

    expect(due(wheel, NOW, 0)).toEqual([7])
  })

  it('removes one entry, or those of sequences above one', () => {
    const wheel = new TimeWheel()
    for (let sequence = 1; sequence <= 10; sequence++) wheel.add(sequence, NOW + (sequence % 3), 0)

    expect([wheel.remove(4, NOW + 1), wheel.remove(4, NOW + 1), wheel.remove(5, NOW)]).toEqual([true, false, false])
    wheel.removeAbove(6)

    expect(due(wheel, NOW + 10, 0)).toEqual([1, 2, 3, 5, 6])
    wheel.add(1, NOW, 0)
    wheel.clear()
    expect([wheel.size, wheel.nextDueMs()]).toEqual([0, undefined])
  })
})

describe('thw.db', () => {
  const EXAMPLE = '01010000000000000004000000000000008088e1a08dc3ce972f02'

  it('is written and read as in the worked example', () => {
    const wheel = new TimeWheel()
    wheel.add(2, NOW + 61, 0)
    const read = new TimeWheel()

    expect(encodeTimeWheel(wheel, 4).toString('hex')).toBe(EXAMPLE)
    expect(decodeTimeWheel(Buffer.from(EXAMPLE, 'hex'), read)).toBe(4)
    expect(entriesOf(read)).toEqual([[2, NOW + 61, 0]])
  })

  it('is refused when cut anywhere, or of another version', () => {
    const bytes = Buffer.from(EXAMPLE, 'hex')
    for (let size = 0; size < bytes.length; size++) {
      expect(() => decodeTimeWheel(bytes.subarray(0, size), new TimeWheel())).toThrow('thw.db')
    }
    bytes[0] = 2
    expect(() => decodeTimeWheel(bytes, new TimeWheel())).toThrow('version 2')
  })

  it('keeps every entry', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.maxSafeNat(), fc.nat(2 ** 33), fc.nat(999_999_999))), (entries) => {
        const wheel = new TimeWheel()
        for (const [sequence, seconds, nanoseconds] of entries) wheel.add(sequence, seconds, nanoseconds)
        const read = new TimeWheel()
        decodeTimeWheel(encodeTimeWheel(wheel, 9), read)

        expect(entriesOf(read).toSorted()).toEqual([...entries].toSorted())
      }),
      { seed: 32 },
    )
  })
})

function due(wheel: TimeWheel, seconds: number, nanoseconds: number): number[] {
  const result: number[] = []
  wheel.visitDue(seconds, nanoseconds, (sequence) => {
    result.push(sequence)
    return true
  })
  return result.sort((a, b) => a - b)
}

function entriesOf(wheel: TimeWheel): [number, number, number][] {
  const result: [number, number, number][] = []
  wheel.visit((sequence, seconds, nanoseconds) => result.push([sequence, seconds, nanoseconds]))
  return result
}
