/**
 * Faults after which nats-server was reported to lose acknowledged messages, each at the level of a store.
 * First those of Jepsen's report on NATS 2.12.1 (https://jepsen.io/analyses/nats-2.12.1), then those that the
 * reference server shows after a crash.
 */
import { describe, expect, it } from 'vitest'
import {
  ManualTurns,
  StoredMessage,
  SubjectFilter,
  VirtualClock,
  completeStreamConfig,
  messageOf,
  type DamageReport,
  type StreamConfig,
  type StreamStore,
} from '@rivulet/store-types'
import { createTypeScriptHashKernel } from '../../src/hash/typescript-hash-kernel.js'
import { SimulatedDisk } from '../../src/simulation.js'
import { fileStorage } from '../../src/storage.js'
import { StoreGroup } from '../../src/store-group.js'
import { seededRandom } from '../support/seeded-random.js'
import { runUntil } from '../support/settle.js'

const ACCOUNT = '/js/$G'
const STREAM = `${ACCOUNT}/streams/ORDERS`
const BLOCK_BYTES = 600
const SECOND = 1_000_000_000n
const kernel = createTypeScriptHashKernel()

type Node = Awaited<ReturnType<typeof startNode>>

/** A process with one stream on `disk`: made when it is not there. */
async function startNode(disk: SimulatedDisk, change: Partial<StreamConfig> = {}, clock = new VirtualClock()) {
  const turns = new ManualTurns()
  const group = new StoreGroup({ clock, kernel })
  const storage = fileStorage({ directory: ACCOUNT, clock, turns, fileSystem: disk, group, blockBytes: BLOCK_BYTES })
  const [found] = await runUntil(turns, storage.recover())
  const config = completeStreamConfig({ name: 'ORDERS', subjects: ['>'], ...change })
  const store = await runUntil(turns, found === undefined ? storage.create(config, 1n) : found.open())
  const damage: DamageReport[] = []
  const drop = () => {}
  store.listener = { committed: drop, failed: drop, expired: drop, damaged: (report) => damage.push(report) }
  store.ready()
  return {
    disk,
    clock,
    store,
    damage,
    config: found?.config ?? config,
    append: (subject: string, payload: string, headers?: string) =>
      store.append(messageOf({ subject, payload, ...(headers === undefined ? {} : { headers }) }), 0),
    turn: () => turns.run(),
    done: <T>(promise: Promise<T>) => runUntil(turns, promise),
    flush: () => runUntil(turns, store.flush()),
    close: () => runUntil(turns, storage.close()),
  }
}

function contentsOf(store: StreamStore): string[] {
  const found: string[] = []
  const message = new StoredMessage()
  for (let from = 1; store.loadNext(SubjectFilter.all, from, message) !== 0; from = message.sequence + 1) {
    found.push(`${message.sequence}:${message.subject()}=${message.payload().toString('latin1')}`)
  }
  return found
}

/** Twelve acknowledged messages in four blocks. */
async function twelve(change: Partial<StreamConfig> = {}): Promise<Node> {
  const node = await startNode(new SimulatedDisk(), change)
  for (let i = 1; i <= 12; i++) node.append(`s.${i % 3}`, `${i}`.padEnd(150, '.'))
  await node.flush()
  return node
}

/** The disk after the power went and came back. */
function afterPowerLoss(disk: SimulatedDisk, seed: number): SimulatedDisk {
  const fork = disk.fork()
  fork.cutPower()
  fork.restorePower(seededRandom(seed))
  return fork
}

function afterKill(disk: SimulatedDisk): SimulatedDisk {
  const fork = disk.fork()
  fork.kill()
  return fork
}

const SEEDS = Array.from({ length: 40 }, (_, seed) => seed)

