/**
 * Disks that fill up or fail: nothing acknowledged is lost, nothing is acknowledged that may be lost, and a
 * full disk is passed over once there is room. Rules of a failing disk: src/file-system/simulated-disk.ts.
 */
import { describe, expect, it } from 'vitest'
import { StoreError, completeConsumerConfig } from '@rivulet/store-types'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { SimulatedDisk, type SimulatedOperation } from '../../src/simulation.js'
import { openStore } from '../support/open-store.js'
import { seededRandom } from '../support/seeded-random.js'
import { runUntil, settle } from '../support/settle.js'
import { makeScript } from './make-script.js'
import type { Ending } from './model.js'
import { printScript, type Operation, type Script } from './script.js'
import { World } from './world.js'

const kernel = createTypeScriptHashKernel()

function setUp(script: Script) {
  const random = seededRandom(script.seed ^ 0xfa17)
  const disk = new SimulatedDisk({ autoStep: false })
  const world = new World(script, { disk, kernel, random })
  return { random, disk, world }
}

/** Names the script in what is thrown. */
async function explaining(script: Script, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${printScript(script)}`, { cause: error })
  }
}

const PARTS = Array.from({ length: 6 }, (_, part) => part)
const SCRIPTS_PER_PART = Math.ceil(Number(process.env['FILESTORE_SIM_FAULTS'] ?? 150) / PARTS.length)
/** Of one part: some 20 times what it takes on a free machine. */
const TIMEOUT_MS = Math.max(60_000, SCRIPTS_PER_PART * 300)
const FIRST_SEED = Number(process.env['FILESTORE_SIM_SEED'] ?? 0)
const COUNTS = Array.from({ length: SCRIPTS_PER_PART }, (_, count) => count)
const seedsOf = (part: number) => COUNTS.map((count) => FIRST_SEED + part + count * PARTS.length)

describe('a disk that fails', () => {
  const kinds: readonly SimulatedOperation[] = [
    'write',
    'sync',
    'syncDirectory',
    'rename',
    'open',
    'remove',
    'read',
    'truncate',
    'makeDirectory',
  ]

  it.each(PARTS)('loses nothing that was acknowledged, whatever fails (part %d)', async (part) => {
    for (const seed of seedsOf(part)) {
      const script = makeScript(seed, seededRandom(seed), 50)
      await explaining(script, async () => {
        const { world, disk, random } = setUp(script)
        await world.create()
        const operation = kinds[Math.floor(random() * kinds.length)]!
        const code = random() < 0.3 ? 'ENOSPC' : 'EIO'
        const after = Math.floor(random() * 30)
        disk.addFault({ operation, path: 'SIM', code, after, times: 1 + Math.floor(random() * 3) })
        await runUntilRefused(world, script.operations)
        const ending = random() < 0.5 ? 'kill' : 'power'
        world.abandon()
        endBy(ending, disk, random)

        await expect(world.reopen(ending)).resolves.toBeUndefined()
      })
    }
  }, TIMEOUT_MS)
})

function endBy(ending: Ending, disk: SimulatedDisk, random: () => number): void {
  if (ending === 'kill') return disk.kill()
  disk.cutPower()
  disk.restorePower(random)
}

/** Runs until the store refuses something. What it refused may or may not have happened. */
async function runUntilRefused(world: World, operations: readonly Operation[]): Promise<void> {
  for (const operation of operations) {
    if (operation.do === 'kill' || operation.do === 'reopen') continue
    try {
      await world.run(operation)
    } catch (error) {
      const code = (error as { code?: string }).code
      const isRefusal = error instanceof StoreError || code === 'EIO' || code === 'ENOSPC' || world.hasFailed
      const isUnread = world.streams.some(({ damage }) => damage.length > 0)
      if (!isRefusal && !isUnread) throw error
      return
    }
    // A block that could not be opened to be read counts as lost until the next opening.
    if (world.streams.some(({ damage }) => damage.length > 0)) return
  }
}

describe('a disk that is full', () => {
  it.each(PARTS)('refuses messages, serves the rest, and goes on when there is room (part %d)', async (part) => {
    let refused = 0
    for (const seed of seedsOf(part)) {
      const made = makeScript(seed, seededRandom(seed), 1)
      const script: Script = { ...made, operations: fillingOperations(seededRandom(seed + 1)) }
      await explaining(script, async () => {
        const { world, disk, random } = setUp(script)
        await world.create()
        for (const operation of BEFORE_IT_IS_FULL) await world.run(operation)
        disk.capacityBytes = disk.usedBytes() + 500 + Math.floor(random() * 4000)
        for (const operation of script.operations) {
          const before = world.copyModels()
          try {
            await world.run(operation)
          } catch (error) {
            if ((error as { code?: string }).code !== 'STORE_FULL') throw error
            refused++
            world.restoreModels(before)
          }
          world.compare()
        }
        disk.capacityBytes = Infinity
        await world.run({ do: 'wait', ms: 1000 })
        await world.run({ do: 'append', subject: 'a', size: 10, count: 1 })
        await world.run({ do: 'flush' })
        // Not more than was acknowledged, and not less: the position is what it was when the disk was full.
        await world.run({ do: 'flushConsumers' })
        world.abandon()
        endBy('power', disk, random)

        await world.reopen('power')
      })
    }
    expect(refused).toBeGreaterThan(0)
  }, TIMEOUT_MS)
})

/** Making a consumer takes room; moving one does not, until it is written. */
const BEFORE_IT_IS_FULL: readonly Operation[] = [
  { do: 'append', subject: 'a', size: 5, count: 6 },
  { do: 'flush' },
  { do: 'deliver', consumer: 0, count: 3 },
  { do: 'flushConsumers' },
]

function fillingOperations(random: () => number): Operation[] {
  return Array.from({ length: 60 }, (): Operation => {
    const kind = random()
    const subject = random() < 0.5 ? 'a' : 'b'
    if (kind < 0.5) return { do: 'append', subject, size: Math.floor(random() * 300), count: 1 }
    if (kind < 0.6) return { do: 'remove', at: random() }
    if (kind < 0.65) return { do: 'deliver', consumer: 0, count: 2 }
    if (kind < 0.7) return { do: 'acknowledge', consumer: 0, at: random() }
    if (kind < 0.75) return { do: 'wait', ms: 100 + Math.floor(random() * 1500) }
    if (kind < 0.88) return { do: 'turn' }
    return { do: 'step' }
  })
}

describe('a consumer on a full disk', () => {
  it('goes on in memory, says that it is not written, and is written by itself once there is room', async () => {
    const s = await openStore()
    for (let i = 1; i <= 3; i++) s.append('s', `${i}`)
    await s.flush()
    const config = completeConsumerConfig({ durableName: 'c', name: 'c', ackPolicy: 'explicit' })
    const consumer = await runUntil(s.turns, s.store.openConsumer('c', 1n, config))
    for (const sequence of [1, 2, 3]) consumer.updateDelivered(sequence, sequence, 1, 1_700_000_000_000)
    await runUntil(s.turns, consumer.flush())

    s.disk.capacityBytes = s.disk.usedBytes()
    consumer.updateAcks(1, 1)
    await expect(runUntil(s.turns, consumer.flush())).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(consumer.updateAcks(2, 2)).toBe(true)
    expect(s.contents()).toHaveLength(3)

    s.disk.capacityBytes = Infinity
    s.clock.advance(2_000, () => s.turns.run())
    await settle(s.turns)
    const again = await s.kill()
    const recovered = await runUntil(again.turns, again.store.openConsumer('c', 1n, config))
    expect(recovered.state().ackFloor).toEqual({ consumerSequence: 2, streamSequence: 2 })
    await again.close()
  })
})
