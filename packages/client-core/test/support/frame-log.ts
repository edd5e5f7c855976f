/** Reads bytes through a FrameReader and writes down, as text, what the descriptors say. */
import {
  type Descriptors,
  ROW_BODY,
  ROW_BODY_SIZE,
  ROW_HEADER_SIZE,
  ROW_MAX,
  ROW_OPERATION,
  ROW_REPLY,
  ROW_REPLY_SIZE,
  ROW_SUBJECT,
  ROW_SUBJECT_SIZE,
  ROW_TAIL,
  ROW_WORDS,
  OPERATION_CONNECT,
  OPERATION_HPUB,
  OPERATION_PUB,
  OPERATION_SUB,
  OPERATION_UNSUB,
  ROW_ARGUMENTS,
  ROW_ARGUMENTS_SIZE,
} from '../../src/codec/descriptors.js'
import { FrameReader } from '../../src/connection/frame-reader.js'
import { WireMemory } from '../../src/index.js'

export class FrameLog {
  isClosed = false
  readonly lines: string[] = []
  readonly reader: FrameReader

  constructor() {
    this.reader = new FrameReader(new WireMemory({ inputBytes: 1024, arenaBytes: 64, arenaCount: 1 }), this)
    Object.assign(this.reader.rules, { maxPayload: 100_000, maxControlLine: 512, headers: true })
  }

  /** Each piece lies in a buffer of its own that is overwritten afterwards: nobody may keep it. */
  read(...pieces: readonly Buffer[]): this {
    for (const piece of pieces) {
      if (this.isClosed) break
      const lent = Buffer.concat([Buffer.from('##'), piece, Buffer.from('##')])
      this.reader.read(lent, 2, 2 + piece.length)
      lent.fill('!')
    }
    return this
  }

  frames(bytes: Buffer, descriptors: Descriptors): void {
    for (let i = 0; i < descriptors.count; i++) this.lines.push(describeRow(bytes, descriptors.rows, i * ROW_WORDS))
  }

  faulty(descriptors: Descriptors): void {
    this.isClosed = true
    this.lines.push(`fault: ${descriptors.fault}`)
  }
}

function describeRow(bytes: Buffer, rows: Int32Array, row: number): string {
  const word = (index: number): number => rows[row + index] as number
  const text = (at: number, size: number): string => JSON.stringify(bytes.latin1Slice(word(at), word(at) + word(size)))
  const operation = word(ROW_OPERATION)
  const pair = [text(ROW_SUBJECT, ROW_SUBJECT_SIZE), word(ROW_REPLY_SIZE) > 0 ? text(ROW_REPLY, ROW_REPLY_SIZE) : '-']
  if (operation === OPERATION_SUB) return `sub ${pair.join(' ')} ${text(ROW_BODY, ROW_BODY_SIZE)}`
  if (operation === OPERATION_UNSUB) return `unsub ${text(ROW_BODY, ROW_BODY_SIZE)} ${word(ROW_MAX)}`
  if (operation === OPERATION_CONNECT) return `connect ${text(ROW_ARGUMENTS, ROW_ARGUMENTS_SIZE)}`
  if (operation !== OPERATION_PUB && operation !== OPERATION_HPUB) return `operation ${operation}`
  const end = word(ROW_BODY) + word(ROW_BODY_SIZE) + 2
  const tail = word(ROW_TAIL) === 0 ? '-' : JSON.stringify(bytes.latin1Slice(word(ROW_TAIL), end))
  const argument = text(ROW_ARGUMENTS, ROW_ARGUMENTS_SIZE)
  const verb = operation === OPERATION_PUB ? 'pub' : 'hpub'
  return `${verb} ${pair.join(' ')} ${word(ROW_HEADER_SIZE)} ${text(ROW_BODY, ROW_BODY_SIZE)} ${tail} ${argument}`
}
