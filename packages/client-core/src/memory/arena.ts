/** A piece of memory that one connection fills from the front. */
export class Arena {
  readonly buffer: Buffer
  /** Of the whole buffer, for copying by words. */
  readonly view: DataView
  readonly start: number
  readonly end: number
  /** Offset behind the last byte written. */
  tail: number

  constructor(buffer: Buffer, view: DataView, start: number, end: number) {
    this.buffer = buffer
    this.view = view
    this.start = start
    this.end = end
    this.tail = start
  }

  get size(): number {
    return this.tail - this.start
  }
}
