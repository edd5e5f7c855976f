/** Consumers in archives: read, judged as if a client asked for them, and opened where they had stopped. */
import {
  completeConsumerConfig,
  consumerConfigFromJson,
  consumerStateFromJson,
  isJsonObject,
  parseJson,
  type ConsumerConfig,
  type ConsumerState,
} from '@rivulet/store-types'
import { Consumer } from '../consumer/consumer.js'
import { withDefaults, withInactiveThreshold } from '../consumer/config-defaults.js'
import { checkConsumerConfig } from '../consumer/config-rules.js'
import { checkWorkQueueConsumer } from '../stream/consumer-checks.js'
import { isAssetName } from '../stream/config/rule-context.js'
import type { Stream } from '../stream/stream.js'
import { ArchiveError } from './archive-entry.js'

export type ArchivedConsumer = Readonly<{ name: string; config: ConsumerConfig; state: ConsumerState }>

/** @throws ArchiveError */
export function readConsumer(name: string, json: Buffer): ArchivedConsumer {
  if (!isAssetName(name)) throw new ArchiveError(`consumer name ${JSON.stringify(name)} is not valid`)
  try {
    const value = parseJson(json)
    const { config, state } = isJsonObject(value) ? value : {}
    if (!isJsonObject(config)) throw new ArchiveError(`consumer "${name}" is missing config`)
    if (!isJsonObject(state)) throw new ArchiveError(`consumer "${name}" is missing state`)
    return { name, config: consumerConfigFromJson(config, { strict: false }), state: consumerStateFromJson(state) }
  } catch (cause) {
    if (cause instanceof ArchiveError) throw cause
    const text = cause instanceof Error ? cause.message : String(cause)
    throw new ArchiveError(`failed to decode consumer "${name}" state: ${text}`, { cause })
  }
}

/** The stream holds its messages already. @throws ArchiveError */
export async function openArchivedConsumer(stream: Stream, archived: ArchivedConsumer): Promise<void> {
  const { name, state } = archived
  const { engine, limits: accountLimits } = stream.account
  try {
    const surroundings = { stream: stream.config, limits: engine.options.limits, accountLimits }
    const config = withDefaults(archived.config, surroundings, false)
    checkConsumerConfig(config, surroundings)
    checkWorkQueueConsumer(stream, name, config)
    const complete = withInactiveThreshold(completeConsumerConfig(config))
    const created = engine.options.clock.wallNanos()
    const store = await stream.store.openConsumer(name, created, complete)
    store.update(state, true)
    const consumer = new Consumer({ stream, name, created, config: complete, store })
    stream.addConsumer(consumer)
    consumer.start()
    await store.flush()
  } catch (cause) {
    const text = cause instanceof Error ? cause.message : String(cause)
    throw new ArchiveError(`failed to add consumer "${name}": ${text}`, { cause })
  }
}
