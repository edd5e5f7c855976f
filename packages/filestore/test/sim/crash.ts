/**
 * Runs scripts, cuts the power at chosen changes of the disk, opens what is left, and compares it with the
 * model. The fault model is that of src/file-system/simulated-disk.ts: of what was not synced a cut keeps
 * any part, names and bytes apart.
 *
 * A cut is made on a fork of the disk, so one run of a script serves many cuts. After a cut some runs go
 * on with the recovered store and are cut again. A failure is shortened by leaving operations out.
 */
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { seededRandom } from '../support/seeded-random.js'
import { makeScript } from './make-script.js'
import type { Model } from './model.js'
import { printScript, type Operation, type Script } from './script.js'
import { Violation } from './violation.js'
import { World } from './world.js'

type Cut = Readonly<{
  disk: SimulatedDisk
  models: readonly Model[]
  seed: number
  nowNanos: bigint
  afterOperation: number
}>

export type Failure = Readonly<{ script: Script; cutSeed: number; afterOperation: number; reason: string }>

export type CrashOptions = Readonly<{
  /** How many operations a script has. */
  operationCount: number
  /** Of each change of the disk: the chance that the power is cut there. */
  cutChance: number
  /** Of each cut: the chance that the run goes on with what was recovered. */
  goOnChance: number
}>

export const CRASH_DEFAULTS: CrashOptions = { operationCount: 60, cutChance: 0.3, goOnChance: 0.1 }

const kernel = createTypeScriptHashKernel()
/** Of each shorter script; most cuts of a script that fails do no harm. */
const RUNS_PER_SCRIPT = 12
const SHORTEN_RUNS_MAX = 800

/** Runs the script of `seed`; how many cuts it saw, and the first failure, shortened. */
export async function crashScript(
  seed: number,
  options: CrashOptions = CRASH_DEFAULTS,
): Promise<{ cuts: number; failure: Failure | undefined }> {
  const script = makeScript(seed, seededRandom(seed), options.operationCount)
  const { cuts, failure } = await runScript(script, options)
  return { cuts, failure: failure && (await shorten(failure, options)) }
}

export function printFailure(failure: Failure): string {
  const { script, cutSeed, afterOperation, reason } = failure
  const place = cutSeed < 0 ? 'without a cut' : `power cut (seed ${cutSeed}) in operation ${afterOperation}`
  return `${reason}\n${place}\n${printScript(script)}`
}

/** `salt` makes other cuts in the same script. */
export async function runScript(
  script: Script,
  options: CrashOptions,
  salt = 0,
): Promise<{ cuts: number; failure: Failure | undefined }> {
  const random = seededRandom((script.seed ^ 0x5eed) + salt)
  const disk = new SimulatedDisk({ autoStep: false })
  const world = new World(script, { disk, kernel, random })
  const cuts: Cut[] = []
  let index = -1
  const failed = (reason: unknown, cutSeed: number, at: number): { cuts: number; failure: Failure } => ({
    cuts: total,
    failure: { script, cutSeed, afterOperation: at, reason: describe(reason) },
  })
  let total = 0
  try {
    await world.create()
    disk.onChange = () => {
      if (random() >= options.cutChance) return
      const nowNanos = world.clock.wallNanos()
      const place = { seed: cutSeedOf(random), nowNanos, afterOperation: index }
      cuts.push({ disk: disk.fork(), models: world.copyModels(), ...place })
    }
    for (const operation of script.operations) {
      index++
      await world.run(operation)
      for (const cut of cuts.splice(0)) {
        total++
        const failure = await tryCut(script, cut, options)
        if (failure !== undefined) return failed(failure, cut.seed, cut.afterOperation)
      }
    }
  } catch (error) {
    return failed(error, -1, index)
  } finally {
    world.abandon()
  }
  return { cuts: total, failure: undefined }
}

/** What was wrong after the cut. */
async function tryCut(script: Script, cut: Cut, options: CrashOptions): Promise<unknown> {
  const random = seededRandom(cut.seed)
  const { disk, models, nowNanos } = cut
  disk.cutPower()
  disk.restorePower(random)
  const world = new World(script, { disk, models, kernel, random, nowNanos })
  try {
    await world.reopen('power')
    if (random() < options.goOnChance) await goOn(world, script, cut)
  } catch (error) {
    return error
  } finally {
    world.abandon()
  }
  return undefined
}

/** Goes on with what was recovered, up to a second cut inside a change of the disk. */
async function goOn(world: World, script: Script, cut: Cut): Promise<void> {
  const random = seededRandom(cut.seed ^ 0x2222)
  const rest = script.operations.slice(cut.afterOperation + 1, cut.afterOperation + 12)
  world.disk.cutAt(world.disk.changeCount + Math.floor(random() * 40))
  for (const operation of rest) {
    const isOver = await survives(world, operation)
    if (isOver) break
  }
  world.abandon()
  world.disk.cutPower()
  world.disk.restorePower(random)
  await world.reopen('power')
}

/** True when the power went during the operation. */
async function survives(world: World, operation: Operation): Promise<boolean> {
  try {
    await world.run(operation)
  } catch (error) {
    // Whatever goes wrong once the power is off, the process is about to end anyway.
    if (!world.disk.isOff) throw error
  }
  return world.disk.isOff
}

/** Leaves out what is not needed for the failure. */
async function shorten(failure: Failure, options: CrashOptions): Promise<Failure> {
  let best = failure
  let runs = 0
  for (let size = Math.ceil(best.script.operations.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < best.script.operations.length && runs < SHORTEN_RUNS_MAX; ) {
      const operations = best.script.operations.filter((_, index) => index < from || index >= from + size)
      const shorter = await findFailure({ ...best.script, operations }, options, () => void runs++)
      if (shorter === undefined) from += size
      else best = shorter
    }
  }
  return best
}

async function findFailure(script: Script, options: CrashOptions, count: () => void): Promise<Failure | undefined> {
  for (let salt = 0; salt < RUNS_PER_SCRIPT; salt++) {
    count()
    const { failure } = await runScript(script, { ...options, cutChance: 0.7 }, salt)
    if (failure !== undefined) return failure
  }
  return undefined
}

function cutSeedOf(random: () => number): number {
  return Math.floor(random() * 0x7fffffff)
}

function describe(reason: unknown): string {
  if (reason instanceof Violation) return reason.message
  return reason instanceof Error ? (reason.stack ?? reason.message) : String(reason)
}
