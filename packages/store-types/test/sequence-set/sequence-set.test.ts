import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { SequenceSet, decodeSequenceSet, encodeSequenceSet, encodedSequenceSetSize } from '@rivulet/store-types'

const sequence = fc.oneof(fc.nat(5000), fc.nat(100_000), fc.maxSafeNat().filter((value) => value < 2 ** 52))

describe('SequenceSet', () => {
  it('answers as a plain set after any adding and deleting', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom('add', 'add', 'delete', 'below', 'above', 'range'), sequence), { maxLength: 60 }),
        (steps) => {
          const set = new SequenceSet()
          let model = new Set<number>()
          const changes: [boolean, boolean][] = []
          for (const [step, at] of steps) {
            if (step === 'add') changes.push([set.add(at), !model.has(at)])
            if (step === 'add') model.add(at)
            if (step === 'delete') changes.push([set.delete(at), model.delete(at)])
            if (step === 'below') {
              set.deleteBelow(at)
              model = new Set([...model].filter((each) => each >= at))
            }
            if (step === 'above') {
              set.deleteAbove(at)
              model = new Set([...model].filter((each) => each <= at))
            }
            if (step === 'range') {
              set.addRange(at, at + 3000)
              for (let each = at; each <= at + 3000; each++) model.add(each)
            }
          }
          for (const [changed, expected] of changes) expect(changed).toBe(expected)
          const sorted = [...model].sort((a, b) => a - b)

          expect([set.size, set.isEmpty, set.min, set.max]).toEqual([sorted.length, sorted.length === 0, sorted[0], sorted.at(-1)])
          expect([...set]).toEqual(sorted)
          const visited: number[] = []
          set.forEach((each) => void visited.push(each))
          expect(visited).toEqual(sorted)
          for (const [, at] of steps) {
            expect([set.has(at), set.next(at)]).toEqual([model.has(at), sorted.find((each) => each >= at)])
            expect(set.countBetween(at, at + 2500)).toBe(sorted.filter((each) => each >= at && each <= at + 2500).length)
          }
        },
      ),
      { seed: 41, numRuns: 300 },
    )
  })

  it('finds what is not in it, up and down', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(9000), fc.nat(5000)), { maxLength: 6 }), fc.array(fc.nat(15_000), { maxLength: 40 }), (ranges, probes) => {
        const set = new SequenceSet()
        for (const [first, size] of ranges) set.addRange(first, first + size)
        for (const probe of [0, 2047, 2048, ...probes]) {
          let [up, down] = [probe, probe]
          while (set.has(up)) up++
          while (down >= 0 && set.has(down)) down--

          expect([set.nextAbsent(probe), set.previousAbsent(probe)]).toEqual([up, down])
        }
      }),
    )
  })

  it('joins, copies and compares', () => {
    const a = SequenceSet.of(1, 2, 5000)
    const b = SequenceSet.of(2, 3, 9000)
    const joined = a.clone()
    joined.union(b)

    expect([...joined]).toEqual([1, 2, 3, 5000, 9000])
    expect([joined.size, a.size, a.equals(SequenceSet.of(5000, 2, 1)), a.equals(b)]).toEqual([5, 3, true, false])
    joined.clear()
    expect([...joined]).toEqual([])
  })

  it('ends a visit when the visitor says so', () => {
    let count = 0
    SequenceSet.of(1, 2, 3).forEach(() => ++count === 2)

    expect(count).toBe(2)
  })
})

describe('an encoded sequence set', () => {
  it('is the worked example', () => {
    const set = SequenceSet.of(2)
    const bytes = Buffer.alloc(encodedSequenceSetSize(set))

    expect(encodeSequenceSet(set, bytes, 0)).toBe(276)
    expect(bytes.toString('hex')).toBe(`16020100000001000000${'00'.repeat(8)}04${'00'.repeat(255)}0100`)
  })

  it('is read back, also from the middle of other bytes', () => {
    fc.assert(
      fc.property(fc.array(sequence), (sequences) => {
        const set = SequenceSet.of(...sequences)
        const bytes = Buffer.alloc(encodedSequenceSetSize(set) + 10, 0xff)
        const end = encodeSequenceSet(set, bytes, 5)
        const read = decodeSequenceSet(bytes, 5)

        expect(end).toBe(bytes.length - 5)
        expect([read.end, read.set.equals(set)]).toEqual([end, true])
      }),
      { seed: 42 },
    )
  })

  it('is the pre-order of a balanced tree with true heights', () => {
    const set = new SequenceSet()
    for (let i = 0; i < 100; i++) set.add(i * 2048)
    const bytes = Buffer.alloc(encodedSequenceSetSize(set))
    encodeSequenceSet(set, bytes, 0)
    const heights: number[] = []
    const bases: number[] = []
    for (let at = 10; at < bytes.length; at += 266) {
      bases.push(Number(bytes.readBigUInt64LE(at)))
      heights.push(bytes.readUInt16LE(at + 264))
    }
    const height = (from: number, to: number): number => {
      if (from === to) return 0
      const root = bases[from] as number
      let right = from + 1
      while (right < to && (bases[right] as number) < root) right++
      for (let i = right; i < to; i++) expect(bases[i]).toBeGreaterThan(root)
      const [a, b] = [height(from + 1, right), height(right, to)]
      expect(Math.abs(a - b)).toBeLessThanOrEqual(1)
      expect(heights[from]).toBe(Math.max(a, b) + 1)
      return Math.max(a, b) + 1
    }

    expect(height(0, 100)).toBe(7)
  })

  it('is read in version 1, and with a node that starts anywhere', () => {
    const old = Buffer.alloc(10 + 8 + 512 + 2)
    old.set([22, 1, 1, 0, 0, 0, 2, 0, 0, 0])
    old.writeBigUInt64LE(4096n, 10)
    old[18] = 1
    old[18 + 511] = 0x80
    const unaligned = Buffer.alloc(276)
    unaligned.set([22, 2, 1, 0, 0, 0, 2, 0, 0, 0])
    unaligned.writeBigUInt64LE(1000n, 10)
    unaligned[18] = 1
    unaligned[18 + 255] = 0x80

    expect([...decodeSequenceSet(old, 0).set]).toEqual([4096, 8191])
    expect([...decodeSequenceSet(unaligned, 0).set]).toEqual([1000, 3047])
  })

  it('is refused when cut, miscounted, unknown or too large', () => {
    const bytes = Buffer.alloc(276)
    encodeSequenceSet(SequenceSet.of(2), bytes, 0)
    for (let size = 0; size < 276; size++) {
      expect(() => decodeSequenceSet(bytes.subarray(0, size), 0)).toThrow('sequence set at offset 0')
    }
    const broken = (change: (bytes: Buffer) => void): Buffer => {
      const copy = Buffer.from(bytes)
      change(copy)
      return copy
    }
    expect(() => decodeSequenceSet(broken((b) => b.writeUInt32LE(0xffffffff, 2)), 0)).toThrow('do not fit')
    expect(() => decodeSequenceSet(broken((b) => b.writeUInt32LE(9, 6)), 0)).toThrow('counts 9')
    expect(() => decodeSequenceSet(broken((b) => (b[1] = 3)), 0)).toThrow('version 3')
    expect(() => decodeSequenceSet(broken((b) => (b[17] = 0xff)), 0)).toThrow('beyond 2^53')
  })
})
