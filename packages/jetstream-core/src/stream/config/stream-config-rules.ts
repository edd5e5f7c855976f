/**
 * The rules of a stream's configuration (jetstream-api.md sections 10.1 and 10.2), in the reference's order, because
 * the first broken rule answers: names and texts; numbers and their defaults; duplicate window; features that
 * exclude each other; mirror and sources (source-rules.ts); subjects (subject-rules.ts); bytes of the account;
 * transform and republish; placement.
 *
 * Non-pedantic requests get silent corrections; the result is the effective configuration.
 */
import { completeStreamConfig, formatGoDuration, type StreamConfig, type StreamConfigInput } from '@rivulet/store-types'
import { apiError } from '../../errors/api-error.js'
import { invalidConfig, isAssetName, pedanticError, type RuleContext } from './rule-context.js'
import { checkMirror, checkSources, checkCycles } from './source-rules.js'
import { checkRepublish, checkSubjects, checkSubjectTransform } from './subject-rules.js'

const NAME_BYTES_MAX = 255
const DESCRIPTION_BYTES_MAX = 4096
const METADATA_BYTES_MAX = 128 * 1024
const REPLICAS_MAX = 5
const DUPLICATE_WINDOW_DEFAULT = 120_000_000_000n
const HUNDRED_MS = 100_000_000n
const SECOND = 1_000_000_000n

/** Fields under construction. */
export type Draft = { -readonly [K in keyof StreamConfig]: StreamConfig[K] }

/**
 * The effective configuration.
 * @throws ApiError of the first rule that does not hold
 */
export function checkStreamConfig(input: StreamConfigInput, context: RuleContext): StreamConfig {
  checkTexts(input)
  checkReplicas(input)
  checkCounts(input, context.pedantic)
  const draft: Draft = {
    ...completeStreamConfig(input),
    subjects: input.subjects ?? [],
    duplicateWindow: input.duplicateWindow ?? 0n,
  }
  checkMaxAge(draft)
  checkDuplicateWindow(draft, context)
  if (draft.denyPurge && draft.allowRollup) throw invalidConfig('roll-ups require the purge permission')
  checkCounter(draft)
  checkDiscardNewPerSubject(draft)
  checkMarkers(draft, context.pedantic)
  checkSchedules(draft, context.pedantic)
  checkPersistMode(draft)
  checkMirror(draft, context)
  checkSources(draft, context)
  checkCycles(draft, context)
  checkSubjects(draft)
  checkAccountBytes(draft, context)
  checkSubjectTransform(draft, context)
  checkRepublish(draft, context)
  checkPlacement(draft)
  return draft
}

/** Bytes of UTF-8. */
function byteSize(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}

function checkTexts(input: StreamConfigInput): void {
  const name = input.name ?? ''
  if (!isAssetName(name)) {
    throw invalidConfig("stream name is required and can not contain '.', '*', '>', '\\', '/'")
  }
  if (byteSize(name) > NAME_BYTES_MAX) {
    throw invalidConfig(`stream name is too long, maximum allowed is ${NAME_BYTES_MAX}`)
  }
  if (byteSize(input.description ?? '') > DESCRIPTION_BYTES_MAX) {
    throw invalidConfig(`stream description is too long, maximum allowed is ${DESCRIPTION_BYTES_MAX}`)
  }
  let metadataBytes = 0
  for (const [key, value] of Object.entries(input.metadata ?? {})) metadataBytes += byteSize(key) + byteSize(value)
  if (metadataBytes > METADATA_BYTES_MAX) {
    throw invalidConfig(`stream metadata exceeds maximum size of ${METADATA_BYTES_MAX} bytes`)
  }
}

function checkReplicas(input: StreamConfigInput): void {
  const replicas = input.replicas ?? 0
  if (replicas > REPLICAS_MAX) throw invalidConfig(`maximum replicas is ${REPLICAS_MAX}`)
  if (replicas < 0) throw apiError('JSReplicasCountCannotBeNegative')
}

/** 0 and everything below -1 mean unlimited; pedantic requests have to say -1. */
function checkCounts(input: StreamConfigInput, pedantic: boolean): void {
  if (!pedantic) return
  const counts: readonly (readonly [string, number | undefined])[] = [
    ['max_msgs', input.maxMessages],
    ['max_msgs_per_subject', input.maxMessagesPerSubject],
    ['max_bytes', input.maxBytes],
    ['max_msg_size', input.maxMessageSize],
    ['max_consumers', input.maxConsumers],
  ]
  for (const [name, value] of counts) {
    if (value !== undefined && value < -1) throw pedanticError(`${name} must be set to -1`)
  }
}

