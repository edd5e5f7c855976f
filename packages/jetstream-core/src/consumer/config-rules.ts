/**
 * What a consumer's configuration must fulfil, in the order in which it is checked: the first fault met is the
 * error that clients see (jetstream-api.md sections 16.1 to 16.4).
 */
import {
  isLiteral,
  isSubset,
  isValidSubject,
  wireOf,
  type ConsumerConfig,
  type StreamConfig,
} from '@rivulet/store-types'
import { apiError } from '../errors/api-error.js'
import { formatDuration } from '../go-duration.js'
import { FLOW_CONTROL_HEARTBEAT, type ConsumerSurroundings } from './config-defaults.js'

export const NAME_SIZE_MAX = 255
const DESCRIPTION_SIZE_MAX = 4096
const METADATA_SIZE_MAX = 128 * 1024
const HEARTBEAT_MIN = 100_000_000n
const MAX_EXPIRES_MIN = 1_000_000n
const NAME_FAULT_PATTERN = /[ \t\r\n\f.*>\\/]/
const GROUP_PATTERN = /^[a-zA-Z0-9/_=-]{1,16}$/
const INTEGER_PATTERN = /^[+-]?\d+$/

/** Not empty, no white space, no wildcards, no separators. */
function isValidAssetName(name: string): boolean {
  return name !== '' && !NAME_FAULT_PATTERN.test(name)
}

/** The filters of a consumer, text; empty: everything. */
export function filtersOf(config: Pick<ConsumerConfig, 'filterSubject' | 'filterSubjects'>): readonly string[] {
  if (config.filterSubject) return [config.filterSubject]
  return config.filterSubjects ?? []
}

/** @throws ApiError: the first fault */
export function checkConsumerConfig(config: ConsumerConfig, surroundings: ConsumerSurroundings): void {
  const { stream } = surroundings
  checkNames(config)
  checkReplicas(config, stream)
  if (config.backoff?.some((wait) => wait < 0n)) throw apiError('JSConsumerBackOffNegativeErr')
  if (config.ackWait < 0n) throw apiError('JSConsumerAckWaitNegativeErr')
  checkAckFlowControl(config)
  const backoffCount = config.backoff?.length ?? 0
  if (backoffCount > 0 && config.maxDeliver !== -1 && backoffCount > config.maxDeliver) {
    throw apiError('JSConsumerMaxDeliverBackoffErr')
  }
  if (sizeOf(config.description ?? '') > DESCRIPTION_SIZE_MAX) {
    throw apiError('JSConsumerDescriptionTooLongErrF', { max: DESCRIPTION_SIZE_MAX })
  }
  if (config.deliverSubject !== undefined) checkPush(config, config.deliverSubject, stream)
  else checkPull(config, surroundings)
  checkLimits(config, surroundings)
  if (config.direct && config.deliverSubject === undefined) throw apiError('JSConsumerDirectRequiresPushErr')
  if (config.direct && config.durableName) throw apiError('JSConsumerDirectRequiresEphemeralErr')
  checkFilters(config)
  checkDeliverPolicy(config)
  checkSampling(config.sampleFrequency ?? '')
  if (config.flowControl && !config.idleHeartbeat) throw apiError('JSConsumerWithFlowControlNeedsHeartbeats')
  if (config.durableName && config.name && config.name !== config.durableName) {
    throw apiError('JSConsumerCreateDurableAndNameMismatch')
  }
  checkMetadata(config)
  checkPriority(config)
  if (stream.placement?.preferred) throw invalid('preferred server not permitted in placement')
}

function checkNames(config: ConsumerConfig): void {
  const rule = `can not contain '.', '*', '>', '\\', '/'`
  if (config.name && !isValidAssetName(config.name)) throw invalid(`consumer name ${rule}`)
  if (config.durableName && !isValidAssetName(config.durableName)) throw invalid(`consumer durable name ${rule}`)
}

