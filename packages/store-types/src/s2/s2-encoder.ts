/**
 * An S2 stream written piece by piece: bytes are collected until a chunk of 1 MiB is full.
 */
import { encodeS2Chunk, S2_CHUNK_INPUT_SIZE, s2StreamHeader } from './s2-stream.js'

export class S2Encoder {
  readonly #chunk: Buffer = Buffer.allocUnsafeSlow(S2_CHUNK_INPUT_SIZE)
  #size = 0
  #output: Buffer[] = [s2StreamHeader()]

  /** Copies `bytes` into the stream. */
  write(bytes: Uint8Array): void {
    for (let from = 0; from < bytes.length; ) {
      const count = Math.min(bytes.length - from, S2_CHUNK_INPUT_SIZE - this.#size)
      this.#chunk.set(bytes.subarray(from, from + count), this.#size)
      this.#size += count
      from += count
      if (this.#size === S2_CHUNK_INPUT_SIZE) this.#endChunk()
    }
  }

  /** No more is written: what was collected becomes the last chunk. */
  end(): void {
    if (this.#size > 0) this.#endChunk()
  }

  /** The compressed bytes since the last call. */
  take(): Buffer[] {
    const output = this.#output
    this.#output = []
    return output
  }

  #endChunk(): void {
    const [header, data] = encodeS2Chunk(this.#chunk, 0, this.#size)
    // Data that did not shrink lies in the chunk buffer, which is used again.
    const isShared = data.buffer === this.#chunk.buffer
    this.#output.push(header, isShared ? Buffer.from(data) : data)
    this.#size = 0
  }
}