function checkMaxAge(draft: Draft): void {
  if (draft.maxAge < 0n) throw invalidConfig('max age can not be negative')
  if (draft.maxAge !== 0n && draft.maxAge < HUNDRED_MS) throw invalidConfig('max age needs to be >= 100ms')
}

function checkDuplicateWindow(draft: Draft, context: RuleContext): void {
  const ceiling = context.limits.duplicateWindow ?? 0n
  const isFed = draft.mirror !== undefined || (draft.sources?.length ?? 0) > 0
  if (draft.duplicateWindow === 0n && !isFed) {
    let window = DUPLICATE_WINDOW_DEFAULT
    if (ceiling > 0n && window > ceiling) {
      if (context.pedantic) throw pedanticError('duplicate window limits are higher than current limits')
      window = ceiling
    }
    if (draft.maxAge !== 0n && draft.maxAge < window) {
      if (context.pedantic) throw pedanticError('duplicate window cannot be bigger than max age')
      window = draft.maxAge
    }
    draft.duplicateWindow = window
  }
  const window = draft.duplicateWindow
  if (window < 0n) throw invalidConfig('duplicates window can not be negative')
  if (draft.maxAge !== 0n && window > draft.maxAge) {
    throw invalidConfig('duplicates window can not be larger then max age')
  }
  if (ceiling > 0n && window > ceiling) {
    throw invalidConfig(`duplicates window can not be larger then server limit of ${formatGoDuration(ceiling)}`)
  }
  if (window > 0n && window < HUNDRED_MS) throw invalidConfig('duplicates window needs to be >= 100ms')
}

function checkCounter(draft: Draft): void {
  if (!draft.allowMessageCounter) return
  if (draft.discard === 'new') throw invalidConfig('counter stream cannot use discard new')
  if (draft.allowMessageTtl) throw invalidConfig('counter stream cannot use message TTLs')
  if (draft.allowMessageSchedules) throw invalidConfig('counter stream cannot use message schedules')
  if (draft.retention !== 'limits') throw invalidConfig('counter stream can only use limits retention')
}

export function checkDiscardNewPerSubject(config: StreamConfig): void {
  if (!config.discardNewPerSubject) return
  if (config.discard !== 'new') {
    throw invalidConfig('discard new per subject requires discard new policy to be set')
  }
  if (config.maxMessagesPerSubject <= 0) {
    throw invalidConfig('discard new per subject requires max msgs per subject > 0')
  }
}

function checkMarkers(draft: Draft, pedantic: boolean): void {
  const ttl = draft.subjectDeleteMarkerTtl
  if (ttl < 0n) throw invalidConfig('subject delete marker TTL must not be negative')
  if (ttl === 0n) return
  if (ttl < SECOND) throw invalidConfig('subject delete marker TTL must be at least 1 second')
  if (!draft.allowMessageTtl) {
    if (pedantic) throw invalidConfig('subject delete marker cannot be set if message TTLs are disabled')
    draft.allowMessageTtl = true
  }
  if (!draft.allowRollup) {
    if (pedantic) throw invalidConfig('subject delete marker cannot be set if roll-ups are disabled')
    allowRollup(draft)
  }
}

function checkSchedules(draft: Draft, pedantic: boolean): void {
  if (!draft.allowMessageSchedules) return
  if (draft.discard === 'new') throw invalidConfig('message scheduling cannot use discard new')
  if (draft.allowRollup) return
  if (pedantic) throw invalidConfig('message scheduling cannot be set if roll-ups are disabled')
  allowRollup(draft)
}

function allowRollup(draft: Draft): void {
  draft.allowRollup = true
  draft.denyPurge = false
}

function checkPersistMode(draft: Draft): void {
  if (draft.persistMode !== 'async') return
  if (draft.storage !== 'file') throw invalidConfig('async persist mode is only supported on file storage')
  if (draft.replicas > 1) throw invalidConfig('async persist mode is not supported on replicated streams')
  if (draft.allowAtomicPublish) throw invalidConfig('async persist mode is not supported with atomic batch publish')
}

function checkAccountBytes(draft: Draft, context: RuleContext): void {
  const limits = context.accountLimits
  const ceiling = draft.storage === 'memory' ? limits.memoryMaxStreamBytes : limits.storageMaxStreamBytes
  if (limits.maxBytesRequired && draft.maxBytes <= 0) throw apiError('JSStreamMaxBytesRequired')
  if (ceiling > 0 && draft.maxBytes > ceiling) throw apiError('JSStreamMaxStreamBytesExceeded')
}

function checkPlacement(draft: Draft): void {
  const placement = draft.placement
  if (placement === undefined) return
  if (placement.preferred !== undefined && placement.preferred !== '') {
    throw invalidConfig('preferred server not permitted in placement')
  }
  if ((placement.cluster ?? '') === '' && (placement.tags ?? []).length === 0) delete draft.placement
}
