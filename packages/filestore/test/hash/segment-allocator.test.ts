import { describe, expect, it } from 'vitest'
import { SegmentAllocator } from '../../src/hash/segment-allocator.js'
import { seededRandom } from '../support/seeded-random.js'

describe('the segment allocator', () => {
  it('hands out ranges that never overlap and joins what comes back', () => {
    const random = seededRandom(3)
    const allocator = new SegmentAllocator(64, 64 * 1000)
    const taken: { start: number; end: number }[] = []
    for (let step = 0; step < 5000; step++) {
      if (random() < 0.5 && taken.length > 0) {
        allocator.release(taken.splice(Math.floor(random() * taken.length), 1)[0]!.start)
        continue
      }
      const size = 1 + Math.floor(random() * 4000)
      const start = allocator.allocate(size)
      if (start < 0) continue
      expect(start >= 64 && start + size <= 64 * 1000 && start % 64 === 0).toBe(true)
      expect(taken.some((other) => start < other.end && other.start < start + size)).toBe(false)
      taken.push({ start, end: start + size })
    }
    for (const range of taken) allocator.release(range.start)

    expect(allocator.allocate(64 * 999)).toBe(64)
  })

  it('says -1 when no range is large enough', () => {
    const allocator = new SegmentAllocator(0, 128)

    expect(allocator.allocate(129)).toBe(-1)
    expect(allocator.allocate(128)).toBe(0)
    expect(allocator.allocate(1)).toBe(-1)
  })
})
