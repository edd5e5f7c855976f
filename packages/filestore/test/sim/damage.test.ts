/**
 * Damage: bits flip, bytes land elsewhere, files are cut, lost, or back, reads fail or are short. What no
 * store can prevent it must survive: opening succeeds, every message served is one that was stored, every
 * acknowledged message that is not served is named as lost, other streams are untouched.
 */
import { describe, expect, it } from 'vitest'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { seededRandom } from '../support/seeded-random.js'
import { makeScript } from './make-script.js'
import { printScript, type Operation, type Script } from './script.js'
import { contentsOf, type StreamWorld } from './stream-world.js'
import { Violation } from './violation.js'
import { World } from './world.js'

const kernel = createTypeScriptHashKernel()
const PARTS = Array.from({ length: 4 }, (_, part) => part)
const SCRIPTS_PER_PART = Number(process.env['FILESTORE_SIM_DAMAGES'] ?? 400) / 4
/** Of one part: some 20 times what it takes on a free machine. */
const TIMEOUT_MS = Math.max(120_000, SCRIPTS_PER_PART * 240)
const FIRST_SEED = Number(process.env['FILESTORE_SIM_SEED'] ?? 1)

type Random = () => number
/** Harms one file; says what it did. */
type Harm = (disk: SimulatedDisk, path: string, random: Random) => string

const HARMS: readonly Harm[] = [
  (disk, path, random) => {
    const offset = Math.floor(random() * disk.readFile(path).length)
    const bit = Math.floor(random() * 8)
    disk.flipBit(path, offset, bit)
    return `bit ${bit} of byte ${offset} flipped`
  },
  (disk, path, random) => {
    const size = Math.floor(random() * disk.readFile(path).length)
    disk.plant(path, disk.readFile(path).subarray(0, size))
    return `cut to ${size} bytes`
  },
  (disk, path) => {
    disk.loseEntry(path)
    return 'lost'
  },
  (disk, path, random) => {
    // A write that was meant for another place.
    const names = [...disk.files().keys()]
    const source = disk.readFile(names[Math.floor(random() * names.length)]!)
    const bytes = disk.readFile(path)
    const position = Math.floor(random() * bytes.length)
    const from = Math.floor(random() * source.length)
    const part = source.subarray(from, from + 1 + Math.floor(random() * 200))
    const target = Buffer.alloc(Math.max(bytes.length, position + part.length))
    bytes.copy(target)
    part.copy(target, position)
    disk.plant(path, target)
    return `${part.length} bytes of another place at ${position}`
  },
]

/** Streams without limits: which messages live is then a matter of the records alone. */
function makeDamageScript(seed: number): Script {
  const random = seededRandom(seed)
  const script = makeScript(seed, random, 50)
  const configs = script.configs.map((config) => ({
    ...config,
    maxMessages: -1,
    maxMessagesPerSubject: -1,
    maxBytes: -1,
    maxAge: 0n,
    allowRollup: false,
    allowMessageTtl: false,
    discard: 'old' as const,
    discardNewPerSubject: false,
  }))
  const operations = script.operations.filter((operation) => isKept(operation))
  return { ...script, configs, operations, sync: 'always' }
}

function isKept(operation: Operation): boolean {
  const isOther = ['configure', 'recreate', 'truncate', 'kill'].includes(operation.do)
  return !isOther && !(operation.do === 'append' && operation.rollup !== undefined)
}

describe('damage', () => {
  it.each(PARTS)('of a file costs what is named as lost, and nothing else (part %d)', async (part) => {
    for (let i = 0; i < SCRIPTS_PER_PART; i++) {
      await damageScript(FIRST_SEED + part + i * PARTS.length, harmFiles)
    }
  }, TIMEOUT_MS)

  it.each(PARTS)('of reads costs what is named as lost, until the next opening (part %d)', async (part) => {
    for (let i = 0; i < SCRIPTS_PER_PART; i++) {
      await damageScript(FIRST_SEED + part + i * PARTS.length, harmReads)
    }
  }, TIMEOUT_MS)
})

/** `isKnown`: what is missing can be told. */
type Harmed = Readonly<{ what: string; isPassing: boolean; isKnown: boolean }>

