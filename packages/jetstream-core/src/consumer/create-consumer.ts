/**
 * Making a consumer, changing the one of that name, and finding those of an earlier run (jetstream-api.md sections
 * 8.1 and 16). The stream runs these one after another.
 */
import {
  completeConsumerConfig,
  type ConsumerConfig,
  type ConsumerConfigInput,
  type ConsumerStore,
} from '@rivulet/store-types'
import { ApiError, apiError } from '../errors/api-error.js'
import { uniqueToken } from '../identifiers.js'
import { comparableMetadata, isLevelSupported, requiredLevel, storedMetadata } from '../stream/config/asset-level.js'
import { checkConsumerCount, checkWorkQueueConsumer, checkWorkQueueFilters } from '../stream/consumer-checks.js'
import type { Stream } from '../stream/stream.js'
import { consumerLevel, withDefaults, withInactiveThreshold } from './config-defaults.js'
import { checkConsumerConfig, NAME_SIZE_MAX } from './config-rules.js'
import { Consumer } from './consumer.js'
import { sameConsumerConfig } from './update-rules.js'

const GENERATED_NAME_SIZE = 8

export type CreateConsumerOptions = Readonly<{
  /** '': make it or change it; 'create': only if there is none that differs; 'update': only if there is one */
  action: '' | 'create' | 'update'
  pedantic: boolean
}>

/** @throws ApiError of the first check that does not hold */
export async function createConsumer(
  stream: Stream,
  input: ConsumerConfigInput,
  { action, pedantic }: CreateConsumerOptions,
): Promise<Consumer> {
  const existing = stream.consumers.get(input.durableName || input.name || '')
  const metadata = storedMetadata(input.metadata, consumerLevel(withPauseOf(input, existing)))
  const surroundings = {
    stream: stream.config,
    limits: stream.account.engine.options.limits,
    accountLimits: stream.account.limits,
  }
  const config = withDefaults({ ...withPauseOf(input, existing), metadata }, surroundings, pedantic)
  checkConsumerConfig(config, surroundings)
  if (existing) return updateConsumer(existing, config, action)
  if (action === 'update') throw apiError('JSConsumerDoesNotExist')
  if (!config.direct && !config.sourcing) checkConsumerCount(stream)
  checkWorkQueueConsumer(stream, config.durableName || config.name || '', config)
  return addConsumer(stream, config)
}

/** Requests do not change a pause. */
function withPauseOf(input: ConsumerConfigInput, existing: Consumer | undefined): ConsumerConfigInput {
  if (!existing) return input
  const { pauseUntil: _ignored, ...rest } = input
  const { pauseUntil } = existing.config
  return pauseUntil === undefined ? rest : { ...rest, pauseUntil }
}

async function updateConsumer(
  existing: Consumer,
  config: ConsumerConfig,
  action: CreateConsumerOptions['action'],
): Promise<Consumer> {
  if (action === 'create') {
    const metadata = comparableMetadata(config.metadata, existing.config.metadata)
    if (!sameConsumerConfig({ ...config, metadata }, existing.config)) throw apiError('JSConsumerAlreadyExists')
  }
  checkWorkQueueFilters(existing.stream, existing.name, config)
  await existing.updateConfig(config)
  return existing
}

async function addConsumer(stream: Stream, config: ConsumerConfig): Promise<Consumer> {
  const nameSize = Buffer.byteLength(config.durableName ?? '', 'utf8')
  if (nameSize > NAME_SIZE_MAX) throw apiError('JSConsumerNameTooLongErrF', { max: NAME_SIZE_MAX })
  const { clock } = stream.account.engine.options
  const name = config.durableName || config.name || unusedName(stream)
  const complete = withInactiveThreshold(config) // a generated name is no part of the configuration
  const created = clock.wallNanos()
  const store = config.direct ? undefined : await openStore(stream, name, created, complete)
  if (stream.isClosed) {
    await store?.close()
    throw apiError('JSStreamNotFoundErr')
  }
  const consumer = new Consumer({ stream, name, created, config: complete, store })
  stream.addConsumer(consumer)
  consumer.start()
  consumer.announce()
  return consumer
}

function unusedName(stream: Stream): string {
  const { random } = stream.account.engine.options
  let name = uniqueToken(random, GENERATED_NAME_SIZE)
  while (stream.consumers.has(name)) name = uniqueToken(random, GENERATED_NAME_SIZE)
  return name
}

async function openStore(
  stream: Stream,
  name: string,
  created: bigint,
  config: ConsumerConfig,
): Promise<ConsumerStore> {
  try {
    return await stream.store.openConsumer(name, created, config)
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error)
    const place = `${stream.account.name} > ${stream.name} > ${name}`
    stream.account.engine.options.logger.warn(`Consumer create failed for '${place}': ${text}`)
    throw apiError('JSConsumerCreateErrF', { err: 'error creating store for consumer' }, { cause: error })
  }
}

/** Opens the consumers that the stream's store found. One that can not be opened is reported and left alone. */
export async function recoverConsumers(stream: Stream): Promise<void> {
  for (const { name, created, config } of stream.store.recoveredConsumers()) {
    const place = `${stream.account.name} > ${stream.name} > ${name}`
    const { logger } = stream.account.engine.options
    if (!isLevelSupported(config.metadata)) {
      logger.warn(`Consumer '${place}' is offline: unsupported - required API level: ${requiredLevel(config.metadata)}`)
      continue
    }
    try {
      const complete = withInactiveThreshold(completeConsumerConfig(config))
      const store = await stream.store.openConsumer(name, created, complete)
      const consumer = new Consumer({ stream, name, created, config: complete, store })
      stream.addConsumer(consumer)
      consumer.start()
    } catch (error) {
      const text = error instanceof ApiError || error instanceof Error ? error.message : String(error)
      logger.error(`Error recreating consumer '${place}': ${text}`)
    }
  }
}
