/**
 * The body of a block compressed with LZ4: chunks of 64 KiB of the plain block, each in a frame of its own.
 *
 *     5a 2a 4d 18  08 00 00 00  plain offset (4)  frame size (4)     a frame that LZ4 readers skip
 *     04 22 4d 18  ...                                                the chunk's frame, content checksum included
 *
 * So `lz4 -d` reads a body too. A chunk is found and checked without the others: what a damaged one held is
 * zeros, all else is where it was. Page: docs/block-format.md, "Compressed blocks".
 */
import { assert, type S2Damage } from '@rivulet/store-types'
import type { Lz4Codec } from './lz4-library.js'

export const LZ4_CHUNK_SIZE = 64 * 1024
/** What a chunk starts with. */
export const LZ4_CHUNK_MARK: Buffer = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 8, 0, 0, 0])
const CHUNK_HEADER_SIZE = LZ4_CHUNK_MARK.length + 8
/** A frame of nothing: magic, descriptor, end mark, checksum. */
const FRAME_SIZE_MIN = 15

/** In the body: from its header at `at` to `end`, where its frame ends by what it says. */
type FoundChunk = Readonly<{ at: number; end: number; plainOffset: number; frame: Buffer }>

/** A chunk as it lies in the body. `bytes` do not change until it is done. */
export async function encodeLz4Chunk(bytes: Buffer, plainOffset: number, codec: Lz4Codec): Promise<Buffer> {
  assert(bytes.length > 0 && bytes.length <= LZ4_CHUNK_SIZE, 'a chunk has 1 to 65,536 bytes')
  assert(plainOffset % LZ4_CHUNK_SIZE === 0, 'chunks follow each other without gaps')
  const frame = await codec.compressFrame(bytes)
  const chunk = Buffer.allocUnsafe(CHUNK_HEADER_SIZE + frame.length)
  LZ4_CHUNK_MARK.copy(chunk)
  chunk.writeUInt32LE(plainOffset, LZ4_CHUNK_MARK.length)
  chunk.writeUInt32LE(frame.length, LZ4_CHUNK_MARK.length + 4)
  frame.copy(chunk, CHUNK_HEADER_SIZE)
  return chunk
}

/**
 * Decodes what can be decoded, in order. A chunk that can not be is noted in `damage` and is zeros, so that what
 * follows stays where it was. `size` is what all should come to: it serves to report an end that is missing.
 */
export function decodeLz4Body(body: Buffer, size: number, codec: Lz4Codec, damage: S2Damage[]): Buffer[] {
  const parts: Buffer[] = []
  let end = 0
  const lose = (to: number, cause: string) => {
    damage.push({ offset: end, size: to - end, cause })
    parts.push(Buffer.alloc(to - end))
    end = to
  }
  let chunk = findChunk(body, 0, end)
  while (chunk !== undefined) {
    if (chunk.plainOffset > end) lose(chunk.plainOffset, 'a chunk is missing')
    const { content, cause } = decodeFrame(chunk.frame, codec)
    if (content !== undefined) {
      parts.push(content)
      end += content.length
      const following = followingOf(chunk, body, end)
      if (following < chunk.end) damage.push({ offset: end, size: 0, cause: 'a chunk is smaller than it says' })
      chunk = findChunk(body, following, end)
      continue
    }
    // What it says of its size may be the damage: the next chunk is looked for from its start on.
    chunk = findChunk(body, chunk.at + LZ4_CHUNK_MARK.length, end + LZ4_CHUNK_SIZE)
    if (chunk !== undefined) lose(chunk.plainOffset, cause)
    else damage.push({ offset: end, size: Math.max(0, size - end), cause })
  }
  const last = damage[damage.length - 1]
  const isEndReported = last !== undefined && last.offset === end && last.size > 0
  if (end < size && !isEndReported) damage.push({ offset: end, size: size - end, cause: 'the last chunks are missing' })
  return parts
}

/**
 * Where the chunk after a good one starts: behind it, unless that is wrong and one is found in what it says is its
 * frame. Only then: a payload may hold what looks like a chunk.
 */
function followingOf(chunk: FoundChunk, body: Buffer, end: number): number {
  const mark = Buffer.alloc(LZ4_CHUNK_MARK.length + 4)
  LZ4_CHUNK_MARK.copy(mark)
  mark.writeUInt32LE(end, LZ4_CHUNK_MARK.length)
  const isThere = mark.equals(body.subarray(chunk.end, chunk.end + mark.length))
  if (isThere || chunk.end === body.length) return chunk.end
  const found = body.indexOf(mark, chunk.at + CHUNK_HEADER_SIZE)
  return found >= 0 ? Math.min(found, chunk.end) : chunk.end
}

/** The first chunk at or after `from` whose content can follow `end` plain bytes; undefined when there is none. */
function findChunk(body: Buffer, from: number, end: number): FoundChunk | undefined {
  for (
    let at = body.indexOf(LZ4_CHUNK_MARK, from);
    at >= 0 && at + CHUNK_HEADER_SIZE <= body.length;
    at = body.indexOf(LZ4_CHUNK_MARK, at + 1)
  ) {
    const plainOffset = body.readUInt32LE(at + LZ4_CHUNK_MARK.length)
    const frameSize = body.readUInt32LE(at + LZ4_CHUNK_MARK.length + 4)
    const frameAt = at + CHUNK_HEADER_SIZE
    // Skipped bytes were so many chunks at most: damage does not make a block endless.
    const skippedMax = Math.floor((at - from) / (CHUNK_HEADER_SIZE + FRAME_SIZE_MIN)) * LZ4_CHUNK_SIZE
    const isNext =
      plainOffset >= end && plainOffset < end + LZ4_CHUNK_SIZE + skippedMax && plainOffset % LZ4_CHUNK_SIZE === 0
    if (!isNext || frameSize < FRAME_SIZE_MIN || frameAt + frameSize > body.length) continue
    return { at, end: frameAt + frameSize, plainOffset, frame: body.subarray(frameAt, frameAt + frameSize) }
  }
  return undefined
}

function decodeFrame(frame: Buffer, codec: Lz4Codec): Readonly<{ content: Buffer | undefined; cause: string }> {
  try {
    const content = codec.decompressFrame(frame)
    if (content.length > 0 && content.length <= LZ4_CHUNK_SIZE) return { content, cause: '' }
    return { content: undefined, cause: `the chunk decodes to ${content.length} bytes` }
  } catch (error) {
    return {
      content: undefined,
      cause: `the chunk does not decode: ${error instanceof Error ? error.message : String(error)}`,
    }
  }
}
