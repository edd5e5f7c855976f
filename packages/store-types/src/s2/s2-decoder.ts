/**
 * An S2 stream read as it arrives, in pieces of any size. Strict: whatever is wrong ends it.
 */
import { S2Error } from './s2-block.js'
import { decodeS2Stream, s2StreamHeader } from './s2-stream.js'

const CHUNK_HEADER_SIZE = 4
const CHUNK_IDENTIFIER = 0xff
/** A chunk holds at most 4 MiB of data, which may have grown a little by being compressed. */
const CHUNK_SIZE_MAX = 6 * 1024 * 1024

export class S2Decoder {
  readonly #header = s2StreamHeader()
  #waiting: Buffer[] = []
  #waitingSize = 0
  #isIdentified = false

  /**
   * Takes the next bytes of the stream, which must not change later; returns what the chunks that are complete now
   * decode to.
   * @throws S2Error
   */
  push(bytes: Buffer): Buffer[] {
    this.#waiting.push(bytes)
    this.#waitingSize += bytes.length
    if (this.#waitingSize < this.#neededSize()) return []
    const all = this.#waiting.length === 1 ? bytes : Buffer.concat(this.#waiting)
    const decoded: Buffer[] = []
    let at = 0
    for (let size = chunkSize(all, at); size > 0 && at + size <= all.length; size = chunkSize(all, at)) {
      this.#takeChunk(all.subarray(at, at + size), decoded)
      at += size
    }
    this.#waiting = at < all.length ? [all.subarray(at)] : []
    this.#waitingSize = all.length - at
    return decoded
  }

  /** @throws S2Error when the stream ends inside a chunk, or before it began */
  end(): void {
    if (this.#waitingSize > 0) throw new S2Error('the stream ends inside a chunk')
    if (!this.#isIdentified) throw new S2Error('no stream identifier')
  }

  /** Bytes that are needed before there is anything to do; 0: look. */
  #neededSize(): number {
    const first = this.#waiting[0] as Buffer
    return first.length < CHUNK_HEADER_SIZE ? 0 : chunkSize(first, 0)
  }

  #takeChunk(chunk: Buffer, decoded: Buffer[]): void {
    const isIdentifier = chunk[0] === CHUNK_IDENTIFIER
    if (!isIdentifier && !this.#isIdentified) throw new S2Error('no stream identifier')
    this.#isIdentified = true
    const bytes = decodeS2Stream(isIdentifier ? chunk : Buffer.concat([this.#header, chunk]))
    if (bytes.length > 0) decoded.push(bytes)
  }
}

/** Bytes of the chunk at `at`, its header included; 0 when not even that is there. */
function chunkSize(bytes: Buffer, at: number): number {
  if (at + CHUNK_HEADER_SIZE > bytes.length) return 0
  const size = bytes.readUIntLE(at + 1, 3)
  if (size > CHUNK_SIZE_MAX) throw new S2Error(`a chunk of ${size} bytes is above the limit of ${CHUNK_SIZE_MAX}`)
  return CHUNK_HEADER_SIZE + size
}
