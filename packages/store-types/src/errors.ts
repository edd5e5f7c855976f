/**
 * Errors that stores and their siblings raise. Callers branch on `code`; texts are for people.
 * A released code keeps its meaning. Each has a heading in docs/errors.md.
 */
export type StoreErrorCode =
  | 'STORE_CLOSED'
  | 'STORE_FAILED' // an earlier write or sync failed; nothing is accepted until the store is opened again
  | 'STORE_FULL' // the disk is full; reads go on, writes are accepted again once there is room
  | 'STORE_MESSAGE_NOT_FOUND' // never stored, removed, or in a gap
  | 'STORE_END' // beyond the last sequence
  | 'STORE_MESSAGE_TOO_LARGE'
  | 'STORE_MAX_MESSAGES'
  | 'STORE_MAX_BYTES'
  | 'STORE_MAX_MESSAGES_PER_SUBJECT'
  | 'STORE_SEQUENCE_MISMATCH'
  | 'STORE_TOO_MANY_RESULTS'
  | 'STORE_WRONG_TYPE'
  | 'STORE_NO_ACK_POLICY'
  | 'STORE_OLD_UPDATE'
  | 'STORE_CORRUPT_STATE'
  | 'STORE_RECORD_CORRUPT'
  | 'STORE_LOCKED' // another process holds the directory
  | 'STORE_INVALID_OPTION'
  | 'STORE_NOT_SUPPORTED'

export class StoreError extends Error {
  override readonly name: string = 'StoreError'
  readonly code: StoreErrorCode

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** Bytes on disk are not what was written. `place` names them. */
export class RecordCorruptError extends StoreError {
  override readonly name: string = 'RecordCorruptError'
  readonly place: Readonly<{ file: string; offset: number }>

  constructor(place: Readonly<{ file: string; offset: number }>, reason: string, options?: ErrorOptions) {
    super('STORE_RECORD_CORRUPT', `${place.file} at offset ${place.offset}: ${reason}`, options)
    this.place = place
  }
}
