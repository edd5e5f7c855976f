/**
 * Where the frames of a chunk lie: the border between the data half, which finds them, and the control
 * half, which acts on them (ARCHITECTURE.md, "Control and data"). One row of twelve words a frame; all
 * offsets are positions in the arena that was decoded.
 *
 *     word  PUB, HPUB                     SUB               UNSUB             CONNECT, others
 *     0     operation                     operation         operation         operation
 *     1, 2  subject offset, size          subject           -                 -
 *     3, 4  reply offset, size (0: none)  queue (0: none)   -                 -
 *     5, 6  body offset, size             sid               sid               -
 *     7     header block size             -                 max, -1: none     -
 *     8     tail offset, 0: none          -                 -                 -
 *     9     1: subject as in the row before  -              -                 -
 *     10,11 argument offset, size         the same          the same          the same
 *
 * The tail is `<sizes>CR LF body CR LF` as the client wrote it. Where it is usable as it stands, in a
 * MSG for PUB and in an HMSG for HPUB, its offset is in word 8 and a delivery copies it in one piece.
 */

export const ROW_WORDS = 12
export const ROW_OPERATION = 0
export const ROW_SUBJECT = 1
export const ROW_SUBJECT_SIZE = 2
export const ROW_REPLY = 3
export const ROW_REPLY_SIZE = 4
export const ROW_BODY = 5
export const ROW_BODY_SIZE = 6
export const ROW_HEADER_SIZE = 7
export const ROW_TAIL = 8
export const ROW_REPEATS = 9
export const ROW_ARGUMENTS = 10
export const ROW_ARGUMENTS_SIZE = 11

/** The same words under the names they have for SUB and UNSUB. */
export const ROW_QUEUE = ROW_REPLY
export const ROW_QUEUE_SIZE = ROW_REPLY_SIZE
export const ROW_SID = ROW_BODY
export const ROW_MAX = ROW_HEADER_SIZE

export const OPERATION_PUB = 1
export const OPERATION_HPUB = 2
export const OPERATION_SUB = 3
export const OPERATION_UNSUB = 4
export const OPERATION_PING = 5
export const OPERATION_PONG = 6
export const OPERATION_CONNECT = 7
export const OPERATION_INFO = 8
export const OPERATION_OK = 9
export const OPERATION_ERR = 10

/** What is wrong with the bytes after the last row; each ends the connection. */
export type Fault =
  | 'none'
  | 'unknown operation' // also a payload of another size than announced
  | 'malformed arguments'
  | 'payload too large'
  | 'line too long'
  | 'headers not announced'
  | 'not authenticated' // something else than CONNECT came first

const ROWS = 512
/** Arguments of a line that are told apart; no operation has as many. */
export const ARGUMENTS_MAX = 5

/** Rows and what the decoder says besides them. One instance is filled again and again. */
export class Descriptors {
  readonly rows = new Int32Array(ROWS * ROW_WORDS)
  readonly capacity = ROWS
  /** Work space of the line parser: start and end of each argument of the line at hand. */
  readonly spans = new Int32Array((ARGUMENTS_MAX + 1) * 2)
  /** Rows filled. */
  count = 0
  #arena: Buffer | undefined
  #view: DataView = new DataView(new ArrayBuffer(0))
  /** Where decoding stopped: everything before it is in rows. */
  end = 0
  /** True: what follows `end` is the beginning of a frame whose rest has not arrived. */
  isPartial = false
  /** Bytes of that frame, payload and all, once its control line is there; else 0. */
  partialSize = 0
  /** Bytes of that beginning which must be kept; what follows them does not matter (text after PING). */
  partialKept = 0
  fault: Fault = 'none'
  /** The announced size when the fault is 'payload too large'. */
  faultSize = 0

  /** A view of the arena for reading words; kept for the next call with the same one. */
  viewOf(arena: Buffer): DataView {
    if (this.#arena !== arena) {
      this.#arena = arena
      this.#view = new DataView(arena.buffer, arena.byteOffset, arena.length)
    }
    return this.#view
  }
}

/** What the connection allows at the moment. A CONNECT may change it, so decoding pauses after one. */
export class DecodeRules {
  maxPayload = 0
  /** Bytes of a line's arguments. */
  maxControlLine = 0
  /** HPUB is allowed. */
  headers = false
  /** Only CONNECT is allowed. */
  mustConnect = false
}