describe('Jepsen, NATS 2.12.1', () => {
  it('power lost on all nodes at once takes no acknowledged message', async () => {
    const node = await twelve()
    const acknowledged = contentsOf(node.store)
    for (let i = 0; i < 5; i++) node.append('s', `unacknowledged ${i}`.padEnd(200, '.'))
    node.turn()

    for (const seed of SEEDS) {
      const after = await startNode(afterPowerLoss(node.disk, seed))
      expect(contentsOf(after.store).slice(0, 12)).toEqual(acknowledged)
      await after.close()
    }
  })

  it.each([true, false])('a flipped bit in a .blk file costs one message, named (index.db: %s)', async (isClosed) => {
    const node = await twelve()
    const acknowledged = contentsOf(node.store)
    if (isClosed) await node.close()
    const path = `${STREAM}/msgs/2.blk`

    for (let offset = 0; offset < node.disk.readFile(path).length; offset += 3) {
      const disk = afterKill(node.disk)
      disk.flipBit(path, offset, offset % 8)
      const after = await startNode(disk)
      const found = contentsOf(after.store)
      expect(acknowledged).toEqual(expect.arrayContaining(found))
      expect(found.length).toBeGreaterThanOrEqual(11)
      if (found.length === 11) expect(after.damage.map(({ file }) => file)).toContain(path)
      await after.close()
    }
  })

  it.each([true, false])('a .blk file that is cut short costs what was cut (index.db: %s)', async (isClosed) => {
    const node = await twelve()
    const acknowledged = contentsOf(node.store)
    if (isClosed) await node.close()
    const path = `${STREAM}/msgs/2.blk`
    const bytes = node.disk.readFile(path)

    for (let size = 0; size < bytes.length; size += 7) {
      const disk = afterKill(node.disk)
      disk.plant(path, bytes.subarray(0, size))
      const after = await startNode(disk)
      const left = 3 - Math.floor((size * 3) / bytes.length)
      expect(contentsOf(after.store)).toEqual(acknowledged.filter((_, i) => i < 6 - left || i >= 6))
      if (isClosed) expect(after.store.state(false).lost?.sequences).toHaveLength(left)
      await after.close()
    }
  })

  it.each(['meta.inf', 'meta.sum', 'rivulet.meta', 'msgs/index.db', 'rivulet.floor'])(
    'a damaged %s makes no stream vanish',
    async (name) => {
      const node = await twelve({ maxMessages: 11 })
      const acknowledged = contentsOf(node.store)
      await node.done(node.store.updateConfig({ ...node.config, maxMessages: 10 }))
      await node.close()
      const path = `${STREAM}/${name}`
      const bytes = node.disk.readFile(path)
      const sizes = [0, 1, bytes.length >> 1, bytes.length - 1].map((size) => Buffer.from(bytes.subarray(0, size)))
      const flipped = [0, 9, bytes.length >> 1].map((at) => (at < bytes.length ? withFlip(bytes, at) : bytes))
      const damaged = [...sizes, ...flipped, Buffer.from('garbage'.repeat(40)), undefined]

      for (const found of damaged) {
        const disk = afterKill(node.disk)
        if (found === undefined) disk.loseEntry(path)
        else disk.plant(path, found)
        const after = await startNode(disk)
        expect(after.config).toMatchObject({ subjects: ['>'], maxMessages: 10 })
        expect(contentsOf(after.store)).toEqual(acknowledged.slice(-10))
        await after.close()
      }
    },
  )

  it('a process that is killed at any change of the disk loses and deletes no data', async () => {
    const disk = new SimulatedDisk()
    const node = await startNode(disk)
    const forks: { disk: SimulatedDisk; acknowledged: number }[] = []
    disk.onChange = () => forks.push({ disk: afterKill(disk), acknowledged: node.store.committedSequence })
    for (let i = 1; i <= 9; i++) {
      node.append('s', `${i}`.padEnd(150, '.'))
      await node.flush()
    }
    await node.close()

    expect(forks.length).toBeGreaterThan(20)
    for (const { disk: fork, acknowledged } of forks) {
      const after = await startNode(fork)
      const sequences = contentsOf(after.store).map((line) => Number(line.split(':')[0]))
      expect(sequences.slice(0, acknowledged)).toEqual(Array.from({ length: acknowledged }, (_, i) => i + 1))
      await after.close()
    }
  })

  it('an operating system that crashes on one node, with a part of its data synced, leaves no divergence', async () => {
    const clock = new VirtualClock()
    const leader = await startNode(new SimulatedDisk(), {}, clock)
    const disk = new SimulatedDisk({ autoStep: true })
    const follower = await startNode(disk, {}, clock)
    for (let i = 1; i <= 9; i++) {
      leader.append('s', `${i}`.padEnd(150, '.'))
      copyFrom(leader, follower, i)
      if (i === 5) await follower.flush()
    }
    await leader.flush()
    follower.turn()
    const acknowledged = follower.store.committedSequence

    for (const seed of SEEDS) {
      const after = await startNode(afterPowerLoss(disk, seed), {}, clock)
      const found = contentsOf(after.store)
      expect(contentsOf(leader.store)).toEqual(expect.arrayContaining(found))
      expect(found.slice(0, acknowledged)).toEqual(contentsOf(leader.store).slice(0, acknowledged))
      // It goes back to what it acknowledged and catches up.
      after.store.truncate(acknowledged)
      for (let sequence = acknowledged + 1; sequence <= 9; sequence++) copyFrom(leader, after, sequence)
      await after.flush()
      expect(contentsOf(after.store)).toEqual(contentsOf(leader.store))
      expect(after.store.state(true)).toEqual(leader.store.state(true))
      await after.close()
    }
  })
})

