/** A store on a simulated disk, driven by hand. */
import {
  ManualTurns,
  StoredMessage,
  SubjectFilter,
  VirtualClock,
  completeStreamConfig,
  messageOf,
  type DamageReport,
  type StreamConfig,
  type StreamStoreListener,
} from '@rivulet/store-types'
import { FileStreamStore } from '../../src/file-store.js'
import { createHashKernel } from '../../src/hash/create-hash-kernel.js'
import type { FileStoreOptions } from '../../src/options.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { StoreGroup } from '../../src/store-group.js'
import { keysOf, type OptionSet } from './option-sets.js'
import { runUntil, settle } from './settle.js'

export const DIRECTORY = '/data/streams/S'
const kernel = createHashKernel({ memoryBytes: 32 << 20 })

export type TestStore = Awaited<ReturnType<typeof openStore>>

export type TestStoreOptions = Partial<Pick<FileStoreOptions, 'blockBytes' | 'sync'>> & Pick<OptionSet, 'cipher'> & {
  disk?: SimulatedDisk
  clock?: VirtualClock
  group?: StoreGroup
  config?: Partial<StreamConfig>
}

export async function openStore(options: TestStoreOptions = {}) {
  const disk = options.disk ?? new SimulatedDisk()
  const clock = options.clock ?? new VirtualClock()
  const turns = new ManualTurns()
  const group = options.group ?? new StoreGroup({ clock, kernel })
  const config = completeStreamConfig({ name: 'S', subjects: ['>'], ...options.config })
  const events = { committed: [] as number[], expired: [] as number[], damaged: [] as DamageReport[], failed: [] as string[], warnings: [] as string[] }
  const keys = await runUntil(turns, keysOf(disk, options.cipher, { directory: DIRECTORY, streamName: 'S' }))
  const store = await runUntil(
    turns,
    FileStreamStore.open({
      fileSystem: disk,
      directory: DIRECTORY,
      config,
      created: 1n,
      clock,
      turns,
      group,
      logger: collector(events.warnings),
      keys,
      ...(options.blockBytes === undefined ? {} : { blockBytes: options.blockBytes }),
      ...(options.sync === undefined ? {} : { sync: options.sync }),
    }),
  )
  const listener: StreamStoreListener = {
    committed: (sequence) => events.committed.push(sequence),
    failed: (error) => events.failed.push(error.code),
    expired: (sequence) => events.expired.push(sequence),
    damaged: (report) => events.damaged.push(report),
  }
  store.listener = listener
  return {
    store,
    disk,
    clock,
    turns,
    config,
    group,
    events,
    append: (subject: string, payload: string | Uint8Array = '', headers?: string) =>
      store.append(messageOf({ subject, payload, ...(headers === undefined ? {} : { headers }) }), 0),
    contents: () => contentsOf(store),
    flush: () => runUntil(turns, store.flush()),
    /** Time enough for sealed blocks to be compressed. */
    rest: async () => {
      clock.advance(100, () => turns.run())
      await settle(turns)
    },
    close: () => runUntil(turns, store.close()),
    /** Closes and opens again on the same disk. */
    reopen: async (changes: TestStoreOptions = {}) => {
      await runUntil(turns, store.close())
      return openStore({ ...options, disk, clock, ...changes })
    },
    /** The process dies: what was written stays, nothing is closed. */
    kill: async (changes: TestStoreOptions = {}) => {
      disk.kill()
      return openStore({ ...options, disk, clock, ...changes })
    },
  }
}

function collector(warnings: string[]) {
  const drop = () => {}
  const warn = (first: object | string, second?: string) => void warnings.push(second ?? String(first))
  return { fatal: drop, error: warn, warn, info: drop, debug: drop, trace: drop }
}

/** `sequence:subject=payload` of every live message. */
export function contentsOf(store: FileStreamStore): string[] {
  const found: string[] = []
  const message = new StoredMessage()
  for (let from = 1; store.loadNext(SubjectFilter.all, from, message) !== 0; from = message.sequence + 1) {
    found.push(`${message.sequence}:${message.subject()}=${message.payload().toString('latin1')}`)
  }
  return found
}
