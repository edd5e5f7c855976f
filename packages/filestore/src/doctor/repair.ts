/**
 * Rewrites what is broken in a stream's directory, after copying the directory aside.
 *
 *     block with damage      rewritten with its readable records, in their order
 *     block without any      moved to `damaged/` in the stream's directory, with its key
 *     meta.inf, meta.sum     written again, from what reads; else a configuration without subjects and limits
 *     consumer               its configuration the same way; a broken position goes to o.dat.broken, it starts over
 *     index.db               written anew from the blocks, with what the old one knew about removed messages
 *     purge, torn tail       finished or cut, as every opening does
 *
 * The work is the store's own opening (recovery/); here only blocks and configurations are made ready for it.
 */
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import {
  StoreError,
  consumerMetaFromJson,
  consumerMetaToJson,
  type RecoveredStream,
  type StreamStore,
} from '@rivulet/store-types'
import { Block } from '../block/block.js'
import type { BlockFiles } from '../block/block-files.js'
import { readRecordSize } from '../block/record.js'
import { rewriteBlockFile } from '../block/rewrite-block.js'
import { readMetaFiles, replaceMetaFiles } from '../meta/meta-files.js'
import { writeStreamMeta } from '../meta/stream-meta.js'
import { finishInterruptedPurge } from '../recovery/finish-purge.js'
import { makeStreamDirectories } from '../stream-directory.js'
import { AccountBench, touchAll, type StreamAccess } from './account-bench.js'
import { copyTree } from './copy-tree.js'
import { scanBlock } from './inspect-blocks.js'
import { consumerPlace } from './inspect-consumers.js'
import { readMeta } from './inspect-stream.js'
import { findAccounts, storeDirectoryOf, streamDirectoryIn, type AccountPlace } from './places.js'
import { worstOf, type StreamReport, type Verdict } from './report.js'
import { verifyAccount, type DoctorOptions } from './verify.js'

export type RepairOptions = DoctorOptions &
  Readonly<{
    /**
     * Where streams are copied before they are changed, as `<copyTo>/jetstream/<account>/streams/<name>`.
     * @default the first of `<store directory>.before-repair-1`, `-2`, ... that is not there
     */
    copyTo?: string | undefined
  }>

export type StreamRepair = Readonly<{
  before: StreamReport
  /** The stream's directory as it was; '' when nothing was changed. */
  copy: string
  /** What was done, as sentences. */
  actions: readonly string[]
  /** Why nothing was done, although the stream is not sound; '' otherwise. */
  refused: string
  after: StreamReport
}>

export type RepairReport = Readonly<{
  directory: string
  /** Of what is there now. */
  verdict: Verdict
  streams: readonly StreamRepair[]
}>

/**
 * Repairs the streams that are not sound. The others are not touched.
 * @throws StoreError STORE_LOCKED when a server has an account open. A nats-server does not tell: stop it first.
 */
export async function repairDirectory(options: RepairOptions): Promise<RepairReport> {
  const streams: StreamRepair[] = []
  const places = findAccounts(options)
  const [first] = places
  const copyTo = first === undefined ? '' : copyDirectory(options, first)
  for (const place of places) {
    const account = new AccountRepair(options, place, copyTo)
    streams.push(...(await account.run()))
  }
  const verdict = worstOf(streams.map(({ after }) => after.verdict))
  return { directory: resolve(options.directory), verdict, streams }
}

/** Outside of `jetstream`, where a server would take the copy for streams of its own. */
function copyDirectory(options: RepairOptions, place: AccountPlace): string {
  const { fileSystem, copyTo } = options
  const accounts = dirname(place.directory)
  if (copyTo !== undefined) {
    const inside = relative(accounts, resolve(copyTo))
    const isOutside = inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside)
    if (isOutside) return resolve(copyTo)
    throw new StoreError('STORE_INVALID_OPTION', `the copy must be outside of ${accounts}: a server would take it for streams`)
  }
  const store = storeDirectoryOf(place.directory)
  const base = dirname(store) === store ? join(store, 'jetstream') : store
  for (let n = 1; ; n++) {
    const name = `${base}.before-repair-${n}`
    if (fileSystem.stat(name) === undefined) return name
  }
}

class AccountRepair {
  readonly #options: RepairOptions
  readonly #place: AccountPlace
  readonly #copyTo: string

  constructor(options: RepairOptions, place: AccountPlace, copyTo: string) {
    this.#options = options
    this.#place = place
    this.#copyTo = copyTo
  }

  async run(): Promise<StreamRepair[]> {
    const repairs: StreamRepair[] = []
    const before = await this.#verify(this.#place.streams)
    const broken = [...before.values()].filter((report) => report.verdict !== 'sound')
    const refused = new Map(broken.flatMap((report) => (report.totals === null ? [[report.name, report] as const] : [])))
    for (const report of refused.values()) {
      const cause = report.problems.map((problem) => problem.cause).join('; ')
      repairs.push({ before: report, copy: '', actions: [], refused: cause, after: report })
    }
    const names = broken.flatMap(({ name }) => (refused.has(name) ? [] : [name]))
    if (names.length === 0) return repairs
    const done = await this.#repair(names)
    const after = await this.#verify(names)
    for (const name of names) {
      const { copy, actions } = done.get(name) ?? { copy: '', actions: [] }
      repairs.push({ before: before.get(name)!, copy, actions, refused: '', after: after.get(name)! })
    }
    return repairs
  }

