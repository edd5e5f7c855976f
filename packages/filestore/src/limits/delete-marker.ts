/** Which message leaves a delete marker when its time is over (jetstream-api.md section 13); the stream stores it. */
import { isDeleteMarker, StoredMessage } from '@rivulet/store-types'
import { viewMessage } from '../block/record.js'
import type { LoadedBlock } from '../block/loaded-block.js'
import type { StoreCore } from '../store-core.js'

/** Does the live message at `index` of a block, whose bytes are here, leave one? */
export function leavesMarker(core: StoreCore, loaded: LoadedBlock, index: number): boolean {
  if (core.config.subjectDeleteMarkerTtl === 0n) return false
  const message = new StoredMessage()
  viewMessage(loaded.area, loaded.offsets[index] as number, message)
  return !isDeleteMarker(message.bodyBytes, message.bodyOffset, message.headerSize)
}
