import { expect, test } from 'vitest'
import { ManualTurns, seededRandom, silentLogger, VirtualClock, type StreamConfig, type StreamStorage, type StreamStore } from '@rivulet/store-types'
import { Account } from '@rivulet/accounts'
import { memoryStorage } from '@rivulet/memstore'
import { JetStream } from '../../src/engine/jet-stream.js'
import { RESTORE_MARK } from '../../src/archive/restore-mark.js'
import { Engine } from '../consumer/support/engine.js'

/** Storage that survives the engine that uses it, as a disk does. */
class LastingStorage implements StreamStorage {
  readonly kind = 'file'
  readonly clock = new VirtualClock()
  readonly turns = new ManualTurns()
  readonly #memory = memoryStorage({ clock: this.clock, turns: this.turns, logger: silentLogger })
  readonly #found = new Map<string, { config: StreamConfig; created: bigint; store: StreamStore }>()

  async create(config: StreamConfig, created: bigint): Promise<StreamStore> {
    const store = await this.#memory.create(config, created)
    const found = { config, created, store }
    this.#found.set(config.name, found)
    const { updateConfig } = store
    store.updateConfig = async (next) => {
      found.config = next
      return updateConfig.call(store, next)
    }
    const remove = store.delete
    store.delete = async () => {
      this.#found.delete(config.name)
      return remove.call(store)
    }
    return store
  }

  async recover() {
    return [...this.#found].map(([name, { config, created, store }]) => {
      return { name, config, created, problem: undefined, open: async () => store }
    })
  }

  async start(): Promise<JetStream> {
    const { clock, turns } = this
    const engine = new JetStream({
      clock,
      turns,
      logger: silentLogger,
      random: seededRandom(1),
      serverName: 'S1',
      serverId: 'ID',
      version: '2.15.2',
      strict: true,
      limits: { maxMemory: 2 ** 40, maxStorage: 2 ** 40 },
      storage: (_account, kind) => (kind === 'file' ? this : memoryStorage({ clock, turns, logger: silentLogger })),
    })
    await engine.enableAccount(new Account('A', seededRandom(1)))
    return engine
  }
}

test('what an interrupted restore left is removed when the server starts, and its name is free', async () => {
  const storage = new LastingStorage()
  const account = (await storage.start()).accounts.get('A')
  const { stream } = (await account?.createStream({ name: 'WHOLE' }, { pedantic: false })) ?? {}
  const config = { ...(stream?.config as StreamConfig), name: 'PART', metadata: { [RESTORE_MARK]: 'true' } }
  await storage.create(config, 1n)

  const again = (await storage.start()).accounts.get('A')

  expect([...(again?.streams.keys() ?? [])]).toEqual(['WHOLE'])
  expect([...(again?.offline.keys() ?? [])]).toEqual([])
  expect((await storage.recover()).map((found) => found.name)).toEqual(['WHOLE'])
})

test('clients can not mark a stream as one that is being restored', async () => {
  const engine = await Engine.start()

  const stream = await engine.stream({ metadata: { [RESTORE_MARK]: 'true', mine: 'kept' } })

  expect(stream.config.metadata).toEqual({ 'mine': 'kept', '_nats.req.level': '0' })
})
