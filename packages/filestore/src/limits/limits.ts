/**
 * The limits of a stream by count: per subject, messages, bytes (store-format.md section 7.3).
 *
 * Discard new asks before a message is stored, discard old removes the oldest afterwards. What limits
 * remove gets no tombstone: the next opening derives it again (recovery/replay.ts).
 */
import { StoreError, type MessageView, type StreamConfig } from '@rivulet/store-types'
import type { Block } from '../block/block.js'
import type { StoreCore } from '../store-core.js'
import { rollupScopeOf } from '../recovery/rollup-header.js'

/** What an append removes at most while a changed configuration is applied: as many as came, and one of the backlog. */
const REMOVALS_BESIDE_SWEEP = 2

/** @throws StoreError when the stream discards new messages and this one does not fit */
export function assertFits(core: StoreCore, message: MessageView, size: number): void {
  const { config, contents } = core
  if (config.discard !== 'new') return
  const { maxMessages, maxBytes, maxMessagesPerSubject } = config
  let replacedBytes = -1
  if (maxMessagesPerSubject > 0) {
    const { subjectBytes, subjectOffset, subjectSize } = message
    const id = contents.subjects.find(subjectBytes, subjectOffset, subjectSize)
    if (id !== 0 && contents.subjects.countOf(id) >= maxMessagesPerSubject) {
      if (config.discardNewPerSubject && !isRollup(message)) {
        throw new StoreError('STORE_MAX_MESSAGES_PER_SUBJECT', 'maximum messages per subject exceeded')
      }
      if (!config.discardNewPerSubject) replacedBytes = sizeOfFirst(core, id)
    }
  }
  if (maxMessages > 0 && contents.messageCount >= maxMessages && replacedBytes < 0) {
    throw new StoreError('STORE_MAX_MESSAGES', 'maximum messages exceeded')
  }
  if (maxBytes > 0 && contents.byteCount + size > maxBytes && replacedBytes < size) {
    throw new StoreError('STORE_MAX_BYTES', 'maximum bytes exceeded')
  }
}

/** After an append: the subject's limit, then messages, then bytes. */
export function enforceAfterAppend(core: StoreCore, sequence: number): void {
  const { config, contents } = core
  const most = core.sweeps.areUnderWay ? REMOVALS_BESIDE_SWEEP : Infinity
  if (config.maxMessagesPerSubject > 0) enforceSubjectOf(core, sequence, config.maxMessagesPerSubject, most)
  const isOver = config.maxMessages > 0 && contents.messageCount > config.maxMessages
  const isHeavy = config.maxBytes > 0 && contents.byteCount > config.maxBytes
  if ((isOver || isHeavy) && !isLeftToSweep(core, () => contents.blocks.find(contents.firstSequence))) enforceTotals(core, config, most)
}

/** What lies in a block that would have to be read is left to the sweep, which reads aside. */
function isLeftToSweep(core: StoreCore, holder: () => Block | undefined): boolean {
  if (!core.sweeps.areUnderWay || !core.sweeps.takesAll) return false
  const block = holder()
  const isLeft = block !== undefined && block.loaded === undefined
  if (isLeft) core.sweeps.hasBeenLeft = true
  return isLeft
}

/** All limits, after a change of the configuration or a recovery. */
export function enforceAll(core: StoreCore, config: StreamConfig): void {
  enforceTotals(core, config)
  const { subjects } = core.contents
  const limit = config.maxMessagesPerSubject
  if (limit <= 0) return
  for (let id = 1; id < subjects.idEnd; id++) if (subjects.isLive(id)) enforceSubject(core, id, limit)
}

function enforceSubjectOf(core: StoreCore, sequence: number, limit: number, most: number): void {
  const { subjects } = core.contents
  const id = core.appendedId
  if (subjects.countOf(id) <= limit || subjects.lastOf(id) !== sequence) return
  enforceSubject(core, id, limit, most)
}

function enforceSubject(core: StoreCore, id: number, limit: number, most = Infinity): void {
  const { subjects } = core.contents
  for (let left = most; left > 0 && subjects.countOf(id) > limit; left--) {
    if (most < Infinity && isLeftToSweep(core, () => core.finder.firstBlockOf(id))) return
    const first = core.finder.firstOf(id)
    if (first === 0 || !core.remove(first, 'limit', false)) return
  }
}

/** Messages, then bytes, front to back, `most` at most. True when more is left. */
export function enforceTotals(core: StoreCore, config: StreamConfig, most = Infinity): boolean {
  if (config.discard !== 'old') return false
  const { contents } = core
  const { maxMessages, maxBytes } = config
  for (let left = most; contents.messageCount > 0; left--) {
    const isOver = maxMessages > 0 && contents.messageCount > maxMessages
    const isHeavy = maxBytes > 0 && contents.byteCount > maxBytes
    if (!isOver && !isHeavy) return false
    if (left === 0) return true
    const first = contents.firstSequence
    // Loading may show that the first message is lost: then another one is first now.
    if (!core.remove(first, 'limit', false) && contents.firstSequence === first) return false
  }
  return false
}

function sizeOfFirst(core: StoreCore, id: number): number {
  const first = core.finder.firstOf(id)
  if (first === 0) return -1
  const block = core.contents.blocks.find(first)
  if (block === undefined) return 0
  const loaded = core.loader.arraysOf(block)
  const index = loaded.indexOf(first)
  return index < 0 || loaded.ids[index] === 0 ? 0 : (loaded.sizes[index] as number)
}

function isRollup(message: MessageView): boolean {
  const { bodyBytes, bodyOffset, headerSize } = message
  return headerSize > 0 && rollupScopeOf(bodyBytes, bodyOffset, headerSize) !== undefined
}