function checkReplicas(config: ConsumerConfig, stream: StreamConfig): void {
  if (config.replicas > stream.replicas) throw apiError('JSConsumerReplicasExceedsStream')
  if (config.replicas < 0) throw apiError('JSReplicasCountCannotBeNegative')
  if (stream.retention !== 'limits' && config.replicas !== 0 && config.replicas !== stream.replicas) {
    throw apiError('JSConsumerReplicasShouldMatchStream')
  }
}

function checkAckFlowControl(config: ConsumerConfig): void {
  if (config.ackPolicy !== 'flow_control') return
  if (config.deliverSubject === undefined) throw apiError('JSConsumerAckFCRequiresPushErr')
  if (!config.flowControl) throw apiError('JSConsumerAckFCRequiresFCErr')
  if (config.idleHeartbeat !== FLOW_CONTROL_HEARTBEAT) throw invalid('flow control ack policy heartbeat needs to be 1s')
  if (config.maxAckPending <= 0) throw apiError('JSConsumerAckFCRequiresMaxAckPendingErr')
  if (config.ackWait !== 0n || (config.backoff?.length ?? 0) > 0) throw apiError('JSConsumerAckFCRequiresNoAckWaitErr')
  if (config.maxDeliver > 0) throw apiError('JSConsumerAckFCRequiresNoMaxDeliverErr')
}

function checkPush(config: ConsumerConfig, deliverSubject: string, stream: StreamConfig): void {
  const subject = wireOf(deliverSubject)
  if (!isLiteral(subject)) throw apiError('JSConsumerDeliverToWildcardsErr')
  if (!isValidSubject(subject)) throw apiError('JSConsumerInvalidDeliverSubject')
  const isCaptured = stream.subjects.some((captured) => isSubset(subject, wireOf(captured)))
  if (isCaptured) throw apiError('JSConsumerDeliverCycleErr')
  if (config.maxWaiting !== 0) throw apiError('JSConsumerPushMaxWaitingErr')
  const hasUselessLimit = config.maxAckPending > 0 && config.ackPolicy === 'none'
  if (hasUselessLimit) throw apiError('JSConsumerMaxPendingAckPolicyRequiredErr')
  const heartbeat = config.idleHeartbeat ?? 0n
  if (heartbeat > 0n && heartbeat < HEARTBEAT_MIN) throw apiError('JSConsumerSmallHeartbeatErr')
}

function checkPull(config: ConsumerConfig, { stream, limits }: ConsumerSurroundings): void {
  if (config.ackPolicy === 'none' && stream.retention === 'workqueue') throw apiError('JSConsumerPullRequiresAckErr')
  if ((config.rateLimitBitsPerSecond ?? 0) > 0) throw apiError('JSConsumerPullWithRateLimitErr')
  if ((config.idleHeartbeat ?? 0n) > 0n) throw apiError('JSConsumerHBRequiresPushErr')
  if (config.flowControl) throw apiError('JSConsumerFCRequiresPushErr')
  const maxExpires = config.maxExpires ?? 0n
  if (maxExpires !== 0n && maxExpires < MAX_EXPIRES_MIN) throw apiError('JSConsumerMaxRequestExpiresTooSmall')
  const limit = limits.maxRequestBatch ?? 0
  if (limit > 0 && (config.maxBatch ?? 0) > limit) throw apiError('JSConsumerMaxRequestBatchExceededF', { limit })
}

function checkLimits(config: ConsumerConfig, { stream, limits, accountLimits }: ConsumerSurroundings): void {
  const { maxAckPending = 0, inactiveThreshold = 0n } = stream.consumerLimits
  for (const limit of [limits.maxAckPending ?? 0, accountLimits.maxAckPending, maxAckPending]) {
    if (limit > 0 && config.maxAckPending > limit) throw apiError('JSConsumerMaxPendingAckExcessErrF', { limit })
  }
  if (inactiveThreshold > 0n && (config.inactiveThreshold ?? 0n) > inactiveThreshold) {
    throw apiError('JSConsumerInactiveThresholdExcess', { limit: formatDuration(inactiveThreshold) })
  }
}