function withFlip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at]! ^= 0x10
  return copy
}

/** As replication does: with the sequence and the time of the original. */
function copyFrom(leader: Node, follower: Node, sequence: number): void {
  const message = new StoredMessage()
  leader.store.load(sequence, message)
  const { seconds, nanoseconds } = message
  const view = messageOf({ subject: message.subject(), payload: message.payload().toString('latin1') })
  follower.store.appendAt(view, { sequence, seconds, nanoseconds, ttlSeconds: 0 })
}

describe('the reference after kill -9', () => {
  const rollup = (scope: string) => `NATS/1.0\r\nNats-Rollup: ${scope}\r\n\r\n`

  it('of a purge before its point of no return: the last message stays', async () => {
    const node = await twelve()
    const before = contentsOf(node.store)
    const forks: SimulatedDisk[] = []
    node.disk.onChange = () => void forks.push(afterKill(node.disk))
    node.store.purge()
    node.disk.onChange = undefined

    const found = await Promise.all(forks.map(async (disk) => contentsOf((await startNode(disk)).store)))
    expect(new Set(found.map(String))).toEqual(new Set([String(before), '']))
    expect(found[0]).toEqual(before)
  })

  it('after a rollup, where limits had removed older messages: these stay away', async () => {
    const node = await startNode(new SimulatedDisk(), { maxMessages: 5, allowRollup: true })
    for (let i = 1; i <= 8; i++) node.append(i % 2 ? 'odd' : 'even', `${i}`)
    const sequence = node.append('odd', 'all', rollup('sub'))
    node.store.purgeMatching({ filter: SubjectFilter.of('odd'), below: sequence, keep: 0 })
    await node.flush()
    const before = contentsOf(node.store)

    expect(before.map((line) => line.split(':')[0])).toEqual(['6', '8', '9'])
    expect(contentsOf((await startNode(afterKill(node.disk))).store)).toEqual(before)
  })

  it('after a delete, where limits had removed older messages: these stay away', async () => {
    const node = await startNode(new SimulatedDisk(), { maxMessages: 5 })
    for (let i = 1; i <= 8; i++) node.append('s', `${i}`)
    node.store.remove(6)
    await node.flush()
    const before = contentsOf(node.store)

    expect(before.map((line) => line.split(':')[0])).toEqual(['4', '5', '7', '8'])
    expect(contentsOf((await startNode(afterKill(node.disk))).store)).toEqual(before)
  })

  it('after the last live message of a block with older tombstones was deleted: it stays away', async () => {
    const node = await twelve()
    node.store.remove(2)
    node.append('s', 'the tombstone is in this block'.padEnd(300, '.'))
    node.store.remove(13)
    await node.flush()
    for (const sequence of [10, 11, 12]) node.store.remove(sequence)
    await node.flush()
    const before = contentsOf(node.store)

    const after = await startNode(afterKill(node.disk))
    expect(contentsOf(after.store)).toEqual(before)
    expect(after.store.lastSequence).toBe(13)
  })

  it('after max_age was lifted, without index.db: what had aged out stays away', async () => {
    const node = await twelve({ maxAge: SECOND })
    node.clock.advance(10_000, node.turn)
    node.append('s', 'young')
    await node.flush()
    await node.done(node.store.updateConfig({ ...node.config, maxAge: 0n }))
    const disk = afterKill(node.disk)
    disk.remove(`${STREAM}/msgs/index.db`)

    const after = await startNode(disk, {}, node.clock)
    expect(contentsOf(after.store)).toEqual(['13:s=young'])
  })
})
