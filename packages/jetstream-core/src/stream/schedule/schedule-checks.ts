/**
 * The checks of schedule headers on a publish (jetstream-api.md section 15.2), number 10 of publish-checks.ts. Messages
 * without such headers cost four look-ups.
 */
import {
  collides,
  isLiteral,
  isValidSubject,
  nextFiring,
  SubjectFilter,
  wireOf,
  type MessageView,
  type StoredMessage,
  type StreamConfig,
} from '@rivulet/store-types'
import { apiError, type ApiError } from '../../errors/api-error.js'
import { findHeader, HeaderValue } from '../../headers/header-block.js'
import { headerIndex, type PublishHeaders } from '../../headers/publish-headers.js'
import { parseMessageTtl } from '../message-ttl.js'
import { PURGE, zoneNamed } from './schedule-headers.js'

const ROLLUP = headerIndex('Nats-Rollup')
const SCHEDULE = headerIndex('Nats-Schedule')
const TIME_ZONE = headerIndex('Nats-Schedule-Time-Zone')
const TTL = headerIndex('Nats-Schedule-TTL')
const SCHEDULE_ROLLUP = headerIndex('Nats-Schedule-Rollup')
const TARGET = headerIndex('Nats-Schedule-Target')
const SOURCE = headerIndex('Nats-Schedule-Source')
const NEXT = headerIndex('Nats-Schedule-Next')
const SCHEDULER = headerIndex('Nats-Scheduler')
const SCHEDULE_NAME = Buffer.from('Nats-Schedule', 'latin1')

/** What the checks need of a stream. */
export interface ScheduleSurroundings {
  readonly config: StreamConfig
  /** ns */
  nowNanos(): bigint
  /** Newest live sequence that matches, 0 when none. */
  lastMatch(filter: SubjectFilter, target: StoredMessage): number
}

/**
 * 'schedule': the message is a schedule, and all is well with it; undefined: it is none, and may be stored too.
 * `stored` is work space.
 */
export function checkSchedule(
  message: MessageView,
  headers: PublishHeaders,
  stream: ScheduleSurroundings,
  stored: StoredMessage,
): ApiError | 'schedule' | undefined {
  const isOn = stream.config.allowMessageSchedules
  const pattern = checkPattern(headers, stream)
  if (pattern !== 'none' && !isOn) return apiError('JSMessageSchedulesDisabledErr')
  if (typeof pattern === 'object') return pattern
  const error = pattern === 'valid' ? checkParts(message, headers, stream.config) : undefined
  if (error !== undefined) return error
  return checkScheduler(message, headers, stream, stored) ?? (pattern === 'valid' ? 'schedule' : undefined)
}

function checkPattern(headers: PublishHeaders, stream: ScheduleSurroundings): ApiError | 'valid' | 'none' {
  const hasPattern = headers.has(SCHEDULE)
  const hasZone = headers.isPresent(TIME_ZONE)
  if (!hasPattern && !hasZone) return 'none'
  const zone = zoneNamed(hasZone ? headers.text(TIME_ZONE) : undefined)
  if (zone === 'unknown') return apiError('JSMessageSchedulesTimeZoneInvalidErr')
  if (!hasPattern) return 'none'
  const now = stream.nowNanos()
  if (nextFiring(headers.text(SCHEDULE), zone, now, now) === undefined) return apiError('JSMessageSchedulesPatternInvalidErr')
  return 'valid'
}

function checkParts(message: MessageView, headers: PublishHeaders, config: StreamConfig): ApiError | undefined {
  if (headers.has(TTL) && (parseMessageTtl(headers.text(TTL)) ?? 0) === 0) return apiError('JSMessageSchedulesTTLInvalidErr')
  if (headers.has(SCHEDULE_ROLLUP) && headers.text(SCHEDULE_ROLLUP) !== 'sub') {
    return apiError('JSMessageSchedulesRollupInvalidErr')
  }
  if (headers.has(TTL) && !config.allowMessageTtl) return apiError('JSMessageTTLDisabledErr')
  const subject = message.subject()
  const target = headers.text(TARGET)
  const isTarget = isPublishSubject(target) && target !== subject
  if (!isTarget) return apiError('JSMessageSchedulesTargetInvalidErr')
  const source = headers.text(SOURCE)
  const isSource = source === '' || (isPublishSubject(source) && source !== subject && source !== target)
  if (!isSource) return apiError('JSMessageSchedulesSourceInvalidErr')
  if (!isInside(config, target)) return apiError('JSMessageSchedulesTargetInvalidErr')
  if (source !== '' && !isInside(config, source)) return apiError('JSMessageSchedulesSourceInvalidErr')
  const isRollup = !headers.has(ROLLUP) || headers.text(ROLLUP).toLowerCase() === 'sub'
  return isRollup ? undefined : apiError('JSMessageSchedulesRollupInvalidErr')
}

/** Clients name a scheduler only to cancel its schedule. */
function checkScheduler(
  message: MessageView,
  headers: PublishHeaders,
  stream: ScheduleSurroundings,
  stored: StoredMessage,
): ApiError | undefined {
  const hasNext = headers.has(NEXT)
  if (!hasNext && !headers.has(SCHEDULER)) return undefined
  const scheduler = headers.text(SCHEDULER)
  const isCancel = hasNext && headers.text(NEXT) === PURGE && isPublishSubject(scheduler) && scheduler !== message.subject()
  if (!isCancel) return apiError('JSMessageSchedulesSchedulerInvalidErr')
  if (!stream.config.allowMessageSchedules) return apiError('JSMessageSchedulesDisabledErr')
  if (stream.lastMatch(SubjectFilter.of(scheduler), stored) === 0 || isScheduleMessage(stored)) return undefined
  return apiError('JSMessageSchedulesSchedulerInvalidErr')
}

function isScheduleMessage({ bodyBytes, bodyOffset, headerSize }: StoredMessage): boolean {
  const value = new HeaderValue()
  return findHeader(bodyBytes, bodyOffset, headerSize, SCHEDULE_NAME, value) && value.size > 0
}

function isPublishSubject(subject: string): boolean {
  return isValidSubject(subject) && isLiteral(subject)
}

/** `subject` is wire text, those of configurations are text. */
function isInside(config: StreamConfig, subject: string): boolean {
  return config.subjects.some((own) => collides(wireOf(own), subject))
}