function checkFilters(config: ConsumerConfig): void {
  const hasBoth = config.filterSubject && (config.filterSubjects?.length ?? 0) > 0
  if (hasBoth) throw apiError('JSConsumerDuplicateFilterSubjects')
  if (config.filterSubject && !isValidSubject(wireOf(config.filterSubject))) throw invalid('invalid subject')
  if (config.filterSubjects?.includes('')) throw apiError('JSConsumerEmptyFilter')
  const filters = filtersOf(config).map(wireOf)
  for (const [i, filter] of filters.entries()) {
    if (!isValidSubject(filter)) throw invalid('invalid subject')
    const isCovered = filters.some((other, j) => i !== j && isSubset(filter, other))
    if (isCovered) throw apiError('JSConsumerOverlappingSubjectFilters')
  }
}

function checkDeliverPolicy(config: ConsumerConfig): void {
  const hasSequence = (config.startSequence ?? 0) > 0
  const hasTime = config.startTime !== undefined
  const fail = (policy: string, rest: string): never => {
    throw apiError('JSConsumerInvalidPolicyErrF', { err: `consumer delivery policy is deliver ${policy}, but ${rest}` })
  }
  const refuseStart = (policy: string) => {
    if (hasSequence) fail(policy, 'optional start sequence is also set')
    if (hasTime) fail(policy, 'optional start time is also set')
  }
  switch (config.deliverPolicy) {
    case 'all':
    case 'last':
    case 'new':
      refuseStart(config.deliverPolicy)
      break
    case 'last_per_subject':
      refuseStart('last per subject')
      if (filtersOf(config).length === 0) fail('last per subject', 'optional filter subject is not set')
      break
    case 'by_start_sequence':
      if (!hasSequence) fail('by start sequence', 'optional start sequence is not set')
      if (hasTime) fail('by start sequence', 'optional start time is also set')
      break
    case 'by_start_time':
      if (!hasTime) fail('by start time', 'optional start time is not set')
      if (hasSequence) fail('by start time', 'optional start start sequence is also set')
      break
  }
}

/** Percent of acknowledgements that raise a metric: `30` or `30%`. @throws ApiError JSConsumerInvalidSamplingErrF */
function checkSampling(frequency: string): void {
  if (frequency === '') return
  const text = frequency.endsWith('%') ? frequency.slice(0, -1) : frequency
  const invalidSampling = (err: string) => apiError('JSConsumerInvalidSamplingErrF', { err })
  const isNumber = INTEGER_PATTERN.test(text)
  if (!isNumber) throw invalidSampling(`strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`)
  if (Number(text) < 0) throw invalidSampling('<nil>')
}

/** The percentage in `sample_freq`, 0 when there is none. */
export function samplingPercent(frequency: string | undefined): number {
  const percent = Number.parseInt(frequency ?? '', 10)
  return Number.isNaN(percent) ? 0 : percent
}

function checkMetadata(config: ConsumerConfig): void {
  let size = 0
  for (const [name, value] of Object.entries(config.metadata ?? {})) size += sizeOf(name) + sizeOf(value)
  const limit = `${METADATA_SIZE_MAX / 1024}KB`
  if (size > METADATA_SIZE_MAX) throw apiError('JSConsumerMetadataLengthErrF', { limit })
}

function checkPriority(config: ConsumerConfig): void {
  const groups = config.priorityGroups ?? []
  if (config.priorityPolicy === 'none') {
    if (groups.length > 0) throw apiError('JSConsumerPriorityGroupWithPolicyNone')
    if ((config.priorityTimeout ?? 0n) > 0n) throw apiError('JSConsumerPinnedTTLWithoutPriorityPolicyNone')
    return
  }
  if (config.deliverSubject !== undefined) throw apiError('JSConsumerPushWithPriorityGroupErr')
  if (groups.length === 0) throw apiError('JSConsumerPriorityPolicyWithoutGroup')
  for (const group of groups) {
    if (group === '') throw apiError('JSConsumerEmptyGroupName')
    if (!GROUP_PATTERN.test(group)) throw apiError('JSConsumerInvalidGroupNameErr')
  }
}

function invalid(text: string): Error {
  return apiError('JSStreamInvalidConfigF', { err: text })
}

function sizeOf(text: string): number {
  return Buffer.byteLength(text, 'utf8')
}