type HarmDisk = (disk: SimulatedDisk, random: Random, isClosed: boolean) => Harmed

async function damageScript(seed: number, harm: HarmDisk): Promise<void> {
  const script = makeDamageScript(seed)
  const random = seededRandom(seed ^ 0xda3a6e)
  const disk = new SimulatedDisk({ autoStep: false })
  const world = new World(script, { disk, kernel, random })
  let what = ''
  try {
    await world.create()
    for (const operation of script.operations) await world.run(operation)
    await world.run({ do: 'settle' })
    const isClosed = random() < 0.5
    if (isClosed) await world.close()
    world.abandon()
    disk.kill()
    const harmed = harm(disk, random, isClosed)
    what = harmed.what
    await openDamaged(world, harmed.isKnown)
    if (!harmed.isPassing) return
    world.abandon()
    disk.kill()
    what += '; opened again'
    await world.reopen('kill')
  } catch (error) {
    expect.fail(`${(error as Error).stack}\n${what}\n${printScript(script)}`)
  } finally {
    world.abandon()
  }
}

/** One file, sometimes two. Only a recent index.db tells that a block, or its end, was there. */
function harmFiles(disk: SimulatedDisk, random: Random, isClosed: boolean): Harmed {
  const done: string[] = []
  let isKnown = true
  for (let i = 0; i < 1 + Math.floor(random() * 1.3); i++) {
    // Without the key of a stream nothing of it can be read, and it says so: test/cipher.
    const paths = [...disk.files().keys()].filter((path) => path.includes('/SIM/') && !path.endsWith('meta.key'))
    const blocks = paths.filter((path) => path.endsWith('.blk'))
    const chosen = blocks.length > 0 && random() < 0.6 ? blocks : paths
    const path = chosen[Math.floor(random() * chosen.length)]!
    if (disk.readFile(path).length === 0) continue
    const harm = HARMS[Math.floor(random() * HARMS.length)]!(disk, path, random)
    done.push(`${path}: ${harm}`)
    if (path.endsWith('index.db') || (!isClosed && /^(cut|lost)/.test(harm))) isKnown = false
  }
  return { what: done.join('; '), isPassing: false, isKnown: isKnown || done.length < 2 && isClosed }
}

/** Reads of blocks: the stream's small files are read once, and a failure there is one of the whole disk. */
function harmReads(disk: SimulatedDisk, random: Random): Harmed {
  const code = random() < 0.5 ? 'EIO' : 'SHORT'
  const after = Math.floor(random() * 8)
  disk.addFault({ operation: 'read', path: '/SIM/msgs/', code, after, times: 1 + Math.floor(random() * 4) })
  return { what: `${code} after ${after} reads`, isPassing: true, isKnown: true }
}

async function openDamaged(world: World, isKnown: boolean): Promise<void> {
  for (const stream of await world.open()) {
    const { model } = stream
    const found = contentsOf(stream.store)
    for (const [sequence, message] of found.messages) model.checkStored(sequence, message)
    // Reading is what finds damage; what it found is in the state and in the reports.
    const named = namedAsLost(stream)
    for (const sequence of model.liveSequences) {
      if (!isKnown || found.messages.has(sequence) || named(sequence)) continue
      throw new Violation(`${stream.name}: ${sequence} is lost, and nothing says so`)
    }
    if (stream.name !== 'SIM') mustBeWhole(stream, found.messages)
  }
}

function mustBeWhole({ name, model }: StreamWorld, found: ReadonlyMap<number, unknown>): void {
  const missing = model.liveSequences.find((sequence) => !found.has(sequence))
  if (missing !== undefined) throw new Violation(`${name} was not harmed, and lost ${missing}`)
}

/** By sequence; a report that knows no sequences names a file. */
function namedAsLost({ store, damage }: StreamWorld): (sequence: number) => boolean {
  const lost = new Set(store.state(true).lost?.sequences)
  const isFile = damage.some(({ firstSequence, size }) => firstSequence === 0 && size > 0)
  return (sequence) => {
    const isCovered = damage.some((each) => sequence >= each.firstSequence && sequence <= each.lastSequence)
    return isFile || isCovered || lost.has(sequence)
  }
}
