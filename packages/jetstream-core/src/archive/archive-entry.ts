/**
 * The entries of an archive, version 2 (store-format.md section 11.2): 8 bytes of magic, then entries
 *
 *     name size  time (ns)  sequence  header size  payload size     varints, the time signed
 *     name | header block | payload
 *
 * Sequence 0 is no message; an entry of five zeros ends the archive.
 */
import { VarintCursor, VarintError, writeSvarintBig, writeUvarint } from '@rivulet/store-types'

export const ARCHIVE_MAGIC = Buffer.from('NATSARC1', 'latin1')
export const STATE_ENTRY = 'state.json'
export const CONSUMER_PREFIX = 'consumers/'

const HEAD_SIZE_MAX = 50
const NAME_SIZE_MAX = 1024 * 1024
/** Of entries that are no messages: the state of a consumer with a million pending messages fits. */
const DOCUMENT_SIZE_MAX = 256 * 1024 * 1024
const INVALID = 'archive: invalid archive stream'

export type EntryHead = Readonly<{
  nameSize: number
  /** ns */
  time: bigint
  sequence: number
  headerSize: number
  payloadSize: number
}>

/** `body`: header block and payload. */
export type ArchiveEntry = EntryHead & Readonly<{ name: Buffer; body: Buffer }>

export const END_ENTRY: EntryHead = { nameSize: 0, time: 0n, sequence: 0, headerSize: 0, payloadSize: 0 }

export function encodeEntryHead(head: EntryHead): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_SIZE_MAX)
  let end = writeUvarint(bytes, 0, head.nameSize)
  end = writeSvarintBig(bytes, end, head.time)
  end = writeUvarint(bytes, end, head.sequence)
  end = writeUvarint(bytes, end, head.headerSize)
  end = writeUvarint(bytes, end, head.payloadSize)
  return bytes.subarray(0, end)
}

export function isEndEntry(head: EntryHead): boolean {
  return head.sequence === 0 && head.time === 0n && head.headerSize === 0 && head.payloadSize === 0
}

/** The archive is not what it should be. The text is the reference's where it has one. */
export class ArchiveError extends Error {
  override readonly name: string = 'ArchiveError'
}

/** Reads the entries of an archive, whose bytes come in pieces. They begin behind the magic. */
export class ArchiveReader {
  readonly #messageBytesMax: number
  #parts: Buffer[] = []
  #size = 0
  /** Bytes without which nothing can be read. */
  #needed = 1

  /** `messageBytesMax`: bytes of header block and payload that a message may have. */
  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax
  }

  /**
   * Takes the next bytes; returns the entries that are complete now, views into them.
   * @throws ArchiveError
   */
  push(bytes: Buffer): ArchiveEntry[] {
    this.#parts.push(bytes)
    this.#size += bytes.length
    if (this.#size < this.#needed) return []
    const all = this.#parts.length === 1 ? bytes : Buffer.concat(this.#parts)
    const entries: ArchiveEntry[] = []
    let at = 0
    for (let entry = this.#read(all, at); entry !== undefined; entry = this.#read(all, at)) {
      entries.push(entry.value)
      at = entry.end
    }
    this.#parts = [all.subarray(at)]
    this.#size = all.length - at
    return entries
  }

  /** The entry at `at`; undefined, and `#needed` set, when it is not whole yet. */
  #read(bytes: Buffer, at: number): { value: ArchiveEntry; end: number } | undefined {
    const cursor = new VarintCursor(bytes, at)
    const head = readHead(cursor, bytes.length - at < HEAD_SIZE_MAX)
    if (head === undefined) {
      this.#needed = bytes.length - at + 1
      return undefined
    }
    this.#check(head)
    const nameEnd = cursor.offset + head.nameSize
    const end = nameEnd + head.headerSize + head.payloadSize
    if (end > bytes.length) {
      this.#needed = end - at
      return undefined
    }
    const name = bytes.subarray(cursor.offset, nameEnd)
    return { value: { ...head, name, body: bytes.subarray(nameEnd, end) }, end }
  }

  #check({ nameSize, sequence, headerSize, payloadSize }: EntryHead): void {
    if (nameSize > NAME_SIZE_MAX) throw new ArchiveError(INVALID)
    const size = headerSize + payloadSize
    if (sequence === 0 && size > DOCUMENT_SIZE_MAX) throw new ArchiveError(INVALID)
    if (sequence > 0 && size > this.#messageBytesMax) {
      throw new ArchiveError(`message sequence ${sequence} exceeds maximum payload size`)
    }
  }
}

function readHead(cursor: VarintCursor, mayContinue: boolean): EntryHead | undefined {
  try {
    return {
      nameSize: cursor.readUvarint(),
      time: cursor.readSvarintBig(),
      sequence: cursor.readUvarint(),
      headerSize: cursor.readUvarint(),
      payloadSize: cursor.readUvarint(),
    }
  } catch (cause) {
    if (!(cause instanceof VarintError)) throw cause
    if (mayContinue && cursor.offset === cursor.end) return undefined
    throw new ArchiveError(INVALID, { cause })
  }
}
