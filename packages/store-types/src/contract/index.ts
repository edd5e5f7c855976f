/**
 * The suite that every StreamStore must pass, for vitest:
 *
 *     describeStoreContract('memstore', (environment) => new Host(environment), { kind: 'memory', durable: false, sizeOf })
 */
import { describe } from 'vitest'
import { describeAppending } from './append-suite.js'
import { describeConsumers } from './consumer-suite.js'
import { describeDurability } from './durable-suite.js'
import { describeLimits } from './limit-suite.js'
import { describeModel } from './model-suite.js'
import { describeQueries } from './query-suite.js'
import { describeMessageState } from './message-state-suite.js'
import { describeRemoval } from './removal-suite.js'
import type { HostFactory, StoreAbilities } from './store-bench.js'

export { AFTER_CLOSE, ListenerRecord, STREAM_NAME, StoreBench, configOf } from './store-bench.js'
export type { HostFactory, Opening, StoreAbilities, StoreEnvironment, StoreHost } from './store-bench.js'
export { StoreModel, type ModelMessage } from './store-model.js'

/** `modelRuns`: random scripts of the model suite. @default 100 */
export function describeStoreContract(
  name: string,
  factory: HostFactory,
  abilities: StoreAbilities,
  options: { modelRuns?: number } = {},
): void {
  describe(`${name} keeps the store contract`, () => {
    describeAppending(factory, abilities)
    describeRemoval(factory, abilities)
    describeLimits(factory, abilities)
    describeQueries(factory, abilities)
    describeMessageState(factory, abilities)
    describeConsumers(factory, abilities)
    if (abilities.durable) describeDurability(factory, abilities)
    describeModel(factory, abilities, options.modelRuns ?? 100)
  })
}
