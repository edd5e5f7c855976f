/** Durations as Go writes them: texts of errors, values of headers and of `-NAK` bodies. */
import { parseGoDuration } from '@rivulet/store-types'

export { formatGoDuration as formatDuration } from '@rivulet/store-types'

/** Nanoseconds; undefined when `text` is no duration. */
export function parseDuration(text: string): bigint | undefined {
  try {
    return parseGoDuration(text)
  } catch {
    return undefined
  }
}
