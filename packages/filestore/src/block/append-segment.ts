/**
 * Where records are built before they are written: a contiguous stretch of the hash kernel's memory, so
 * that each is hashed where it lies and a turn's records leave with one write.
 *
 * Segments belong to the process, not to a stream: a store takes one at its first append of a turn and
 * gives it back once its bytes are written, so ten thousand idle streams hold none.
 */
import { assert } from '@rivulet/store-types'
import type { HashKernel } from '../hash/hash-kernel.js'
import { ByteArea } from './record.js'

/** Holds about 1,400 records of 128 bytes: one write of a busy turn. */
export const SEGMENT_SIZE = 256 * 1024
/** What stores get while many others hold a large one. */
const SEGMENT_SIZE_CROWDED = 16 * 1024
const POOL_SIZE_MAX = 16
const CROWD_SIZE = 128

export class SegmentPool {
  readonly #kernel: HashKernel
  readonly #free: ByteArea[] = []
  #takenCount = 0

  constructor(kernel: HashKernel) {
    this.#kernel = kernel
  }

  /** A segment of at least `size` bytes. */
  take(size: number): ByteArea {
    this.#takenCount++
    if (size > SEGMENT_SIZE) return new ByteArea(this.#kernel.allocate(size))
    const pooled = this.#free.pop()
    if (pooled !== undefined) return pooled
    const isCrowded = this.#takenCount > CROWD_SIZE && size <= SEGMENT_SIZE_CROWDED
    return new ByteArea(this.#kernel.allocate(isCrowded ? SEGMENT_SIZE_CROWDED : SEGMENT_SIZE))
  }

  /** Takes a segment back; nobody may use it afterwards. */
  give(segment: ByteArea): void {
    assert(this.#takenCount > 0, 'a segment given back was taken')
    this.#takenCount--
    const isPooled = segment.bytes.length === SEGMENT_SIZE && this.#free.length < POOL_SIZE_MAX
    if (isPooled) this.#free.push(segment)
    else this.#kernel.release(segment.bytes)
  }
}
