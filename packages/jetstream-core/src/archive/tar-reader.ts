/**
 * The files of a tar archive, as they come in pieces: what an archive of version 1 is underneath
 * (store-format.md section 11.1). Strict: regular files, whose names stay inside, with extended headers (pax)
 * for what does not fit the plain ones. Nothing is kept but the header that is being read.
 *
 *     offset  size  field
 *     0       100   name, ended by a zero
 *     124     12    size, octal
 *     148     8     checksum: sum of the header's bytes, these taken as spaces; octal
 *     156     1     type: '0' or zero a file, 'x' its extended header, 'g' one for all
 *     257     6     'ustar'
 *     345     155   what goes before the name, with a slash
 *
 * Contents are filled up to 512 bytes. Two blocks of zeros end the archive; what follows does not count.
 */
import { ArchiveError } from './archive-entry.js'

const BLOCK_SIZE = 512
const EXTENDED_SIZE_MAX = 1024 * 1024
const NAME_SIZE_MAX = 1024
const INVALID = 'archive/tar: invalid tar header'

export type TarEvent =
  | Readonly<{ kind: 'file'; name: string; size: number }>
  /** Content of the file before; a view of what was pushed. */
  | Readonly<{ kind: 'bytes'; bytes: Buffer }>

type Extended = { path: string | undefined; size: number | undefined }

export class TarReader {
  #block: Buffer = Buffer.alloc(0)
  /** Content of the file, or of the extended header, that is still to come. */
  #missing = 0
  #padding = 0
  /** The parts of an extended header. */
  #extended: Buffer[] | undefined
  #next: Extended = { path: undefined, size: undefined }
  #zeroBlocks = 0

  /** Whether the end of the archive was read. */
  get isEnded(): boolean {
    return this.#zeroBlocks >= 2
  }

  /** @throws ArchiveError */
  *push(bytes: Buffer): Generator<TarEvent> {
    let at = 0
    while (at < bytes.length && !this.isEnded) {
      if (this.#missing > 0) {
        const part = bytes.subarray(at, at + this.#missing)
        at += part.length
        this.#missing -= part.length
        if (this.#extended === undefined) yield { kind: 'bytes', bytes: part }
        else this.#takeExtended(this.#extended, part)
      } else if (this.#padding > 0) {
        const skipped = Math.min(this.#padding, bytes.length - at)
        at += skipped
        this.#padding -= skipped
      } else {
        const part = bytes.subarray(at, at + BLOCK_SIZE - this.#block.length)
        at += part.length
        this.#block = Buffer.concat([this.#block, part])
        if (this.#block.length < BLOCK_SIZE) return
        const file = this.#takeHeader(this.#block)
        this.#block = Buffer.alloc(0)
        if (file !== undefined) yield file
      }
    }
  }

  #takeHeader(block: Buffer): TarEvent | undefined {
    if (block.every((byte) => byte === 0)) {
      this.#zeroBlocks++
      return undefined
    }
    if (this.#zeroBlocks > 0 || checksumOf(block) !== octalIn(block, 148, 8)) throw new ArchiveError(INVALID)
    const type = String.fromCharCode(block[156] as number)
    const ownSize = octalIn(block, 124, 12)
    if (type === 'x' || type === 'g') {
      if (ownSize > EXTENDED_SIZE_MAX) throw new ArchiveError(INVALID)
      this.#extended = []
      this.#expect(ownSize)
      return undefined
    }
    if (type !== '0' && type !== '\0') throw new ArchiveError('unexpected content')
    const { path, size = ownSize } = this.#next
    this.#next = { path: undefined, size: undefined }
    const prefix = textIn(block, 345, 155)
    const name = path ?? (prefix === '' ? '' : `${prefix}/`) + textIn(block, 0, 100)
    this.#expect(size)
    return { kind: 'file', name: checkedName(name), size }
  }

  #expect(size: number): void {
    this.#missing = size
    this.#padding = (BLOCK_SIZE - (size % BLOCK_SIZE)) % BLOCK_SIZE
  }

  #takeExtended(parts: Buffer[], part: Buffer): void {
    parts.push(Buffer.from(part))
    if (this.#missing > 0) return
    readExtended(Buffer.concat(parts), this.#next)
    this.#extended = undefined
  }
}

/** Records `<size of the record> <key>=<value>\n`. */
function readExtended(bytes: Buffer, into: Extended): void {
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(0x20, at)
    const digits = space < 0 ? '' : bytes.toString('latin1', at, space)
    const end = at + Number(digits)
    if (!/^[0-9]{1,7}$/.test(digits) || end > bytes.length || end <= space + 1 || bytes[end - 1] !== 0x0a) {
      throw new ArchiveError(INVALID)
    }
    const record = bytes.toString('utf8', space + 1, end - 1)
    const equals = record.indexOf('=')
    const value = record.slice(equals + 1)
    if (record.startsWith('path=')) into.path = value
    if (record.startsWith('size=')) into.size = sizeOf(value, 10)
    at = end
  }
}

/** A path that leads nowhere else. @throws ArchiveError */
function checkedName(name: string): string {
  const parts = name.split('/')
  const isBad = name.length > NAME_SIZE_MAX || /[\0\\]/.test(name) || parts.some((part) => ['', '.', '..'].includes(part))
  if (isBad) throw new ArchiveError('unexpected content')
  return name
}

function checksumOf(block: Buffer): number {
  let sum = 8 * 0x20
  for (let i = 0; i < BLOCK_SIZE; i++) if (i < 148 || i >= 156) sum += block[i] as number
  return sum
}

function textIn(block: Buffer, offset: number, size: number): string {
  const end = block.indexOf(0, offset)
  return block.toString('utf8', offset, end < 0 ? offset + size : Math.min(end, offset + size))
}

function octalIn(block: Buffer, offset: number, size: number): number {
  return sizeOf(textIn(block, offset, size).trim(), 8)
}

function sizeOf(digits: string, base: 8 | 10): number {
  const isNumber = base === 8 ? /^[0-7]{1,12}$/.test(digits) : /^[0-9]{1,15}$/.test(digits)
  if (!isNumber) throw new ArchiveError(INVALID)
  return Number.parseInt(digits, base)
}
