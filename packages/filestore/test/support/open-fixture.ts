/** Opens a fixture's directory with our store, on a simulated disk. */
import {
  ManualTurns,
  VirtualClock,
  messageOf,
  type DamageReport,
  type RecoveredStream,
  type StreamStore,
} from '@rivulet/store-types'
import type { EncryptionOptions } from '../../src/cipher/key-ring.js'
import type { SimulatedDisk } from '../../src/simulation.js'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import { fileStorage } from '../../src/storage.js'
import { StoreGroup } from '../../src/store-group.js'
import { fixtureDisk, readExpected } from './fixture.js'
import { runUntil } from './settle.js'

export type OpenedStream = Readonly<{
  store: StreamStore
  created: bigint
  problem: string | undefined
  recovered: RecoveredStream
}>

/** @param encryption instead of that of the server that wrote it */
export async function openFixture(name: string, disk: SimulatedDisk = fixtureDisk(name), encryption = encryptionOf(name)) {
  const expected = readExpected(name)
  const turns = new ManualTurns()
  // The archives were made late in 2026; "now" is later, and nothing in them ages within years.
  const clock = new VirtualClock(1_800_000_000_000_000_000n)
  const group = new StoreGroup({ clock, kernel: createHashKernel({ memoryBytes: 16 << 20 }) })
  const streams = new Map<string, OpenedStream>()
  const storages = disk.list('/jetstream').map((account) => ({
    account,
    storage: fileStorage({ directory: `/jetstream/${account}`, clock, turns, fileSystem: disk, group, ...(encryption && { encryption }) }),
  }))
  const damage: DamageReport[] = []
  for (const { account, storage } of storages) {
    for (const recovered of await runUntil(turns, storage.recover())) {
      const store = await runUntil(turns, recovered.open())
      streams.set(`${account}/${recovered.name}`, { store, created: recovered.created, problem: recovered.problem, recovered })
    }
  }
  return {
    disk,
    clock,
    turns,
    streams,
    damage,
    expected,
    append: (store: StreamStore, subject: string, payload: string) => store.append(messageOf({ subject, payload }), 0),
    close: async () => {
      for (const { storage } of storages) await runUntil(turns, storage.close())
      group.close()
    },
  }
}

/** What the server that wrote the fixture was configured with. */
export function encryptionOf(name: string): EncryptionOptions | undefined {
  const { key, cipher } = readExpected(name).jetstream
  return key === undefined ? undefined : { key, cipher: cipher === 'aes' ? 'aes' : 'chacha' }
}
