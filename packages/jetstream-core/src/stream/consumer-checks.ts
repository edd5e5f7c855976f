/**
 * The checks of a consumer that need the stream and its other consumers (jetstream-api.md section 16.2): how many
 * there may be, and that consumers of a work queue do not share messages. The configurations are complete and have
 * passed their own rules.
 */
import { collides, type ConsumerConfig } from '@rivulet/store-types'
import { apiError } from '../errors/api-error.js'
import type { Stream } from './stream.js'

const CONSUMERS_MAX_DEFAULT = 1000

/** @throws ApiError 10026 when one more consumer is too many */
export function checkConsumerCount(stream: Stream): void {
  const account = stream.account
  const serverDefault = account.engine.options.limits.defaultMaxConsumers ?? CONSUMERS_MAX_DEFAULT
  const accountMax = account.limits.maxConsumers
  let max = stream.config.maxConsumers
  if (max <= 0 || (accountMax > 0 && accountMax < max)) max = accountMax
  if (max <= 0) max = serverDefault
  if (max > 0 && countPublic(stream) >= max) throw apiError('JSMaximumConsumersLimitErr')
}

/**
 * A new consumer of a work queue.
 * @throws ApiError 10098, 10099, 10100, 10101
 */
export function checkWorkQueueConsumer(stream: Stream, name: string, config: ConsumerConfig): void {
  if (stream.config.retention !== 'workqueue' || config.direct || config.sourcing) return
  if (config.ackPolicy !== 'explicit' && config.ackPolicy !== 'flow_control') {
    throw apiError('JSConsumerWQRequiresExplicitAckErr')
  }
  if (config.deliverPolicy !== 'all') throw apiError('JSConsumerWQConsumerNotDeliverAllErr')
  checkWorkQueueFilters(stream, name, config)
}

/**
 * A changed consumer of a work queue. The reference looks only at filters that are given; one that is taken away
 * would let two consumers share messages, so it is checked here too.
 * @throws ApiError 10099, 10100
 */
export function checkWorkQueueFilters(stream: Stream, name: string, config: ConsumerConfig): void {
  if (stream.config.retention !== 'workqueue' || config.direct || config.sourcing) return
  const filters = filtersOf(config)
  for (const other of stream.consumers.values()) {
    if (other.name === name || other.config.direct || other.config.sourcing) continue
    if (filters.length === 0) throw apiError('JSConsumerWQMultipleUnfilteredErr')
    const others = filtersOf(other.config)
    const isShared = others.length === 0 || others.some((theirs) => filters.some((ours) => collides(ours, theirs)))
    if (isShared) throw apiError('JSConsumerWQConsumerNotUniqueErr')
  }
}

/** Consumers that count: those of mirrors and sources do not. */
export function countPublic(stream: Stream): number {
  let count = 0
  for (const consumer of stream.consumers.values()) if (!consumer.config.direct && !consumer.config.sourcing) count++
  return count
}

/** Filters of a consumer (text); empty: everything. */
export function filtersOf(config: ConsumerConfig): readonly string[] {
  if (config.filterSubjects !== undefined && config.filterSubjects.length > 0) return config.filterSubjects
  return config.filterSubject === undefined || config.filterSubject === '' ? [] : [config.filterSubject]
}
