/**
 * Messages that say that their subject is gone: delete markers of the server (`Nats-Marker-Reason`) and KV purges
 * (`KV-Operation: PURGE`). When they expire they leave no marker again (jetstream-api.md section 13).
 */
const LINES = ['\nNats-Marker-Reason:', '\nKV-Operation: PURGE\r'].map((line) => Buffer.from(line, 'latin1'))

/** Is the message with that header block one of them? `size` 0: it has none. */
export function isDeleteMarker(bytes: Buffer, offset: number, size: number): boolean {
  if (size === 0) return false
  const headers = bytes.subarray(offset, offset + size)
  return LINES.some((line) => headers.includes(line))
}
