/** What a verification says: plain data that JSON keeps. Paths are those of the directory that was named. */

/** 'sound': nothing to do. 'damaged': something is broken, the rest is served. 'unreadable': nothing is served. */
export type Verdict = 'sound' | 'damaged' | 'unreadable'

/** Sequences that may have been in damaged bytes, inclusive; `last` is null when the end is not known. */
export type SequenceRange = Readonly<{ first: number; last: number | null }>

/** One thing that is broken, at its place. */
export type Problem = Readonly<{
  file: string
  /** Bytes from the start of the file, of the plain records in a compressed block; null for a file as a whole. */
  offset: number | null
  size: number | null
  sequences: SequenceRange | null
  cause: string
}>

export type BlockReport = Readonly<{
  index: number
  file: string
  /** Bytes of the file. */
  fileSize: number
  /** Bytes of its plain records. */
  plainSize: number
  isCompressed: boolean
  isEncrypted: boolean
  /** Good records: messages, tombstones and markers. */
  recordCount: number
  /** Records of messages, removed ones included. */
  messageCount: number
  tombstoneCount: number
  /** Records of skipped or erased sequences. */
  markerCount: number
  /** Of the messages; 0 when there are none. */
  firstSequence: number
  lastSequence: number
  damage: readonly Problem[]
}>

export type IndexReport = Readonly<{
  /** 'stale': sound, but older than the blocks, which is normal after a kill. */
  state: 'valid' | 'stale' | 'missing' | 'broken'
  /** Why it is not valid; '' when it is, or is missing. */
  cause: string
}>

export type ConsumerReport = Readonly<{
  name: string
  /** 'recovered': read in spite of problems. 'lost': it goes on with a made-up configuration. */
  config: 'sound' | 'recovered' | 'lost'
  /** 'missing': it starts over, as one that never delivered does. */
  position: 'readable' | 'missing' | 'broken'
  delivered: Readonly<{ consumerSequence: number; streamSequence: number }>
  ackFloor: Readonly<{ consumerSequence: number; streamSequence: number }>
  pendingCount: number
  redeliveredCount: number
}>

export type StreamTotals = Readonly<{
  messageCount: number
  byteCount: number
  firstSequence: number
  lastSequence: number
  deletedCount: number
  subjectCount: number
  /** What damage is known to have cost: sequences as [first, last], and bytes. */
  lost: Readonly<{ sequences: readonly (readonly [number, number])[]; byteCount: number }>
}>

export type StreamReport = Readonly<{
  account: string
  name: string
  directory: string
  verdict: Verdict
  /** 'recovered': read in spite of problems. 'lost': it is served with a made-up configuration. */
  config: 'sound' | 'recovered' | 'lost'
  /** RFC 3339; '' when it is not known. */
  created: string
  isEncrypted: boolean
  index: IndexReport
  blocks: readonly BlockReport[]
  consumers: readonly ConsumerReport[]
  /** What a server serves after opening it; null when it can not be opened. */
  totals: StreamTotals | null
  problems: readonly Problem[]
  /** Worth knowing, nothing is broken. */
  notes: readonly string[]
}>

export type DirectoryReport = Readonly<{
  directory: string
  verdict: Verdict
  streams: readonly StreamReport[]
  notes: readonly string[]
}>

/** A problem of a file as a whole. Its name in front of `cause` is left out. */
export function problemOf(file: string, cause: string): Problem {
  const isNamed = cause.startsWith(file) && /^:? /.test(cause.slice(file.length))
  const text = isNamed ? cause.slice(file.length).replace(/^:? /, '') : cause
  return { file, offset: null, size: null, sequences: null, cause: text }
}

/** The worst of several. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.includes('unreadable')) return 'unreadable'
  return verdicts.includes('damaged') ? 'damaged' : 'sound'
}
