/** Looks at streams without changing anything: see report.ts for what it says. */
import { join, resolve } from 'node:path'
import type { FileSystem } from '@rivulet/store-types'
import { readFileIfPresent } from '../atomic-file.js'
import type { HashKernel } from '../hash/hash-kernel.js'
import type { Lz4Loader } from '../lz4/lz4-library.js'
import { LOCK_FILE_NAME } from '../file-system/process-lock.js'
import { AccountBench } from './account-bench.js'
import { inspectStream } from './inspect-stream.js'
import { OverlayFileSystem } from './overlay-file-system.js'
import { findAccounts, streamDirectoryIn, type AccountPlace } from './places.js'
import { worstOf, type DirectoryReport, type StreamReport } from './report.js'

export type DoctorOptions = Readonly<{
  fileSystem: FileSystem
  /** A store directory, its `jetstream`, an account's directory, or one stream's. */
  directory: string
  /** @default all accounts */
  account?: string | undefined
  /** @default all streams */
  stream?: string | undefined
  /** Of encrypted streams; the cipher is found out. @default none */
  key?: string | undefined
  /** Shared with whoever has one. @default one of its own */
  kernel?: HashKernel | undefined
  /** Where LZ4 comes from when a block needs it. @default the package lz4-napi */
  lz4?: Lz4Loader | undefined
}>

/**
 * Reads every block and small file of the streams and opens each in memory, as a server would. Writes
 * nothing. Holds one block at a time, beside what an open stream needs. A server that writes meanwhile
 * makes the answer unreliable.
 * @throws StoreError STORE_INVALID_OPTION when the directory holds no streams by its layout
 */
export async function verifyDirectory(options: DoctorOptions): Promise<DirectoryReport> {
  const streams: StreamReport[] = []
  const notes: string[] = []
  for (const place of findAccounts(options)) {
    const owner = readFileIfPresent(options.fileSystem, join(place.directory, LOCK_FILE_NAME))
    if (owner !== undefined) {
      notes.push(`${join(place.directory, LOCK_FILE_NAME)} names an owner, ${owner.toString('utf8')}: a server that runs changes what is read here`)
    }
    for await (const report of verifyAccount(options, place)) streams.push(report)
  }
  streams.sort((a, b) => compareText(a.account, b.account) || compareText(a.name, b.name))
  return { directory: resolve(options.directory), verdict: worstOf(streams.map((stream) => stream.verdict)), streams, notes }
}

/** The streams of one account, as they come. */
export async function* verifyAccount(options: DoctorOptions, place: AccountPlace): AsyncGenerator<StreamReport> {
  const overlay = new OverlayFileSystem(options.fileSystem, place.directory)
  const bench = new AccountBench(overlay, place.directory, options)
  try {
    for await (const { name, recovered } of bench.streams(place.streams)) {
      const directory = streamDirectoryIn(place.directory, name)
      // What recovering the account changed belongs to no stream; each is looked at as it lies on the disk.
      overlay.forget(directory)
      yield await inspectStream(bench, place.account, { name, directory, recovered })
      overlay.forget(directory)
    }
  } finally {
    bench.close()
  }
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
