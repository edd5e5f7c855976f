/** Times as the API writes them: RFC 3339, UTC, up to nine fractional digits. */
export { formatRfc3339 as formatTime, ZERO_TIME_TEXT as ZERO_TIME } from '@rivulet/store-types'
