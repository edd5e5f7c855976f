/** Durations in the texts of errors are written as Go writes them. */
export { formatGoDuration as formatDuration } from '@rivulet/store-types'
