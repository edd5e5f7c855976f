/**
 * Requests recorded from nats-server 2.15.2 with its answers: the effective configuration, or the first rule that
 * does not hold. Each list is played in order, because later requests meet the streams of earlier ones.
 */
import { readFileSync } from 'node:fs'
import {
  decodeRequest,
  streamConfigRequestShape,
  streamConfigToJson,
  writeJson,
  type StreamConfig,
} from '@rivulet/store-types'
import { describe, expect, test } from 'vitest'
import { UNLIMITED_ACCOUNT } from '../../../src/engine/options.js'
import { ApiError, type ApiErrorJson } from '../../../src/errors/api-error.js'
import { storedMetadata, streamLevel } from '../../../src/stream/config/asset-level.js'
import { checkSourceFilters } from '../../../src/stream/config/source-rules.js'
import { checkStreamConfig } from '../../../src/stream/config/stream-config-rules.js'
import { checkStreamUpdate } from '../../../src/stream/config/update-rules.js'

type Step = Readonly<{ call: 'CREATE' | 'UPDATE'; body: string; config?: unknown; error?: ApiErrorJson }>
const text = readFileSync(new URL('./requests.json', import.meta.url), 'utf8')
const lists = JSON.parse(text) as Record<string, readonly Step[]>

class Streams {
  readonly #configs = new Map<string, StreamConfig>()

  /** What the rules answer to one request. */
  play(step: Step): unknown {
    try {
      const config = this.#check(step)
      this.#configs.set(config.name, config)
      const shown = { ...config, metadata: { ...config.metadata, '_nats.ver': '<version>', '_nats.level': '5' } }
      return { config: JSON.parse(writeJson(streamConfigToJson(shown))) as unknown }
    } catch (error) {
      if (error instanceof ApiError) return { error: error.toJson() }
      throw error
    }
  }

  #check(step: Step): StreamConfig {
    const { pedantic = false, ...input } = decodeRequest(streamConfigRequestShape, step.body, { strict: true })
    const limits = { maxMemory: Infinity, maxStorage: Infinity }
    const find = (name: string) => this.#configs.get(name)
    const context = { pedantic, limits, accountLimits: UNLIMITED_ACCOUNT, find, random: () => 0 }
    const withLevel = { ...input, metadata: storedMetadata(input.metadata, streamLevel(input)) }
    const config = checkStreamConfig(step.call === 'CREATE' ? withLevel : input, context)
    const previous = this.#configs.get(config.name)
    if (step.call === 'CREATE' || previous === undefined) {
      checkSourceFilters(config)
      return config
    }
    const metadata = storedMetadata(config.metadata, streamLevel(config))
    return checkStreamUpdate({ ...config, metadata }, previous)
  }
}

describe.each(Object.entries(lists))('%s', (_name, steps) => {
  const streams = new Streams()
  test.each(steps.map((step) => [`${step.call} ${step.body.slice(0, 150)}`, step] as const))('%s', (_title, step) => {
    const answer = streams.play(step)

    expect(answer).toEqual(step.error === undefined ? { config: step.config } : { error: step.error })
  })
})

test.each([
  [{ description: 'd'.repeat(4096) }, undefined],
  [{ description: 'd'.repeat(4097) }, 'stream description is too long, maximum allowed is 4096'],
  [{ metadata: { k: 'v'.repeat(131_071) } }, undefined],
  [{ metadata: { k: 'v'.repeat(131_072) } }, 'stream metadata exceeds maximum size of 131072 bytes'],
  [{ name: 'n'.repeat(256) }, 'stream name is too long, maximum allowed is 255'],
])('texts are held against their limits in bytes (%#)', (input, text) => {
  const limits = { maxMemory: Infinity, maxStorage: Infinity }
  const context = { pedantic: false, limits, accountLimits: UNLIMITED_ACCOUNT, find: () => undefined, random: () => 0 }
  const check = () => checkStreamConfig({ name: 'E', ...input }, context)

  if (text === undefined) expect(check).not.toThrow()
  else expect(check).toThrow(text)
})
