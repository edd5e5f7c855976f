/**
 * A hash table of small ids, extendible: partitions of open addressing, chosen by the high bits of the
 * hash. A full partition is split in two, so the table grows to any size without a pause. What an id
 * stands for, and whether two are equal, only the owner knows; it walks the slots itself:
 *
 *     const slots = table.slots(hash)
 *     for (let at = hash & (slots.length - 1); slots[at] !== 0; at = (at + 1) & (slots.length - 1)) ...
 *
 * Ids are from 1; 0 is an empty slot.
 */
import { assert } from '../assert.js'

const PARTITION_SLOTS_MIN = 8
const PARTITION_SLOTS_MAX = 4096
const DEPTH_MAX = 20

type Partition = { slots: Int32Array; count: number; depth: number }

export class IdTable {
  /** By id: its hash. Replaced when it grows. */
  hashes: Uint32Array = new Uint32Array(1)
  #depth = 0
  #partitions: Partition[] = [{ slots: new Int32Array(PARTITION_SLOTS_MIN), count: 0, depth: 0 }]

  /** Memory held, in bytes. */
  get byteCount(): number {
    let total = this.hashes.byteLength + this.#partitions.length * 8
    for (const partition of new Set(this.#partitions)) total += partition.slots.byteLength
    return total
  }

  /** The slots where an id with this hash would be, to be walked from `hash & (length - 1)`; at least one is 0. */
  slots(hash: number): Int32Array {
    return this.#partition(hash).slots
  }

  /** `id` is not in the table. `hash` is unsigned. */
  insert(id: number, hash: number): void {
    assert(id > 0, 'ids are from 1')
    if (id >= this.hashes.length) this.hashes = grown(this.hashes, id)
    this.hashes[id] = hash
    let partition = this.#partition(hash)
    while ((partition.count + 1) * 10 > partition.slots.length * 7) {
      this.#makeRoom(partition)
      partition = this.#partition(hash)
    }
    place(partition.slots, id, hash)
    partition.count++
  }

  /** `id` is in the table. */
  remove(id: number): void {
    const hash = this.hashes[id] as number
    const partition = this.#partition(hash)
    const { slots } = partition
    const mask = slots.length - 1
    let hole = hash & mask
    while (slots[hole] !== id) {
      assert(slots[hole] !== 0, 'the id is in the table')
      hole = (hole + 1) & mask
    }
    // Whoever probes past the hole moves into it, so no marker is needed.
    for (let at = (hole + 1) & mask; slots[at] !== 0; at = (at + 1) & mask) {
      const home = (this.hashes[slots[at] as number] as number) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      slots[hole] = slots[at] as number
      hole = at
    }
    slots[hole] = 0
    partition.count--
  }

  #partition(hash: number): Partition {
    return this.#partitions[this.#depth === 0 ? 0 : hash >>> (32 - this.#depth)] as Partition
  }

  #makeRoom(partition: Partition): void {
    const { slots } = partition
    if (slots.length < PARTITION_SLOTS_MAX || partition.depth === DEPTH_MAX) {
      partition.slots = new Int32Array(slots.length * 2)
      for (const id of slots) if (id !== 0) place(partition.slots, id, this.hashes[id] as number)
      return
    }
    this.#split(partition)
  }

  #split(partition: Partition): void {
    if (partition.depth === this.#depth) {
      this.#partitions = this.#partitions.flatMap((each) => [each, each])
      this.#depth++
    }
    const depth = partition.depth + 1
    const lower: Partition = { slots: new Int32Array(PARTITION_SLOTS_MAX), count: 0, depth }
    const upper: Partition = { slots: new Int32Array(PARTITION_SLOTS_MAX), count: 0, depth }
    for (const id of partition.slots) {
      if (id === 0) continue
      const hash = this.hashes[id] as number
      const half = ((hash >>> (32 - depth)) & 1) === 0 ? lower : upper
      place(half.slots, id, hash)
      half.count++
    }
    const first = this.#partitions.indexOf(partition)
    const span = 2 ** (this.#depth - partition.depth)
    for (let i = 0; i < span; i++) this.#partitions[first + i] = i < span / 2 ? lower : upper
  }
}

function place(slots: Int32Array, id: number, hash: number): void {
  const mask = slots.length - 1
  let at = hash & mask
  while (slots[at] !== 0) at = (at + 1) & mask
  slots[at] = id
}

function grown(array: Uint32Array, index: number): Uint32Array {
  const result = new Uint32Array(Math.max(8, index + 1, Math.ceil(array.length * 1.5)))
  result.set(array)
  return result
}
