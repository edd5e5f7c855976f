/** How large a stream's blocks are: the reference's rule (store-format.md section 7.1). */
import { isLiteral, wireOf, type StreamConfig } from '@rivulet/store-types'

export const BLOCK_BYTES_MAX = 8 * 1024 * 1024
const BLOCK_BYTES_MIN = 32_000
const BLOCK_BYTES_MEDIUM = 4 * 1024 * 1024
const BLOCK_BYTES_ENCRYPTED = 2 * 1024 * 1024
/** Record header, checksum and header size of an average message. */
const RECORD_ESTIMATE = 34
const SUBJECT_ESTIMATE = 256

/** Encryption counts for streams without limits only. */
export function blockBytesFor(config: StreamConfig, payloadBytesMax: number, isEncrypted: boolean): number {
  if (config.maxBytes > 0) return blockBytesOf(config.maxBytes)
  if (config.maxMessages > 0) {
    const messageBytes = config.maxMessageSize > 0 ? config.maxMessageSize : payloadBytesMax
    return blockBytesOf(config.maxMessages * (RECORD_ESTIMATE + subjectEstimate(config.subjects) + messageBytes))
  }
  if (config.maxMessagesPerSubject > 0) return BLOCK_BYTES_MEDIUM
  if (isEncrypted) return BLOCK_BYTES_ENCRYPTED
  return config.retention === 'limits' ? BLOCK_BYTES_MAX : BLOCK_BYTES_MEDIUM
}

/** A quarter of the limit, so that removing a block frees at most that; small and large ones are clamped. */
function blockBytesOf(limitBytes: number): number {
  const bytes = Math.ceil((Math.floor(limitBytes / 4) + 1) / 100) * 100
  if (bytes <= BLOCK_BYTES_MIN) return BLOCK_BYTES_MIN
  return bytes >= BLOCK_BYTES_MAX ? BLOCK_BYTES_MAX : BLOCK_BYTES_MEDIUM
}

function subjectEstimate(subjects: readonly string[]): number {
  let longest = 0
  for (const subject of subjects) if (isLiteral(subject)) longest = Math.max(longest, wireOf(subject).length)
  return longest === 0 ? SUBJECT_ESTIMATE : longest
}
