import { describe, expect, test } from 'vitest'
import { PartialFrame } from '../../src/connection/partial-frame.js'
import { WireMemory } from '../../src/index.js'

const small = () => new WireMemory({ inputBytes: 64, arenaBytes: 1024, arenaCount: 2 })

describe('arenas', () => {
  test('lie in the slab behind the input, and are used again', () => {
    const memory = small()
    const [first, second] = [memory.acquire(1), memory.acquire(1024)]
    expect(first.buffer === memory.slab).toBe(true)
    expect([first.start, first.end, second.start, second.end]).toEqual([64, 1088, 1088, 2112])
    second.tail = 1500
    memory.release(second)

    const again = memory.acquire(10)
    expect(again === second).toBe(true)
    expect(again.size).toBe(0)
  })

  test('have buffers of their own when the slab is used up or too small, and these are used again as well', () => {
    const memory = small()
    memory.acquire(1)
    memory.acquire(1)
    const third = memory.acquire(1)
    const large = memory.acquire(100_000)
    expect(third.buffer === memory.slab).toBe(false)
    expect(large.end - large.start).toBeGreaterThanOrEqual(100_000)
    memory.release(large)

    expect(memory.acquire(70_000) === large).toBe(true)
  })

  test('very large ones are not kept', () => {
    const memory = small()
    const huge = memory.acquire(50_000_000)
    expect(huge.end).toBe(50_000_000)
    memory.release(huge)

    expect(memory.acquire(50_000_000) === huge).toBe(false)
  })

  test('what is kept is bounded', () => {
    const memory = small()
    const taken = Array.from({ length: 40 }, () => memory.acquire(1_000_000))
    for (const arena of taken) memory.release(arena)
    const again = new Set(Array.from({ length: 40 }, () => memory.acquire(1_000_000)))

    expect(taken.filter((arena) => again.has(arena)).length).toBe(16)
  })
})

describe('partial frames', () => {
  test('grow from a small buffer into arenas and keep every byte', () => {
    const memory = small()
    const partial = new PartialFrame(memory)
    const bytes = Buffer.from(Array.from({ length: 20_000 }, (_, i) => i % 251))
    for (let at = 0; at < bytes.length; at += 77) partial.append(bytes, at, Math.min(bytes.length, at + 77))

    expect(partial.size).toBe(20_000)
    expect(partial.bytes.subarray(partial.from, partial.to).equals(bytes)).toBe(true)
    partial.cut(100)
    partial.append(bytes, 5_000, 5_010)
    const expected = Buffer.concat([bytes.subarray(0, 100), bytes.subarray(5_000, 5_010)])
    expect(partial.bytes.subarray(partial.from, partial.to).equals(expected)).toBe(true)
    partial.clear()
    expect(partial.size).toBe(0)
  })
})

describe('descriptors', () => {
  test('reads may nest', () => {
    const memory = small()
    const outer = memory.borrowDescriptors()
    const inner = memory.borrowDescriptors()
    expect(inner === outer).toBe(false)
    memory.returnDescriptors(inner)
    memory.returnDescriptors(outer)

    expect(memory.borrowDescriptors() === outer).toBe(true)
  })
})
