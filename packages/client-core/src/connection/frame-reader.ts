/**
 * From the bytes of reads to rows of frames: decodes what is whole, keeps the beginning of a frame
 * whose rest has not arrived, and, while suspended, everything.
 *
 * A CONNECT may change the rules, so decoding stops behind it and goes on with the rules as they are
 * then; the handler may suspend the reader while it waits for an answer about that CONNECT.
 */
import { decode } from '../codec/decode.js'
import { DecodeRules, type Descriptors } from '../codec/descriptors.js'
import type { WireMemory } from '../memory/wire-memory.js'
import { frameRest, PartialFrame } from './partial-frame.js'

export interface FrameHandler {
  /** Nothing more is wanted. */
  readonly isClosed: boolean
  /** Whole frames. The bytes are valid during the call. */
  frames(bytes: Buffer, descriptors: Descriptors): void
  /** The bytes behind the last frame are faulty; nothing follows. */
  faulty(descriptors: Descriptors): void
}

export class FrameReader {
  readonly rules = new DecodeRules()
  readonly #memory: WireMemory
  readonly #handler: FrameHandler
  readonly #partial: PartialFrame
  #partialSize = 0
  #isPartialInUse = false
  readonly #postponed: PartialFrame
  #isSuspended = false

  constructor(memory: WireMemory, handler: FrameHandler) {
    this.#memory = memory
    this.#handler = handler
    this.#partial = new PartialFrame(memory)
    this.#postponed = new PartialFrame(memory)
  }

  /** Bytes in the input region of the shared memory are taken as part of its slab, which is faster. */
  read(bytes: Buffer, from: number, to: number): void {
    const arena = bytes === this.#memory.input ? this.#memory.slab : bytes
    if (this.#isSuspended) {
      this.#postponed.append(arena, from, to)
      return
    }
    const descriptors = this.#memory.borrowDescriptors()
    const at = this.#partial.size > 0 ? this.#complete(arena, from, to, descriptors) : from
    if (at < to) this.#decode(arena, at, to, descriptors)
    this.#memory.returnDescriptors(descriptors)
  }

  /** Keeps what arrives until `resume`. Called by the handler while it works on a CONNECT. */
  suspend(): void {
    this.#isSuspended = true
  }

  /** Goes on with what arrived meanwhile. */
  resume(): void {
    this.#isSuspended = false
    const { bytes, from, to, size } = this.#postponed
    if (size === 0) return
    const kept = Buffer.from(bytes.subarray(from, to))
    this.#postponed.clear()
    this.read(kept, 0, size)
  }

  /** Forgets everything. */
  clear(): void {
    // A handler that ends the connection is still delivering from these bytes.
    if (!this.#isPartialInUse) this.#partial.clear()
    this.#postponed.clear()
  }

  #decode(bytes: Buffer, from: number, to: number, descriptors: Descriptors): void {
    let at = from
    while (at < to) {
      decode(bytes, at, to, descriptors, this.rules)
      at = descriptors.end
      this.#handler.frames(bytes, descriptors)
      if (this.#isStopped(bytes, at, to, descriptors)) return
      if (descriptors.isPartial) {
        this.#partial.append(bytes, at, at + descriptors.partialKept)
        this.#partialSize = descriptors.partialSize
        return
      }
    }
  }

  /** Completes the frame that an earlier read began. Returns the offset behind it; `to` when nothing is left to decode. */
  #complete(bytes: Buffer, from: number, to: number, descriptors: Descriptors): number {
    const partial = this.#partial
    let at = from
    while (at < to) {
      const end = frameRest(bytes, at, to, this.#partialSize > 0 ? this.#partialSize - partial.size : 0)
      partial.append(bytes, at, end)
      at = end
      // The byte behind the payload already tells whether its size was right.
      if (partial.size + 1 < this.#partialSize) return to
      decode(partial.bytes, partial.from, partial.to, descriptors, this.rules)
      if (descriptors.isPartial) {
        partial.cut(descriptors.partialKept)
        this.#partialSize = descriptors.partialSize
        continue
      }
      this.#partialSize = 0
      this.#isPartialInUse = true
      this.#handler.frames(partial.bytes, descriptors)
      this.#isPartialInUse = false
      partial.clear()
      return this.#isStopped(bytes, at, to, descriptors) ? to : at
    }
    return to
  }

  /** After rows were handled: is the rest of the read, from `at`, not to be decoded? */
  #isStopped(bytes: Buffer, at: number, to: number, descriptors: Descriptors): boolean {
    if (this.#handler.isClosed) return true
    if (this.#isSuspended) {
      this.#postponed.append(bytes, at, to)
      return true
    }
    if (descriptors.fault === 'none') return false
    this.#handler.faulty(descriptors)
    return true
  }
}
