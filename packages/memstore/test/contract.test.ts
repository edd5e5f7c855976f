import { MemoryStreamStore, memoryStorage } from '@rivulet/memstore'
import { describeStoreContract } from '@rivulet/store-types/contract'
import { describe, expect, it } from 'vitest'
import { ManualTurns, VirtualClock, completeStreamConfig } from '@rivulet/store-types'

describeStoreContract(
  'memstore',
  ({ clock, turns }) => ({ create: (config) => memoryStorage({ clock, turns }).create(config, 0n) }),
  {
    kind: 'memory',
    durable: false,
    messageTtl: true,
    sizeOf: (subjectSize, headerSize, payloadSize) => subjectSize + headerSize + payloadSize + 16,
  },
  { modelRuns: 300 },
)

describe('memoryStorage', () => {
  it('has nothing to recover and makes stores in memory', async () => {
    const storage = memoryStorage({ clock: new VirtualClock(), turns: new ManualTurns() })
    const store = await storage.create(completeStreamConfig({ name: 'S', storage: 'memory' }), 0n)

    expect(await storage.recover()).toEqual([])
    expect(store).toBeInstanceOf(MemoryStreamStore)
    await expect(store.updateConfig(completeStreamConfig({ name: 'S' }))).rejects.toMatchObject({ code: 'STORE_WRONG_TYPE' })
  })
})
