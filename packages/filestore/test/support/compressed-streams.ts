/** Streams in small blocks of text that compresses well, on a simulated disk, in every form a block can have. */
import {
  ManualTurns,
  StoredMessage,
  VirtualClock,
  completeStreamConfig,
  messageOf,
  type CompressionKind,
  type DamageReport,
  type StreamConfig,
  type StreamStore,
} from '@rivulet/store-types'
import type { CipherKind } from '../../src/cipher/ciphers.js'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { FileStreamStore } from '../../src/file-store.js'
import { loadLz4Napi, type Lz4Codec, type Lz4Loader } from '../../src/lz4/lz4-library.js'
import { compressionOf } from '../../src/s2/compressed-block.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { fileStorage } from '../../src/storage.js'
import { StoreGroup } from '../../src/store-group.js'
import { runUntil, settle } from './settle.js'

export const BLOCKS = '/js/$G/streams/S/msgs'
const PASSES = 5
const kernel = createTypeScriptHashKernel()
export const payloadOf = (i: number) => `{"number":${i},"text":"${'again and '.repeat(10)}"}`
export const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1)
export const lackingLz4: Lz4Loader = () => {
  throw new Error("Cannot find module 'lz4-napi'")
}

export type Surroundings = {
  disk?: SimulatedDisk
  cipher?: CipherKind | undefined
  lz4?: Lz4Loader
  blockBytes?: number
}

export function setUp({ disk = new SimulatedDisk(), cipher, lz4 = loadLz4Napi, blockBytes = 4000 }: Surroundings = {}) {
  const clock = new VirtualClock()
  const turns = new ManualTurns()
  const onThreads = new Set<Promise<unknown>>()
  const group = new StoreGroup({ clock, kernel, lz4: () => noting(lz4(), onThreads) })
  const encryption = cipher === undefined ? {} : { encryption: { key: 'k', cipher } }
  const warnings: string[] = []
  const drop = () => {}
  const warn = (first: object | string, second?: string) => void warnings.push(second ?? String(first))
  const logger = { fatal: warn, error: warn, warn, info: drop, debug: drop, trace: drop }
  const storage = fileStorage({
    directory: '/js/$G',
    clock,
    turns,
    fileSystem: disk,
    group,
    blockBytes,
    logger,
    ...encryption,
  })
  const run = <T>(promise: Promise<T>) => runUntil(turns, promise)
  /** Time enough for what a store does on its own; work on other threads is waited for. */
  const rest = async () => {
    for (let i = 0; i < PASSES; i++) {
      clock.advance(100, () => turns.run())
      await settle(turns)
      while (onThreads.size > 0) {
        await Promise.all(onThreads)
        await settle(turns)
      }
    }
  }
  return {
    disk,
    run,
    storage,
    warnings,
    rest,
    create: async (compression: CompressionKind, more: Partial<StreamConfig> = {}) => {
      const config = completeStreamConfig({ name: 'S', subjects: ['s'], compression, ...more })
      return fileStore(await run(storage.create(config, 1n)))
    },
    reopen: async () => fileStore(await run((await run(storage.recover()))[0]!.open())),
    /** Waits for what only time ends. */
    through: async <T>(promise: Promise<T>): Promise<T> => {
      let isDone = false
      const done = promise.finally(() => (isDone = true))
      done.catch(() => {})
      while (!isDone) await rest()
      return done
    },
    /** The form of each block's file, as it lies on an unencrypted disk. */
    forms: () => blockFiles(disk).map(({ bytes }) => compressionOf(bytes)),
  }
}

/** What a storage of files opens. */
function fileStore(store: StreamStore): FileStreamStore {
  if (store instanceof FileStreamStore) return store
  throw new Error('the storage opened another store')
}

function noting({ compressFrame, decompressFrame }: Lz4Codec, running: Set<Promise<unknown>>): Lz4Codec {
  return {
    decompressFrame,
    compressFrame: (bytes) => {
      const work = compressFrame(bytes).finally(() => running.delete(work))
      running.add(work)
      return work
    },
  }
}

export function blockFiles(disk: SimulatedDisk): { index: number; path: string; bytes: Buffer }[] {
  const found = [...disk.files()].filter(([path]) => path.startsWith(BLOCKS) && path.endsWith('.blk'))
  const files = found.map(([path, bytes]) => ({
    index: Number.parseInt(path.slice(BLOCKS.length + 1), 10),
    path,
    bytes: Buffer.from(bytes),
  }))
  return files.sort((a, b) => a.index - b.index)
}

export function append(store: StreamStore, from: number, to: number): void {
  for (let i = from; i <= to; i++) store.append(messageOf({ subject: 's', payload: payloadOf(i) }), 0)
}

/** Sequences that load with what was stored. */
export function readable(store: StreamStore): number[] {
  const message = new StoredMessage()
  const found: number[] = []
  for (let i = 1; i <= store.lastSequence; i++) {
    if (store.load(i, message) && message.payload().toString() === payloadOf(i)) found.push(i)
  }
  return found
}

export function watchDamage(store: StreamStore): DamageReport[] {
  const reports: DamageReport[] = []
  const drop = () => {}
  store.listener = { committed: drop, failed: drop, expired: drop, damaged: (report) => void reports.push(report) }
  return reports
}