  async #verify(streams: readonly string[]): Promise<Map<string, StreamReport>> {
    const reports = new Map<string, StreamReport>()
    for await (const report of verifyAccount(this.#options, { ...this.#place, streams })) reports.set(report.name, report)
    return reports
  }

  async #repair(names: readonly string[]): Promise<Map<string, { copy: string; actions: string[] }>> {
    const { directory } = this.#place
    const { fileSystem } = this.#options
    const done = new Map<string, { copy: string; actions: string[] }>()
    const bench = new AccountBench(fileSystem, directory, this.#options)
    try {
      for await (const { name, recovered } of bench.streams(names)) {
        if (recovered === undefined) continue
        const stream = streamDirectoryIn(directory, name)
        const copy = join(this.#copyTo, 'jetstream', this.#place.account, 'streams', name)
        await copyTree(fileSystem, stream, copy)
        const actions: string[] = []
        await repairStream(bench, { name, directory: stream, recovered }, actions)
        done.set(name, { copy, actions })
      }
    } finally {
      bench.close()
    }
    return done
  }
}

async function repairStream(
  bench: AccountBench,
  stream: Readonly<{ name: string; directory: string; recovered: RecoveredStream }>,
  actions: string[],
): Promise<void> {
  const { name, directory, recovered } = stream
  makeStreamDirectories(bench.fileSystem, directory)
  const access = bench.access(name)
  finishInterruptedPurge(access.files)
  const { meta, problems } = readMeta(access)
  for (const index of access.files.list()) repairBlock(access.files, index, actions)
  // Opening writes a configuration again that is broken or lost.
  const store = await recovered.open()
  try {
    touchAll(store)
    await repairConsumers(access, store, actions)
  } finally {
    await store.close()
  }
  if (problems.length > 0) await repairMeta(bench.access(name))
  if (meta === undefined) actions.push('the configuration is lost: one without subjects and limits was written')
  else if (problems.length > 0) actions.push('the configuration was written again from what could be read')
  actions.push('index.db was written anew')
}

/** What opening leaves as it is, because a server can do without: fields that nobody knows. */
async function repairMeta(access: StreamAccess): Promise<void> {
  const { meta, problems } = readMeta(access)
  if (meta !== undefined && problems.length > 0) await writeStreamMeta(access.place, meta, { isSynced: true, keepsOld: true })
}

/** Leaves a sound block alone. */
function repairBlock(files: BlockFiles, index: number, actions: string[]): void {
  const path = files.pathOf(index)
  if ((files.fileSystem.stat(path)?.size ?? 0) === 0) return
  let block
  try {
    block = scanBlock(files, index)
  } catch (error) {
    setAside(files, index)
    actions.push(`${index}.blk can not be read (${(error as Error).message}): moved to damaged/`)
    return
  }
  const { area, scan, repaired } = block
  if (scan.damage.length === 0 && repaired.length === 0) return
  if (scan.count === 0) {
    setAside(files, index)
    actions.push(`${index}.blk holds no readable record: moved to damaged/`)
    return
  }
  const bytes = Buffer.allocUnsafeSlow(block.size)
  let size = 0
  for (let i = 0; i < scan.count; i++) {
    const offset = scan.offsets[i] as number
    const end = offset + readRecordSize(area.view, offset)
    size += area.bytes.copy(bytes, size, offset, end)
  }
  rewriteBlockFile(files, new Block(index, 1), bytes, size)
  actions.push(`${index}.blk was rewritten with its ${scan.count} readable records, without ${block.size - size} damaged bytes`)
}

/** Out of the way of every reader, with its key; nothing is deleted because it could not be understood. */
function setAside(files: BlockFiles, index: number): void {
  const { fileSystem, streamDirectory, directory } = files
  const target = join(streamDirectory, 'damaged')
  fileSystem.makeDirectory(target)
  for (const name of [`${index}.key`, `${index}.blk`]) {
    if (fileSystem.stat(join(directory, name)) !== undefined) fileSystem.rename(join(directory, name), join(target, name))
  }
  for (const path of [target, directory, dirname(directory)]) fileSystem.syncDirectoryNow(path)
}

/** Opening a consumer writes what is broken about it again. */
async function repairConsumers(access: StreamAccess, store: StreamStore, actions: string[]): Promise<void> {
  const { fileSystem } = access.place
  for (const { name, created, config } of store.recoveredConsumers()) {
    const before = consumerPlace(access, name)
    const state = join(before.directory, 'o.dat')
    const hadState = fileSystem.stat(state) !== undefined
    const { problems } = readMetaFiles(before, consumerMetaFromJson)
    await store.openConsumer(name, created, config)
    if (problems.length > 0) {
      const meta = consumerMetaToJson({ created, name, config })
      await replaceMetaFiles(consumerPlace(access, name), meta, { isSynced: true, keepsOld: true })
      actions.push(`the configuration of consumer '${name}' was written again`)
    }
    const isAside = hadState && fileSystem.stat(state) === undefined
    if (isAside) actions.push(`the position of consumer '${name}' is lost: kept as ${relative(access.place.directory, state)}.broken, it starts over`)
  }
}
