/**
 * What streams hold, as a sequence of events: each stream with its configuration, its consumers, its live
 * messages in order, and an end that tells how many there were. Exports write them, an import takes them.
 *
 * Streams are opened in memory (overlay-file-system.ts): damage costs what recovery can not read, and
 * nothing is written. One block is in memory at a time, beside what an open stream needs.
 */
import {
  StoreError,
  StoredMessage,
  SubjectFilter,
  type ConsumerConfig,
  type ConsumerState,
  type RecoveredStream,
  type StreamConfig,
  type StreamStore,
} from '@rivulet/store-types'
import { AccountBench, touchAll } from './account-bench.js'
import { OverlayFileSystem } from './overlay-file-system.js'
import { findAccounts, streamDirectoryIn, type AccountPlace } from './places.js'
import type { DoctorOptions } from './verify.js'

export type StreamEvent = Readonly<{
  kind: 'stream'
  account: string
  /** ns */
  created: bigint
  config: StreamConfig
  /** The last one given out, also when that message is gone. */
  lastSequence: number
  /** ns; 0n: none */
  lastTime: bigint
  /** Why a server would not serve it as it is: made for a newer one. '' when it would. */
  problem: string
}>

export type ConsumerEvent = Readonly<{
  kind: 'consumer'
  name: string
  /** ns */
  created: bigint
  config: ConsumerConfig
  /** Undefined when it never had one. */
  state: ConsumerState | undefined
}>

/** `message` is valid until the next event is asked for; so is the object. */
export type MessageEvent = Readonly<{ kind: 'message'; message: StoredMessage }>

export type EndEvent = Readonly<{ kind: 'end'; messageCount: number; lostCount: number; lostBytes: number }>

export type DumpEvent = StreamEvent | ConsumerEvent | MessageEvent | EndEvent

/**
 * The streams that were asked for, by account. Damaged ones give what is readable.
 * @throws StoreError before the first event, when one of them can not be read at all
 */
export async function* dumpDirectory(options: DoctorOptions): AsyncGenerator<DumpEvent> {
  const places = findAccounts(options)
  for (const place of places) assertReadable(options, place)
  for (const place of places) {
    const overlay = new OverlayFileSystem(options.fileSystem, place.directory)
    const bench = new AccountBench(overlay, place.directory, options)
    try {
      for await (const { name, recovered } of bench.streams(place.streams)) {
        const directory = streamDirectoryIn(place.directory, name)
        if (recovered === undefined) throw unreadable(directory, 'it holds no configuration that reads and no block')
        yield* dumpStream(place.account, recovered)
        overlay.forget(directory)
      }
    } finally {
      bench.close()
    }
  }
}

function assertReadable(options: DoctorOptions, place: AccountPlace): void {
  const overlay = new OverlayFileSystem(options.fileSystem, place.directory)
  const bench = new AccountBench(overlay, place.directory, options)
  try {
    for (const name of place.streams) {
      const locked = bench.lockedProblem(name)
      if (locked !== undefined) throw unreadable(streamDirectoryIn(place.directory, name), locked)
    }
  } finally {
    bench.close()
  }
}

async function* dumpStream(account: string, recovered: RecoveredStream): AsyncGenerator<DumpEvent> {
  const { config, created } = recovered
  const store = await recovered.open()
  try {
    // Damage that the index does not know is found by reading; from then on the state is right.
    touchAll(store)
    const { lastSequence, lastTime, messageCount, lost } = store.state(false)
    yield { kind: 'stream', account, created, config, lastSequence, lastTime, problem: recovered.problem ?? '' }
    yield* dumpConsumers(store)
    const message = new StoredMessage()
    const event: MessageEvent = { kind: 'message', message }
    for (let from = 1; store.loadNext(SubjectFilter.all, from, message) !== 0; ) {
      from = message.sequence + 1
      yield event
    }
    const lostCount = lost?.sequences.length ?? 0
    yield { kind: 'end', messageCount, lostCount, lostBytes: lost?.byteCount ?? 0 }
  } finally {
    await store.close()
  }
}

async function* dumpConsumers(store: StreamStore): AsyncGenerator<ConsumerEvent> {
  for (const { name, created, config } of store.recoveredConsumers()) {
    const consumer = await store.openConsumer(name, created, config)
    yield { kind: 'consumer', name, created, config, state: consumer.hasState() ? consumer.state() : undefined }
  }
}

function unreadable(directory: string, cause: string): StoreError {
  return new StoreError('STORE_NOT_SUPPORTED', `${directory} can not be exported: ${cause}`)
}
