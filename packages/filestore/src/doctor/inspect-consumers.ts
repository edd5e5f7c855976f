/** What the `obs` directory of a stream holds, read with the codecs of the store and never changed. */
import { join } from 'node:path'
import { consumerMetaFromJson, emptyConsumerState, type ConsumerState } from '@rivulet/store-types'
import { listIfPresent, readFileIfPresent } from '../atomic-file.js'
import { decodeConsumerState } from '../consumer/consumer-state-codec.js'
import { STATE_FILE } from '../consumer/file-consumer-store.js'
import { META_FILE, readMetaFiles, type MetaPlace, type Sealer } from '../meta/meta-files.js'
import { CONSUMERS_DIRECTORY } from '../stream-directory.js'
import type { StreamAccess } from './account-bench.js'
import { problemOf, type ConsumerReport, type Problem } from './report.js'

type Position = Readonly<{ kind: ConsumerReport['position']; state: ConsumerState; cause: string }>

/** The consumers there are, by name. Problems are added to `problems`. */
export function inspectConsumers(access: StreamAccess, problems: Problem[]): ConsumerReport[] {
  const { fileSystem, directory } = access.place
  const consumers = join(directory, CONSUMERS_DIRECTORY)
  const reports: ConsumerReport[] = []
  for (const name of listIfPresent(fileSystem, consumers)) {
    const path = join(consumers, name)
    if (fileSystem.stat(path)?.isDirectory !== true) continue
    const names = fileSystem.list(path)
    // An empty directory is a consumer whose creation was never acknowledged.
    if (names.includes(META_FILE) || names.includes(STATE_FILE)) reports.push(inspect(access, name, problems))
  }
  return reports
}

/** Where a consumer's small files lie, with the sealer that opens them. */
export function consumerPlace(access: StreamAccess, name: string): MetaPlace {
  const { fileSystem, kernel, directory: stream, hashName } = access.place
  const directory = join(stream, CONSUMERS_DIRECTORY, name)
  const sealer = access.keys?.knownConsumerSealer(name, directory)
  return { fileSystem, kernel, directory, hashName: `${hashName}/${name}`, sealer }
}

function inspect(access: StreamAccess, name: string, problems: Problem[]): ConsumerReport {
  const place = consumerPlace(access, name)
  const reading = readMetaFiles(place, consumerMetaFromJson)
  for (const cause of reading.problems) problems.push(problemOf(join(place.directory, META_FILE), cause))
  const { kind, state, cause } = readPosition(place, place.sealer)
  if (kind === 'broken') problems.push(problemOf(join(place.directory, STATE_FILE), `${cause}; the consumer starts over`))
  const isSound = reading.problems.length === 0
  return {
    name,
    config: reading.meta === undefined ? 'lost' : isSound ? 'sound' : 'recovered',
    position: kind,
    delivered: state.delivered,
    ackFloor: state.ackFloor,
    pendingCount: state.pending.size,
    redeliveredCount: state.redelivered.size,
  }
}

function readPosition(place: MetaPlace, sealer: Sealer | undefined): Position {
  const none = emptyConsumerState()
  const bytes = readFileIfPresent(place.fileSystem, join(place.directory, STATE_FILE))
  if (bytes === undefined || bytes.length === 0) return { kind: 'missing', state: none, cause: '' }
  const plain = sealer === undefined ? bytes : sealer.open(bytes)
  try {
    return { kind: 'readable', state: decodeConsumerState(plain ?? bytes) ?? none, cause: '' }
  } catch (error) {
    const cause = plain === undefined ? 'can not be decrypted with the given key' : (error as Error).message
    return { kind: 'broken', state: none, cause }
  }
}
