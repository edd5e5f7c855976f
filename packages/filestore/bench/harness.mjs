/**
 * What the benches of this folder share: a stage with a directory of its own that goes at the end, filling a
 * stream, measuring, tables. Figures are of one machine at one time: believe ratios within a run.
 */
import { closeSync, fdatasyncSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { StoreGroup, fileStorage } from '@rivulet/filestore'
import { SystemClock, TurnLoop, completeStreamConfig, messageOf } from '@rivulet/store-types'

/** Appends of one turn, about what a busy socket read brings. */
export const PER_TURN = 1000

/** Not synced within a bench: what counts then is writing. */
export const WRITTEN = { intervalMs: 600_000 }

/** Runs `body` with a directory and what stores need, and removes the directory. */
export async function onStage(options, body) {
  const root = mkdtempSync(join(tmpdir(), 'rivulet-bench-'))
  const clock = new SystemClock()
  const turns = new TurnLoop((error) => {
    throw error
  })
  const group = new StoreGroup({ clock, cacheBytesMax: 512 << 20, ...options })
  const storages = []
  const storageOf = (name, { sync = WRITTEN, encryption, group: ownGroup = group } = {}) => {
    const directory = join(root, name)
    const storage = fileStorage({ directory, clock, turns, group: ownGroup, sync, ...(encryption ? { encryption } : {}) })
    storages.push(storage)
    return storage
  }
  /** A new stream in an account of its own. */
  const create = (name, { config = {}, ...rest } = {}) =>
    storageOf(name, rest).create(completeStreamConfig({ name, subjects: ['>'], ...config }), 1n)
  /** The stream again, after it was closed. */
  const reopen = async (name, rest = {}) => (await storageOf(name, rest).recover())[0].open()
  try {
    return await body({ root, clock, turns, group, create, reopen, directoryOf: (name) => join(root, name, 'streams', name) })
  } finally {
    for (const storage of storages) await storage.close()
    group.close()
    rmSync(root, { recursive: true, force: true })
  }
}

export const turn = () => new Promise((resolve) => setImmediate(resolve))

/** Messages on `subjectCount` subjects in groups of 50, payloads of `size` bytes. */
export function messagesOf(subjectCount, size) {
  const payload = Buffer.alloc(size, 'x')
  return Array.from({ length: subjectCount }, (_, i) => messageOf({ subject: subjectName(i), payload }))
}

export const subjectName = (i) => `orders.region-${i % 50}.item-${i}`

/** Appends `count` messages, `perTurn` in a turn. @returns when all are committed */
export async function fill(store, messages, count, perTurn = PER_TURN) {
  for (let i = 0; i < count; ) {
    for (const end = Math.min(count, i + perTurn); i < end; i++) store.append(messages[i % messages.length], 0)
    await turn()
  }
  await store.flush()
}

export async function timed(body) {
  const start = performance.now()
  const result = await body()
  return { ms: performance.now() - start, result }
}

/** Milliseconds of a synchronous body, the middle of `rounds`; called once before to warm it up. */
export function timedSync(body, rounds = 3) {
  body()
  const all = Array.from({ length: rounds }, () => {
    const start = performance.now()
    body()
    return performance.now() - start
  })
  return all.sort((a, b) => a - b)[rounds >> 1]
}

/** The device by itself: the same bytes, written in the same pieces to one file. @returns ms */
export function rawAppend(root, pieceBytes, count, { syncEach = false } = {}) {
  mkdirSync(root, { recursive: true })
  const piece = Buffer.alloc(pieceBytes, 'x')
  const path = join(root, 'raw')
  const file = openSync(path, 'w')
  const start = performance.now()
  for (let i = 0; i < count; i++) {
    writeSync(file, piece, 0, pieceBytes, i * pieceBytes)
    if (syncEach) fdatasyncSync(file)
  }
  const ms = performance.now() - start
  closeSync(file)
  rmSync(path)
  return ms
}

/**
 * The longest time in which the event loop did not come around; and the most processor time that the process used in
 * one such time, which a busy machine does not stretch.
 */
export class PauseMeter {
  #isRunning = false
  #longestMs = 0
  #longestCpuMs = 0

  start() {
    this.#isRunning = true
    this.#longestMs = this.#longestCpuMs = 0
    let last = performance.now()
    let lastCpu = cpuMs()
    const look = () => {
      const now = performance.now()
      const cpu = cpuMs()
      this.#longestMs = Math.max(this.#longestMs, now - last)
      this.#longestCpuMs = Math.max(this.#longestCpuMs, cpu - lastCpu)
      last = now
      lastCpu = cpu
      if (this.#isRunning) setImmediate(look)
    }
    setImmediate(look)
  }

  stop() {
    this.#isRunning = false
    return this.#longestMs
  }

  get longestCpuMs() {
    return this.#longestCpuMs
  }
}

function cpuMs() {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** Resident bytes of this process, after a collection where the collector is exposed. */
export function residentBytes() {
  globalThis.gc?.()
  globalThis.gc?.()
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
}

/** What the process holds in JavaScript objects and in buffers, which a sleeping allocator can not distort. */
export function heldBytes() {
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Prints a markdown table. */
export function table(title, head, rows) {
  console.log(`\n### ${title}\n\n| ${head.join(' | ')} |\n|${head.map(() => '---').join('|')}|`)
  for (const row of rows) console.log(`| ${row.join(' | ')} |`)
}

export const sizeName = (bytes) => (bytes >= 1 << 20 ? `${bytes >> 20} MB` : bytes >= 1024 ? `${bytes >> 10} KB` : `${bytes} B`)

export function countName(count) {
  const exponent = Math.log10(count)
  return Number.isInteger(exponent) ? `10^${exponent}` : `${count}`
}

export function rate(count, ms) {
  const perSecond = (count / ms) * 1000
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(2)} M/s`
  return perSecond >= 1e4 ? `${(perSecond / 1e3).toFixed(0)} k/s` : `${perSecond.toFixed(0)} /s`
}

export const megabytes = (bytes, ms) => `${(bytes / 1e6 / (ms / 1000)).toFixed(0)} MB/s`
export const millis = (ms) => (ms >= 100 ? ms.toFixed(0) : ms >= 1 ? ms.toFixed(1) : ms.toFixed(3))
export const micros = (ms) => (ms * 1000).toPrecision(3)
export const times = (ratio) => `${ratio.toFixed(ratio < 10 ? 2 : 0)}x`

/** Arguments as numbers, with defaults. */
export const numbers = (...defaults) => defaults.map((value, i) => Number(process.argv[2 + i] ?? value))
